/** `irq` and `nmi`: attach an interrupt controller, drive its lines, and interrupt without asking. */
import { optional } from "@optique/core/modifiers";
import { object } from "@optique/core/constructs";
import { defineCommand } from "../command.ts";
import { maybeWord, oneOf } from "./support/grammar.ts";
import { numberOf } from "./support/numbers.ts";

/** What `irq` did. */
export interface IrqData {
  /** Whether the machine has an interrupt controller. */
  readonly interrupts: boolean;
  /** The line that was driven, if one was. */
  readonly line?: number;
  /** What it was driven to: true is active. */
  readonly level?: boolean;
}

/** No controller has more lines. */
const MOST_LINES = 16;

export const irq = defineCommand({
  name: "irq",
  group: "running",
  summary: "attach an interrupt controller; raise and lower its lines",
  description:
    `irq on makes a new machine with an interrupt controller: on x86 two 8259A with an 8254 timer, on ppc an
OpenPIC at 0xfec00000 and the decrementer's interrupt; irq off one without. irq raise LINE and irq lower LINE drive a
line: the guest takes the interrupt on the next run, where it has it enabled.`,
  grammar: object({
    what: optional(oneOf(["on", "off", "raise", "lower"], "WHAT")),
    line: maybeWord("LINE"),
  }),
  examples: [
    { line: "irq on", shows: "interrupt controller attached" },
    { line: "irq raise 3", after: ["irq on"], shows: "line 3 is active" },
    { line: "irq", shows: "no interrupt controller" },
  ],
  run(session, { what, line }): IrqData {
    const drives = what === "raise" || what === "lower";
    if (drives !== (line !== undefined)) {
      throw new SyntaxError(
        drives
          ? `irq ${what} takes a line, 0 to 15 (example: irq ${what} 3)`
          : "irq on and irq off take no line",
      );
    }
    if (what === "on" || what === "off") session.configure({ interrupts: what === "on" });
    const interrupts = session.settings.interrupts ?? false;
    if (!drives) return { interrupts };
    if (!interrupts) throw new Error('the machine has no interrupt controller: type "irq on" first');
    const number = numberOf(session, line!, "line", 0, MOST_LINES - 1);
    session.vm.irq(number, what === "raise");
    return { interrupts, line: number, level: what === "raise" };
  },
  print: ({ interrupts, line, level }) =>
    line !== undefined
      ? `line ${line} is ${level ? "active" : "inactive"}`
      : interrupts
      ? "interrupt controller attached"
      : "no interrupt controller: irq on attaches one",
});

export const nmi = defineCommand({
  name: "nmi",
  group: "running",
  summary: "interrupt a vCPU whether the guest has interrupts enabled or not",
  description:
    `On x86 vector 2 of the first vCPU, held off while the handler of an earlier one is at work; on ppc the system reset interrupt,
0x100, of the selected vCPU. It is taken on the next run. Wants irq on.`,
  grammar: object({}),
  examples: [{ line: "nmi", after: ["irq on"], shows: "vCPU 0 takes a non-maskable interrupt next" }],
  run(session): { readonly vcpu: number } {
    if (!session.settings.interrupts) {
      throw new Error('the machine has no interrupt controller: type "irq on" first');
    }
    const { arch } = session.settings, vcpu = arch === "x86" ? 0 : session.vcpu.index;
    session.vm.nmi(vcpu);
    return { vcpu };
  },
  print: ({ vcpu }) => `vCPU ${vcpu} takes a non-maskable interrupt next`,
});
