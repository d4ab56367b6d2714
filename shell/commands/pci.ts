/** `info pci`: the devices as a guest's own driver discovers them. */
import { object } from "@optique/core/constructs";
import { defineCommand } from "../command.ts";
import type { Session } from "../session.ts";
import { hex } from "../reports/hexdump.ts";
import { table } from "../reports/table.ts";

/** A device's PCI function. */
export type PciData = Session["io"]["functions"][number];

type Bar = PciData["bars"][number];

function place({ bus, device }: PciData): string {
  const two = (value: number) => value.toString(16).padStart(2, "0");
  return `${two(bus)}:${two(device)}.0`;
}

function range({ bars }: PciData, space: Bar["space"]): string {
  const bar = bars.find((one) => one.space === space);
  return bar ? `${hex(bar.base)}..${hex(bar.base + bar.size - 1)}` : "-";
}

function windowOf({ bars }: PciData): string {
  return bars.length === 0 ? "-" : bars.map(({ index, call }) => `${index}+${hex(call)}`).join(" ");
}

function calls({ hypercall }: PciData): string {
  return hypercall ? `handle ${hypercall.handle}, from ${hex(hypercall.first)}` : "-";
}

export const infoPci = defineCommand({
  name: "info pci",
  aliases: ["lspci"],
  group: "devices",
  summary: "list the devices as a guest's own driver finds them: PCI functions",
  description:
    `Each device that takes calls or doorbells is a function, vendor 0x1af4, device 0x10f0, in PCI's configuration space:
ports 0xcf8 and 0xcfc, on ppc in the PCI I/O window. BAR 0 is memory, BAR 1 ports; "call window" is
where it stands in each. Vendor-specific capabilities say the same to the guest, and what it needs for hypercalls.
scripts/guests/driver is a driver in C that reads them.`,
  grammar: object({}),
  examples: [{ line: "info pci", after: ["arch x86"], shows: "00:01.0   echo" }],
  run: (session): readonly PciData[] => session.io.functions,
  print: (list) =>
    list.length === 0 ? "no functions: no device takes calls or doorbells" : table([
      { title: "function", value: place },
      { title: "name", value: (one) => one.name },
      { title: "memory (BAR 0)", value: (one) => range(one, "memory") },
      { title: "ports (BAR 1)", value: (one) => range(one, "io") },
      { title: "call window", value: windowOf },
      { title: "hypercalls", value: calls },
    ], list).join("\n"),
});
