/** `info mtree` and `info mem`: what is where. */
import { object } from "@optique/core/constructs";
import { type Command, defineCommand } from "../command.ts";
import type { Session } from "../session.ts";
import { hex } from "../reports/hexdump.ts";
import { table } from "../reports/table.ts";

/** A range of one of the guest's address spaces. */
export interface RangeData {
  readonly space: "memory" | "mmio" | "port" | "hypercall";
  readonly base: number;
  /** Last address or number that belongs to it. */
  readonly last: number;
  readonly name: string;
}

function memoryRanges(session: Session): RangeData[] {
  return session.vm.memory.slots.map(({ gpa, size, name }) => (
    { space: "memory", base: gpa, last: gpa + size - 1, name }
  ));
}

function allRanges(session: Session): RangeData[] {
  const { vm } = session;
  const bus = (
    space: "mmio" | "port",
    list: readonly { base: number; size: number; name: string }[],
  ): RangeData[] => list.map(({ base, size, name }) => ({ space, base, last: base + size - 1, name }));
  return [
    ...memoryRanges(session),
    ...bus("mmio", vm.mmio.list),
    ...bus("port", vm.ports.list),
    ...vm.hypercalls.list.map(({ number, name }): RangeData => (
      { space: "hypercall", base: number, last: number, name }
    )),
  ];
}

const print = (rows: readonly RangeData[]) =>
  table([
    { title: "space", value: (row) => row.space },
    { title: "from", value: (row) => hex(row.base), right: true },
    { title: "to", value: (row) => hex(row.last), right: true },
    { title: "bytes", value: (row) => row.space === "hypercall" ? undefined : row.last - row.base + 1 },
    { title: "name", value: (row) => row.name },
  ], rows).join("\n");

function mapCommand(
  name: string,
  summary: string,
  run: (session: Session) => RangeData[],
  shows: string,
): Command {
  const after = ["arch x86"];
  return defineCommand({
    name,
    group: "inspect",
    summary,
    grammar: object({}),
    examples: [{ line: name, after, shows }],
    run,
    print,
  });
}

export const infoMem = mapCommand("info mem", "list the guest's memory slots", memoryRanges, "memory");
export const infoMtree = mapCommand(
  "info mtree",
  "list memory slots, MMIO windows, ports and hypercalls",
  allRanges,
  "mmio",
);
