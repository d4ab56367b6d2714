/** `info mtree`: what is where in the guest's address spaces. */
import { object } from "@optique/core/constructs";
import { defineCommand } from "../command.ts";
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
  /** What becomes of accesses: RAM or ROM, a device's handler, or what the kernel half does by itself. */
  readonly kind: "ram" | "rom" | "device" | "eventfd" | "coalesced" | "hypercall";
  /** Who completes an access. */
  readonly handledIn?: "kernel" | "userspace";
  /** For a match in the kernel half: the value that it wants, if one. */
  readonly datamatch?: bigint;
  /** For such a match: how often it was. */
  readonly count?: number;
}

const SPACES = { pio: "port", mmio: "mmio" } as const;

function ranges({ vm }: Session): RangeData[] {
  const list: RangeData[] = vm.memory.slots.map(({ gpa, size, name, readOnly }) => (
    { space: "memory", base: gpa, last: gpa + size - 1, name, kind: readOnly ? "rom" : "ram" }
  ));
  for (const [space, bus] of [["mmio", vm.mmio], ["port", vm.ports]] as const) {
    for (const { base, size, name } of bus.list) {
      const handledIn = bus.find(base)?.handler.handledIn ?? "userspace";
      list.push({ space, base, last: base + size - 1, name, kind: "device", handledIn });
    }
  }
  for (const { bus, address, length, datamatch, name, count } of vm.ioevents.list) {
    list.push({
      ...{ space: SPACES[bus], base: address, last: address + Math.max(1, length) - 1, name },
      ...{ kind: "eventfd", handledIn: "kernel", count },
      ...(datamatch !== undefined && { datamatch }),
    });
  }
  for (const { bus, address, size } of vm.coalesced.list) {
    list.push({
      ...{ space: SPACES[bus], base: address, last: address + size - 1, name: "coalesced zone" },
      ...{ kind: "coalesced", handledIn: "kernel" },
    });
  }
  for (const { number, name } of vm.hypercalls.list) {
    list.push({ space: "hypercall", base: number, last: number, name, kind: "hypercall" });
  }
  const order = ["memory", "mmio", "port", "hypercall"];
  return list.sort((a, b) => order.indexOf(a.space) - order.indexOf(b.space) || a.base - b.base);
}

export const infoMtree = defineCommand({
  name: "info mtree",
  group: "inspect",
  summary: "list memory slots, MMIO windows, ports, hypercalls, and what the kernel half matches or gathers",
  description:
    `In guest-physical addresses, ports and hypercall numbers. eventfd: writes that the kernel half matches and signals by
itself; coalesced: writes that it gathers for userspace; both lie over the device that they belong to.`,
  grammar: object({}),
  examples: [{ line: "info mtree", after: ["arch x86"], shows: "mmio" }],
  run: ranges,
  print: (rows) =>
    table([
      { title: "space", value: (row) => row.space },
      { title: "from", value: (row) => hex(row.base), right: true },
      { title: "to", value: (row) => hex(row.last), right: true },
      { title: "bytes", value: (row) => row.space === "hypercall" ? undefined : row.last - row.base + 1 },
      { title: "kind", value: (row) => row.kind },
      { title: "in", value: (row) => row.handledIn },
      { title: "name", value: (row) => row.name + matchText(row) },
    ], rows).join("\n"),
});

function matchText({ datamatch, count }: RangeData): string {
  const value = datamatch === undefined ? "" : ` if ${hex(datamatch)}`;
  return count === undefined ? "" : `${value}, matched ${count} time${count === 1 ? "" : "s"}`;
}
