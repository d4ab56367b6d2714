/** `compare`: the same call by every vehicle on every backend. */
import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { defineCommand } from "../command.ts";
import { loadMachine } from "../machine_loader.ts";
import type { Device, VmOptions } from "../machine_types.ts";
import { eachWithProgress } from "../progress_display.ts";
import { placeOn } from "../place_on.ts";
import { compareLines, type CompareRow } from "../reports/compare_table.ts";
import type { Session } from "../session.ts";
import type { BackendName } from "./support/backends.ts";
import { maybeWord, word, words } from "./support/grammar.ts";
import { requireDevice } from "./support/handle.ts";
import { measure } from "./support/measure.ts";
import { patiently } from "./support/patience.ts";
import { numberOf } from "./support/numbers.ts";
import { payload } from "./support/payload.ts";

/** The machines of the comparison, and the only ones that the question is about. */
const GUESTS = [
  { arch: "x86", mode: 64, backend: "vmx", guest: "x86-64" },
  { arch: "x86", mode: 64, backend: "svm", guest: "x86-64" },
  { arch: "ppc", mode: 32, backend: "kvm-pr", guest: "ppc32" },
  { arch: "ppc", mode: 64, backend: "kvm-hv", guest: "ppc64" },
] as const satisfies readonly (VmOptions & { guest: string; backend: BackendName })[];

/** Bytes of RAM for each machine: no more than calls need, as a table takes twelve machines. */
const MEMORY = 2 * 2 ** 20;

const VEHICLES = ["hypercall", "pio", "mmio"] as const;

async function cell(
  session: Session,
  options: (typeof GUESTS)[number],
  asked: (typeof VEHICLES)[number],
  work: { name: string; fn: number; data: Uint8Array; cold: boolean },
): Promise<CompareRow> {
  const { arch, mode, backend, guest } = options;
  const layer = await loadMachine();
  const profile = session.vm.arch === arch ? session.vm.profile : undefined;
  const vm = layer.createVm({ arch, mode, backend, memory: MEMORY, ...(profile && { profile }) });
  for (const entry of session.devices.values()) {
    const { device } = entry;
    if (vm.devices.get(device.name) === undefined) vm.devices.add(device as Device, placeOn(vm, entry));
  }
  const row = { guest, backend, asked };
  try {
    const handle = await layer.createIo(vm).open(work.name, { via: asked });
    if (!work.cold) await patiently(session, vm, (signal) => handle.call(work.fn, work.data, { signal }));
    const { result, cost } = await measure(
      session,
      vm,
      (signal) => handle.call(work.fn, work.data, { signal }),
    );
    return { ...row, label: handle.label, cost, bytes: work.data.length + result.length };
  } catch (error) {
    return { ...row, refused: error instanceof Error ? error.message : String(error) };
  }
}

export const compare = defineCommand({
  name: "compare",
  group: "experiments",
  summary: "make one call by every vehicle on every backend, and show what each costs",
  description:
    `compare NAME [FN [ARG...]]: the arguments are those of call, without them FN 1 with 8 bytes. Each cell is a fresh
machine with the session's devices; the call is made once to warm up (the first touch of an MMIO page
costs another exit) and once to be counted; --cold counts the first. Devices see all these calls. The
profile of the session's machine prices its own architecture, the default ones price the other.`,
  raw: true,
  grammar: object({
    name: word("NAME"),
    fn: maybeWord("FN"),
    args: words("ARG"),
    cold: optional(option("--cold")),
  }),
  examples: [{ line: "compare echo 1 0x2a", shows: "kvm-hv" }],
  complete: (session, typed) => typed.length <= 1 ? session.devices.keys() : [],
  async run(session, { name, fn, args, cold }): Promise<CompareRow[]> {
    requireDevice(session, name);
    const number = numberOf(session, fn ?? "1", "function number", 0, 0xffff_ffff);
    const data = payload(
      args.length === 0 && fn === undefined ? ["0"] : args,
      (text) => session.evaluateNumber(text),
    );
    const work = { name, fn: number, data, cold: cold === true };
    const cells = GUESTS.flatMap((options) => VEHICLES.map((asked) => ({ options, asked })));
    const rows: CompareRow[] = [];
    for await (const { options, asked } of eachWithProgress(session, "compare", cells, "cells")) {
      rows.push(await cell(session, options, asked, work));
    }
    // After Ctrl-C the others are named, so that the table is not taken for the whole.
    const missing = cells.slice(rows.length).map(({ options: { guest, backend }, asked }): CompareRow => ({
      ...{ guest, backend, asked },
      refused: "interrupted before it was measured",
    }));
    return [...rows, ...missing];
  },
  print: (rows) => compareLines(rows).join("\n"),
});
