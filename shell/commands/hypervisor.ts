/** `hypervisor`: what the guest takes the one below it for. */
import { argument } from "@optique/core/primitives";
import { optional } from "@optique/core/modifiers";
import { object } from "@optique/core/constructs";
import { choice } from "@optique/core/valueparser";
import { defineCommand } from "../command.ts";
import { table } from "../reports/table.ts";
import type { Session, Settings } from "../session.ts";
import { HYPERVISOR_NAMES, HYPERVISOR_POLICIES } from "./support/hypervisor_names.ts";
import { type HypervisorRow, rowsFor } from "./support/hypervisors.ts";
import { oneOf } from "./support/grammar.ts";

/** What `hypervisor` reports. */
export interface HypervisorData {
  /** The one that the guest has. */
  readonly name: string;
  readonly title: string;
  /** How a guest finds it. */
  readonly discovery: string;
  /** How a guest calls it, or why it cannot. */
  readonly call: string;
  /** What becomes of the other vendor's instruction on x86. */
  readonly wrongHypercall: string;
  /** Those that this backend and mode can show, if they were asked for. */
  readonly choices?: readonly HypervisorRow[];
}

function dataOf({ vm }: Session): HypervisorData {
  const { hypervisor: { name, title, discovery }, hypervisor, wrongHypercall, backend, mode } = vm;
  const abi = hypervisor.abi(backend.name, mode);
  return {
    name,
    title,
    discovery,
    call: typeof abi === "string" ? abi : abi.trap,
    wrongHypercall,
  };
}

export const hypervisor = defineCommand({
  name: "hypervisor",
  group: "machine",
  summary: "show or choose what the guest takes the hypervisor for",
  description:
    `On vmx and svm kvm, xen, hyperv or vmware; on kvm-hv papr; on kvm-pr epapr, papr (64-bit) or osi (32-bit); none
everywhere. It decides how the guest finds the hypervisor (CPUID leaves, MSRs, a port, the device tree in r3), how it makes
hypercalls and how it is refused; the backend decides what leaves the guest. On x86 the other vendor's hypercall
instruction is an invalid opcode: POLICY patch rewrites the guest's text, as KVM does, emulate answers it each time,
reject hands the exception to the guest. Another one makes a new machine.`,
  grammar: object({
    name: optional(oneOf(HYPERVISOR_NAMES, "NAME")),
    policy: optional(argument(choice(HYPERVISOR_POLICIES, { metavar: "POLICY" }))),
  }),
  examples: [
    { line: "hypervisor xen", after: ["arch x86"], shows: "XenVMMXenVMM" },
    { line: "hypervisor kvm emulate", after: ["arch x86"], shows: "the other vendor's instruction: emulate" },
    { line: "hypervisor", after: ["arch x86"], shows: "hyperv" },
  ],
  async run(session, { name, policy }): Promise<HypervisorData> {
    if (name === undefined) {
      const { backend, mode } = session.vm;
      return { ...dataOf(session), choices: await rowsFor(backend.name, mode) };
    }
    const before = session.settings;
    const change: Partial<Settings> = { hypervisor: name, wrongHypercall: policy };
    session.configure(change);
    try {
      return dataOf(session);
    } catch (error) {
      session.configure(before);
      throw error;
    }
  },
  print({ name, title, discovery, call, wrongHypercall, choices }) {
    const lines = [
      `hypervisor ${name} (${title})`,
      `found by: ${discovery}`,
      `called by: ${call}`,
      ...(wrongHypercall === "reject" ? [] : [`the other vendor's instruction: ${wrongHypercall}`]),
    ];
    if (!choices) return lines.join("\n");
    const columns = [
      { title: "name", value: (row: HypervisorRow) => row.name },
      { title: "what it is", value: (row: HypervisorRow) => row.title },
      { title: "found by", value: (row: HypervisorRow) => row.discovery },
    ];
    return [...lines, "", ...table(columns, choices)].join("\n");
  },
});
