/** `savevm`, `loadvm`, `delvm`, `info snapshots`: the machine as it is now, kept and gone back to. */
import { object } from "@optique/core/constructs";
import { defineCommand } from "../command.ts";
import type { Session } from "../session.ts";
import { table } from "../reports/table.ts";
import { fileNames } from "./support/files.ts";
import { keywordOf, maybeWord, word } from "./support/grammar.ts";
import { HYPERVISOR_NAMES } from "./support/hypervisor_names.ts";
import { isFile, snapshotOf, snapshotsOf } from "./support/snapshots.ts";
import { stateOf } from "./support/state.ts";

/** A snapshot of the session, or of a file. */
export interface SnapshotData {
  readonly name: string;
  /** Bytes of the snapshot. */
  readonly size: number;
  readonly arch: "x86" | "ppc";
  readonly mode: number;
  /** The hypervisor that it was saved under. */
  readonly backend: string;
  readonly vcpus: number;
  /** Bytes of guest RAM. */
  readonly memory: number;
  /** Instructions that its vCPUs had completed. */
  readonly instructions: number;
  /** Exits in its ledger. */
  readonly exits: number;
  /** Events that it had and this session has no function for. */
  readonly waiting?: readonly { readonly bus: string; readonly address: number; readonly name: string }[];
}

/** Loaded when it is needed: help needs none of it. */
async function machineLayer() {
  return await import("../../emulator/machine/snapshot/snapshot.ts");
}

async function describe(name: string, bytes: Uint8Array): Promise<SnapshotData> {
  const { describeSnapshot } = await machineLayer();
  const { arch, mode, backend, vcpus, memory, instructions, exits } = describeSnapshot(bytes);
  return { name, size: bytes.length, arch, mode, backend, vcpus, memory: memory.size, instructions, exits };
}

const amount = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;

function line({ name, size, instructions, exits }: SnapshotData): string {
  return `${name}: ${amount(size, "byte")}, ${amount(instructions, "instruction")}, ${amount(exits, "exit")}`;
}

async function candidates(session: Session, typed: readonly string[]): Promise<string[]> {
  return [...snapshotsOf(session).keys(), ...await fileNames(typed.at(-1) ?? "")];
}

export const saveVm = defineCommand({
  name: "savevm",
  group: "snapshots",
  summary: "keep the machine as it is now, under a name or in a file",
  description:
    `All that its further run depends on: memory, registers, time, the exit ledger, interrupt controllers, devices. A NAME
with a dot or a slash, as in savevm guest.vm, is a file; any other is kept by the session until it ends. The same state gives the same
bytes. A device of yours needs save() and load(state), or stateless: true. Breakpoints are the session's and stay out.`,
  grammar: object({ name: word("NAME|FILE") }),
  examples: [
    { line: "savevm before", after: ["arch x86", "asm nop"], shows: "before: " },
  ],
  complete: candidates,
  async run(session, { name }): Promise<SnapshotData> {
    const { saveVm } = await machineLayer();
    const bytes = saveVm(session.vm);
    if (isFile(name)) await Deno.writeFile(name, bytes);
    else snapshotsOf(session).set(name, { bytes, entry: stateOf(session).entry });
    return describe(name, bytes);
  },
  print: line,
});

export const loadVm = defineCommand({
  name: "loadvm",
  group: "snapshots",
  summary: "go back to a machine that savevm kept, or on with it under another hypervisor",
  description:
    `The machine in use is given up. Devices of the session are found by their names and get the snapshot's state; a
device that the snapshot has and the session has not must be added first; matches of vm.ioevents keep their signals if the
machine in use has the same ones, and wait for them otherwise. With "on BACKEND" the guest goes on there,
with "as HYPERVISOR" (first, if both are given) it finds another one below it: the exit ledger begins anew, time goes on. Breakpoints stay.`,
  grammar: object({
    name: word("NAME|FILE"),
    as: keywordOf("as", HYPERVISOR_NAMES, "HYPERVISOR"),
    on: keywordOf("on", ["vmx", "svm", "kvm-hv", "kvm-pr"], "BACKEND"),
  }),
  examples: [
    { line: "loadvm before", after: ["arch x86", "savevm before", "out.b 0x80 1"], shows: "before: " },
    { line: "loadvm before on svm", after: ["arch x86", "savevm before"], shows: "on svm" },
    { line: "loadvm before as xen on svm", after: ["arch x86", "savevm before"], shows: "on svm" },
  ],
  complete: candidates,
  async run(session, { name, as, on }): Promise<SnapshotData> {
    const { restoreVm } = await machineLayer();
    const { bytes, entry } = await snapshotOf(session, name);
    const devices = [...session.devices.values()].map(({ device }) => device);
    const { settings: { engine }, vm: { ioevents } } = session;
    const vm = restoreVm(bytes, { devices, ioevents, backend: on, hypervisor: as, engine });
    await session.adopt(vm);
    stateOf(session).entry = entry;
    const waiting = vm.ioevents.waiting.map(({ bus, address, name }) => ({ bus, address, name }));
    return { ...await describe(name, bytes), backend: vm.backend.name, ...waiting.length > 0 && { waiting } };
  },
  print: (data) =>
    [
      `${line(data)}; on ${data.backend}`,
      ...(data.waiting ?? []).map(({ bus, address, name }) =>
        `${name} (${bus} 0x${address.toString(16)}) waits for its signal: vm.ioevents.add it again`
      ),
    ].join("\n"),
});

export const deleteVm = defineCommand({
  name: "delvm",
  group: "snapshots",
  summary: "forget a snapshot of the session",
  grammar: object({ name: word("NAME") }),
  examples: [{ line: "delvm before", after: ["arch x86", "savevm before"], shows: "deleted before" }],
  complete: (session) => snapshotsOf(session).keys(),
  async run(session, { name }): Promise<{ name: string }> {
    if (isFile(name)) throw new TypeError(`${name} is a file: delvm forgets what the session keeps`);
    await snapshotOf(session, name);
    snapshotsOf(session).delete(name);
    return { name };
  },
  print: ({ name }) => `deleted ${name}`,
});

export const infoSnapshots = defineCommand({
  name: "info snapshots",
  group: "snapshots",
  summary: "list the session's snapshots, or tell what a file holds",
  grammar: object({ file: maybeWord("FILE") }),
  examples: [
    { line: "info snapshots", after: ["arch x86", "savevm before"], shows: "before" },
  ],
  complete: (_session, typed) => fileNames(typed.at(-1) ?? ""),
  async run(session, { file }): Promise<SnapshotData[]> {
    if (file !== undefined) return [await describe(file, (await snapshotOf(session, file)).bytes)];
    return await Promise.all([...snapshotsOf(session)].map(([name, { bytes }]) => describe(name, bytes)));
  },
  print: (list) =>
    list.length === 0 ? "no snapshots" : table([
      { title: "name", value: (one) => one.name },
      { title: "machine", value: (one) => `${one.arch} ${one.mode}-bit on ${one.backend}` },
      { title: "vcpus", value: (one) => one.vcpus },
      { title: "memory", value: (one) => one.memory },
      { title: "bytes", value: (one) => one.size },
      { title: "instructions", value: (one) => one.instructions },
      { title: "exits", value: (one) => one.exits },
    ], list).join("\n"),
});
