/** The sweep behind `sweep call`: one call of a device of the session, over what a machine can be and how it can be reached. */
import { pathToFileURL } from "node:url";
import { parseProfile } from "../../emulator/exits/profile_check.ts";
import { builtinDevices } from "../builtin_devices.ts";
import { BACKENDS } from "../commands/support/backends.ts";
import { devicesFrom } from "../commands/support/device_module.ts";
import { startMeter } from "../commands/support/measure.ts";
import { loadMachine } from "../machine_loader.ts";
import type { Io, Vm, VmOptions } from "../machine_types.ts";
import { placeOn } from "../place_on.ts";
import { provenanceLine } from "../reports/cost_lines.ts";
import type { SessionDevice } from "../session.ts";
import type { CellContext, CellResult, CellValues } from "./definition.ts";

/** What `sweep call` gives along. */
export interface CallInput {
  /** The device's name. */
  readonly device: string;
  /** Its file, absolute; none for a device that every session has. */
  readonly files: readonly string[];
  /** Where it was asked to stand, as JSON. */
  readonly at: string | null;
  readonly fn: number;
  /** What is sent, in hexadecimal; a swept size sends that many bytes. */
  readonly bytes: string;
  /** Count the first call. */
  readonly cold: boolean;
  /** The session's machine, as JSON: for what is not swept. */
  readonly machine: string;
  /** The profile of the session's machine, as JSON: for its architecture. */
  readonly profile: string | null;
}

/** What can be swept. */
export interface CallValues {
  readonly arch?: "x86" | "ppc";
  readonly mode?: 16 | 32 | 64;
  readonly backend?: keyof typeof BACKENDS;
  readonly hypervisor?: VmOptions["hypervisor"];
  readonly profile?: string;
  readonly vehicle?: NonNullable<Parameters<Io["open"]>[1]>["via"];
  readonly data?: NonNullable<Parameters<Io["open"]>[1]>["data"];
  readonly size?: number;
}

/** `sweep call` puts others in their place. */
export const parameters = { vehicle: ["hypercall", "pio", "mmio"] };

export default async function cell(
  given: CellValues,
  context: CellContext,
  input: CallInput,
): Promise<CellResult> {
  const values = given as CallValues;
  const layer = await loadMachine();
  const entry = await deviceOf(input);
  let vm: Vm;
  try {
    vm = layer.createVm(machineOf(values, input));
  } catch (error) {
    return context.infeasible(error);
  }
  vm.devices.add(entry.device, placeOn(vm, entry));
  const { vehicle: via, data } = values;
  const handle = await layer.createIo(vm).open(input.device, { ...(via && { via }), ...(data && { data }) })
    .catch(context.infeasible);
  const bytes = bytesOf(values, input);
  const call = async () => {
    try {
      await handle.call(input.fn, bytes);
    } catch (error) {
      // As the transports have it: what cannot be carried is out of range, anything else went wrong.
      if (error instanceof RangeError) return context.infeasible(error);
      throw error;
    }
  };
  if (!input.cold) await call();
  const meter = startMeter(vm);
  await call();
  const cost = meter();
  context.note(provenanceLine(cost));
  const { worldSwitch, dispatch, decode, userspace, device, total } = cost.cycles;
  return {
    carried: handle.label,
    exits: cost.exits,
    switch: worldSwitch,
    ...{ dispatch, decode, userspace, device },
    cycles: total,
    guest: cost.guestCycles,
    ...(values.profile === undefined && { priced: cost.profile.name }),
  };
}

async function deviceOf({ device: name, files: [file], at }: CallInput): Promise<SessionDevice> {
  const place = at === null ? undefined : JSON.parse(at) as SessionDevice["at"];
  const entries = file === undefined
    ? builtinDevices({ write() {} })
    : (await devicesFrom({ importFresh: (path) => import(pathToFileURL(path).href) }, file))
      .map((device) => ({ device }));
  const found = entries.find(({ device }) => device.name === name);
  if (found === undefined) throw new ReferenceError(`the device ${name} is no longer in ${file ?? "trapsh"}`);
  return { ...found, ...(place && { at: place }) };
}

/** The session's machine where nothing else is said; of another architecture, that one's own defaults. */
function machineOf(values: CallValues, input: CallInput): VmOptions {
  const own: VmOptions = JSON.parse(input.machine);
  const arch = values.arch ?? (values.backend && BACKENDS[values.backend].arch) ?? own.arch;
  const { mode, backend, hypervisor, profile } = values;
  return {
    ...(arch === own.arch && own),
    ...(arch === own.arch && input.profile !== null &&
      { profile: parseProfile(input.profile, "the profile") }),
    arch,
    ...(mode && { mode }),
    ...(backend && { backend }),
    ...(hypervisor && { hypervisor }),
    ...(profile && { profile }),
  };
}

function bytesOf({ size }: CallValues, input: CallInput): Uint8Array {
  return size === undefined
    ? Uint8Array.fromHex(input.bytes)
    : Uint8Array.from({ length: size }, (_, i) => i);
}
