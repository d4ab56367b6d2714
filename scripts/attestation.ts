/**
 * What reaching a device does to a measured guest: SHA-256 of its text by page before and after, and the exit that changed
 * each byte, under each policy: the right instruction, patching in place, emulation of #UD, a page that the hypervisor
 * writes, an opcode from the device tree, a port that carries registers, PIO, MMIO.
 *
 *     trapsh run scripts/attestation.ts [--json]
 *
 * One image runs on both vendors' processors. Its text is hashed as it is loaded and again after its calls: a measured
 * launch passes if not a byte differs. Bytes are attributed by executing the guest one instruction at a time and looking
 * at its text before each exit and after each instruction.
 */
import { type ScriptContext, standalone, startMeter, table, type Vm } from "../mod.ts";
import { PAGE, TEXT, TEXT_END } from "./attestation/image.ts";
import { machineFor } from "./attestation/machine.ts";
import { MACHINES, type Policy, type Target } from "./attestation/policies.ts";
import { address, type Change, hex, textOf, watched } from "./attestation/watch.ts";
import { figuresByProfile } from "./support/provenance.ts";
import { quietly } from "./support/each.ts";

/** Calls of the run whose text is watched, and of the one that is timed. */
const WATCHED = 4, TIMED = 1000;

/** A page of the text. */
export interface PageHash {
  readonly page: number;
  readonly before: string;
  readonly after: string;
}

/** What is found out about a policy on a machine. */
export interface Cell {
  readonly machine: string;
  readonly policy: string;
  /** Calls that the device saw, of those that the guest was to make. */
  readonly served: number;
  readonly wanted: number;
  /** How the guest ended: `end`, or the stop. */
  readonly ended: string;
  readonly pages: readonly PageHash[];
  readonly changes: readonly Change[];
  readonly changedBytes: number;
  /** Exits by #UD. */
  readonly undefinedOpcodes: number;
  /** Measured launch: not a byte of the text differs, and all calls were served. */
  readonly attestation: "pass" | "fail" | "does not run";
  /** Cycles of the first call with all that comes before it, and of each later one. */
  readonly first?: number;
  readonly each?: number;
  readonly profile: string;
  readonly provenance: Readonly<Record<string, readonly string[]>>;
}

async function sha256(bytes: Uint8Array): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.slice())));
}

/** What a number of calls costs, with all that comes before them; undefined if they are not served. */
async function timed(machine: Target, policy: Policy, calls: number) {
  const { vm, device, end } = machineFor(machine, policy, calls);
  const meter = startMeter(vm);
  await vm.run({ until: end, instructions: 100 * calls + 20_000 });
  const cost = meter();
  return device.served === calls ? { cycles: cost.cycles.total + cost.guestCycles, cost } : undefined;
}

/** Measures one policy on one machine; `spoil` may change the guest after it is loaded and before it is hashed. */
export async function attest(
  machine: Target,
  policy: Policy,
  spoil: (vm: Vm, trap: bigint) => void = () => {},
): Promise<Cell> {
  const { vm, device, end, trap } = machineFor(machine, policy, WATCHED);
  spoil(vm, trap);
  const before = textOf(vm);
  const { changes, ended } = await watched(vm, end);
  const after = textOf(vm), pages: PageHash[] = [];
  for (let page = TEXT; page < TEXT_END; page += PAGE) {
    const part = (text: Uint8Array) => sha256(text.subarray(page - TEXT, page - TEXT + PAGE));
    pages.push({ page, before: await part(before), after: await part(after) });
  }
  const runs = device.served === WATCHED && ended === "end";
  const changed = pages.some((one) => one.before !== one.after);
  const one = runs ? await timed(machine, policy, 1) : undefined;
  const many = runs ? await timed(machine, policy, TIMED) : undefined;
  return {
    machine: machine.name,
    policy: policy.name,
    served: device.served,
    wanted: WATCHED,
    ended,
    pages,
    changes,
    changedBytes: changes.reduce((sum, { bytes }) => sum + bytes, 0),
    undefinedOpcodes: vm.exits.aggregates().filter(({ reason, key }) => reason === "EXCEPTION" && key === 6)
      .reduce((sum, { count }) => sum + count, 0),
    attestation: !runs ? "does not run" : changed ? "fail" : "pass",
    ...(one && many && { first: one.cycles, each: (many.cycles - one.cycles) / (TIMED - 1) }),
    profile: vm.profile.name,
    provenance: many?.cost.provenance ?? {},
  };
}

/** All cells, in the order of machines and policies. */
export async function attestations(each = quietly): Promise<Cell[]> {
  const cells: Cell[] = [];
  const all = MACHINES.flatMap((machine) => machine.policies.map((policy) => ({ machine, policy })));
  for await (const { machine, policy } of each("attestation", all, "policies")) {
    cells.push(await attest(machine, policy));
  }
  return cells;
}

/** Whether one expected hash of the text after the calls covers both vendors: undefined where there is one machine. */
function sameOnBoth(cells: readonly Cell[], cell: Cell): boolean | undefined {
  const x86 = cells.filter(({ policy, machine }) => policy === cell.policy && machine.startsWith("x86"));
  if (!cell.machine.startsWith("x86") || x86.some(({ attestation }) => attestation === "does not run")) {
    return undefined;
  }
  return x86.every(({ pages }) => pages.every(({ after }, i) => after === x86[0].pages[i].after));
}

const short = (hash: string) => hash.slice(0, 8);

function asText(cells: readonly Cell[]): string {
  const columns = [
    { title: "machine", value: (cell: Cell) => cell.machine },
    { title: "policy", value: (cell: Cell) => cell.policy },
    { title: "launch check", value: (cell: Cell) => cell.attestation },
    { title: "bytes", value: (cell: Cell) => cell.changedBytes },
    { title: "#UD", value: (cell: Cell) => cell.undefinedOpcodes },
    {
      title: "one hash for both",
      value(cell: Cell) {
        const same = sameOnBoth(cells, cell);
        return same === undefined ? "" : same ? "yes" : "no";
      },
    },
    ...[0, 1].map((i) => ({
      title: `page ${address(TEXT + PAGE * i)}`,
      value: ({ pages: { [i]: { before, after } } }: Cell) =>
        before === after ? short(before) : `${short(before)} > ${short(after)}`,
    })),
    { title: "first call", value: (cell: Cell) => cell.first ?? "", right: true },
    { title: "each later", value: (cell: Cell) => cell.each?.toFixed(1) ?? "", right: true },
  ];
  const lines = [
    "measured launch: SHA-256 of the guest's text, page by page, as loaded and after the calls",
    "",
  ];
  lines.push(...table(columns, cells), "", "what changed the text");
  for (const cell of cells) {
    for (const change of cell.changes) {
      const { seq, what, pc, bytes, before, after } = change;
      const by = seq === undefined ? what : `exit ${seq}, ${what},`;
      const how = before.length <= 16
        ? `: ${before} > ${after}`
        : `: begins ${before.slice(0, 16)} > ${after.slice(0, 16)}`;
      lines.push(
        `  ${cell.machine}, ${cell.policy}: ${bytes} byte${bytes === 1 ? "" : "s"} from ${
          address(change.address)
        } by ${by} at ${address(pc)}${how}`,
      );
    }
  }
  for (const cell of cells.filter(({ attestation }) => attestation === "does not run")) {
    lines.push(
      `  ${cell.machine}, ${cell.policy}: ${cell.served} of ${cell.wanted} calls were served, then ${cell.ended}`,
    );
  }
  lines.push(
    "",
    "cycles: the device answers in the kernel and costs nothing; the loop around a call is in them",
  );
  const costs = cells.map(({ profile, provenance }) => ({
    profile: { name: profile, source: "" },
    provenance,
  }));
  for (const { name, figures } of figuresByProfile(costs)) lines.push(`  profile ${name}: ${figures}`);
  return `${lines.join("\n")}\n`;
}

/** Prints the cells. */
export default async function attestation({ json, out, each }: ScriptContext): Promise<void> {
  const cells = await attestations(each);
  const data = cells.map((cell) => ({ ...cell, oneHashForBoth: sameOnBoth(cells, cell) }));
  out.write(json ? `${JSON.stringify(data, null, 2)}\n` : asText(cells));
}

if (import.meta.main) await standalone(attestation);
