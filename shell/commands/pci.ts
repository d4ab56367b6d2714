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

function range({ bars }: PciData, space: Bar["space"], use: Bar["use"]): string {
  const bar = bars.find((one) => one.space === space && one.use === use);
  if (!bar) return "-";
  const first = bar.base + bar.offset;
  return `${hex(first)}..${hex(first + bar.bytes - 1)}`;
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
ports 0xcf8 and 0xcfc, on ppc in the PCI I/O window. Its BARs are the call window in memory and in ports, then the
device's registers; vendor-specific capabilities say which is which, the device's name, and what it takes to reach it by
hypercall. scripts/guests/driver is a driver in C that reads them.`,
  grammar: object({}),
  examples: [{ line: "info pci", after: ["arch x86"], shows: "00:01.0   echo" }],
  run: (session): readonly PciData[] => session.io.functions,
  print: (list) =>
    list.length === 0 ? "no functions: no device takes calls or doorbells" : table([
      { title: "function", value: place },
      { title: "name", value: (one) => one.name },
      { title: "call window", value: (one) => range(one, "memory", "call") },
      { title: "in ports", value: (one) => range(one, "io", "call") },
      { title: "registers", value: (one) => range(one, "memory", "registers") },
      { title: "in ports", value: (one) => range(one, "io", "registers") },
      { title: "hypercalls", value: calls },
    ], list).join("\n"),
});
