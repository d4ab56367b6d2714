/** `cpu`, `vcpus`, `info cpus`: several vCPUs in one machine. */
import { optional } from "@optique/core/modifiers";
import { object } from "@optique/core/constructs";
import { defineCommand } from "../command.ts";
import { hex } from "../reports/hexdump.ts";
import { table } from "../reports/table.ts";
import type { Session } from "../session.ts";
import { codeAddress } from "./support/code.ts";
import { maybeWord, oneOf } from "./support/grammar.ts";
import { addressOf, numberOf } from "./support/numbers.ts";
import { stateOf } from "./support/state.ts";
import { nameOf, symbolNames } from "./support/symbols.ts";

/** A vCPU as `info cpus` lists it. */
export interface CpuData {
  readonly index: number;
  /** Whether commands are about this one. */
  readonly selected: boolean;
  readonly state: "running" | "halted" | "parked";
  readonly pc: bigint;
  readonly symbol?: string;
  readonly instructions: number;
  /** Its clock: cycles of instructions and exits by the profile, and of waits. */
  readonly cycles: number;
  /** The profile. */
  readonly profile: string;
}

/** No machine has more. */
const MOST = 64;

function cpuData(session: Session, index: number): CpuData {
  const vcpu = session.vm.vcpus[index];
  const { pc, instructions, cycles, parked, halted } = vcpu;
  const state = parked ? "parked" : halted ? "halted" : "running";
  const symbol = nameOf(session.vm, codeAddress(vcpu));
  const selected = session.vcpu.index === index;
  return {
    index,
    selected,
    state,
    pc,
    ...(symbol !== undefined && { symbol }),
    instructions,
    cycles,
    profile: session.vm.profile.name,
  };
}

function printCpu({ index, state, pc, symbol }: CpuData): string {
  return `vCPU ${index} is selected: ${state}, pc ${hex(pc)}${symbol === undefined ? "" : ` <${symbol}>`}`;
}

export const cpu = defineCommand({
  name: "cpu",
  group: "running",
  summary: "select a vCPU, or start one that is parked",
  description:
    `Commands that show or change registers, and step, are about the selected vCPU: the first, until another one is
selected or stops a run. cpu N start ADDR sets its pc and lets it run; all but the first are parked until then.`,
  grammar: object({
    index: maybeWord("N"),
    start: optional(oneOf(["start"], "start")),
    address: maybeWord("ADDR"),
  }),
  examples: [
    { line: "cpu", shows: "vCPU 0 is selected: running" },
    { line: "cpu 1", after: ["vcpus 2"], shows: "vCPU 1 is selected: parked" },
    { line: "cpu 1 start 0x1000", after: ["vcpus 2"], shows: "vCPU 1 is selected: running, pc 0x" },
  ],
  complete: (session, typed) =>
    typed.length < 3 && session.hasVm
      ? session.vm.vcpus.map(({ index }) => String(index))
      : symbolNames(session),
  run(session, { index, start, address }): CpuData {
    const { vcpus } = session.vm;
    if ((start === undefined) !== (address === undefined)) {
      throw new SyntaxError("cpu N start takes an address (example: cpu 1 start 0x1000)");
    }
    if (index !== undefined) {
      const number = numberOf(session, index, "vCPU", 0, vcpus.length - 1);
      if (number !== session.vcpu.index) stateOf(session).before = undefined;
      session.selectVcpu(number);
    }
    if (address !== undefined) session.vcpu.start(addressOf(session, address));
    return cpuData(session, session.vcpu.index);
  },
  print: printCpu,
});

export const vcpus = defineCommand({
  name: "vcpus",
  group: "machine",
  summary: "show or choose how many vCPUs the machine has",
  description:
    `1 to ${MOST}; another number makes a new machine. They execute in deterministic turns, each with a clock of its own,
the one that is furthest behind first. All but the first are parked until they are started: cpu N start ADDR.`,
  grammar: object({ count: maybeWord("N") }),
  examples: [
    { line: "vcpus 4", shows: "4 vCPUs" },
    { line: "vcpus", shows: "1 vCPU" },
  ],
  run(session, { count }): { readonly vcpus: number } {
    if (count !== undefined) {
      session.configure({ vcpus: numberOf(session, count, "number of vCPUs", 1, MOST) });
    }
    return { vcpus: session.vm.vcpus.length };
  },
  print: ({ vcpus }) => `${vcpus} vCPU${vcpus === 1 ? "" : "s"}`,
});

export const infoCpus = defineCommand({
  name: "info cpus",
  aliases: ["info vcpus"],
  group: "running",
  summary: "list the vCPUs; * marks the selected one",
  grammar: object({}),
  examples: [{ line: "info cpus", after: ["vcpus 2"], shows: "parked" }],
  run: (session): readonly CpuData[] => session.vm.vcpus.map(({ index }) => cpuData(session, index)),
  print: (list) =>
    [
      ...table([
        { title: "cpu", value: (one) => `${one.selected ? "*" : " "}${one.index}` },
        { title: "state", value: (one) => one.state },
        { title: "pc", value: (one) => hex(one.pc) },
        { title: "instructions", value: (one) => one.instructions },
        { title: "cycles", value: (one) => one.cycles },
        { title: "symbol", value: (one) => one.symbol },
      ], list),
      `cycles by profile ${list[0].profile}: "profile" shows where each figure is from`,
    ].join("\n"),
});
