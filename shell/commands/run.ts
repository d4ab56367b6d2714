/** `run`, `step`, `next`, `finish`, `until`: let the guest go. */
import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { message } from "@optique/core/message";
import { flag, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { defineCommand } from "../command.ts";
import { UserError } from "../errors.ts";
import type { Stop } from "../machine_types.ts";
import type { Session } from "../session.ts";
import { maybeWord, words } from "./support/grammar.ts";
import { addressOf, numberOf } from "./support/numbers.ts";
import { resultRegister } from "./support/flow.ts";
import { printStop } from "./support/print_stop.ts";
import { runGuest, type StopData } from "./support/stop.ts";
import { finishFunction, isStep, type Limits, stepLines, stepOverMany } from "./support/stepping.ts";
import { symbolNames } from "./support/symbols.ts";

/**
 * Instructions that `run` and `until` may take away from a terminal, where nobody can press Ctrl-C: some
 * seconds of the interpreter, far more than a test needs.
 */
const BUDGET = 1_000_000_000;

/** The limit where the user gave none: `$budget` if it is set, none at a prompt, else `BUDGET`. */
function defaultBudget(session: Session): number | undefined {
  const set = session.variables.get("budget");
  if (set !== undefined) return numberOf(session, "$budget", "the budget", 1);
  return session.interactive ? undefined : BUDGET;
}

function runLimited(
  session: Session,
  given: number | undefined,
  go: (limits: Limits) => Promise<Stop>,
): Promise<StopData> {
  const instructions = given ?? defaultBudget(session);
  return runGuest(
    session,
    (signal) => go({ ...(instructions !== undefined && { instructions }), signal }),
    (stop) =>
      stop.reason === "BUDGET" && given === undefined
        ? `the default budget of ${instructions} instructions is spent: "run N" takes N more, "set $budget = N" raises it`
        : undefined,
    instructions,
  );
}

export const run = defineCommand({
  name: "run",
  aliases: ["r", "c", "continue", "cont"],
  group: "running",
  summary: "let the guest run from its program counter until it stops",
  description:
    `run [N] stops after N instructions at the latest. Without N there is no limit at a prompt, where Ctrl-C stops
the guest; elsewhere (-e, -x, pipes) it is $budget, or 1,000,000,000 instructions, so that an endless loop
ends with BUDGET. A stop of any kind is no failure, unless --expect names another: run --expect HLT.`,
  grammar: object({
    instructions: maybeWord("N"),
    expect: optional(option("--expect", string({ metavar: "REASON" }))),
  }),
  repeats: true,
  examples: [
    { line: "run", after: ["arch x86", "asm mov eax, 7 ;; hlt"], shows: "HLT at" },
    { line: "run 100", after: ["arch x86", "asm loop: jmp loop"], shows: "BUDGET at" },
    { line: "run --expect HLT", after: ["arch x86", "asm hlt"], shows: "HLT at" },
  ],
  async run(session, { instructions, expect }): Promise<StopData> {
    const limit = instructions === undefined
      ? undefined
      : numberOf(session, instructions, "instruction count", 1);
    const data = await runLimited(session, limit, (limits) => session.vm.run(limits));
    if (expect !== undefined && data.stop.reason !== expect.toUpperCase()) {
      throw new UserError(
        `expected the guest to stop with ${expect.toUpperCase()}:\n${printStop(data, session.style)}`,
      );
    }
    return data;
  },
  print: printStop,
});

/** Beyond this, stepping is running: `run N` can be interrupted. */
const MOST_STEPS = 1_000_000;

const LINE = optional(flag("--line", "-l", { description: message`by source lines` }));

export const step = defineCommand({
  name: "step",
  aliases: ["s", "si", "stepi"],
  group: "running",
  summary: "execute one instruction, or N",
  description:
    `Of the selected vCPU only, while the others stand still: see cpu. --line goes on to another source line, into functions whose
lines are known (see list).`,
  grammar: object({ line: LINE, count: maybeWord("N") }),
  repeats: true,
  examples: [{ line: "step", after: ["arch x86", "asm mov eax, 7 ;; hlt"], shows: "rax=0x7" }],
  run(session, { count, line }): Promise<StopData> {
    const n = count === undefined ? 1 : numberOf(session, count, "step count", 1, MOST_STEPS);
    if (line) return runLimited(session, undefined, (limits) => stepLines(session, n, limits, false));
    return runGuest(session, async (signal) => {
      const stop = await session.vm.run({ instructions: n, signal, vcpu: session.vcpu.index });
      if (stop.reason !== "BUDGET") return stop;
      return { ...stop, reason: "DEBUG", message: `stepped ${n} instruction${n === 1 ? "" : "s"}` };
    });
  },
  print: printStop,
});

export const until = defineCommand({
  name: "until",
  aliases: ["advance"],
  group: "running",
  summary: "let the guest run until it is about to execute the instruction at ADDR",
  grammar: object({ words: words("ADDR", 1) }),
  examples: [{ line: "until done", after: ["arch x86", "asm nop ;; done: hlt"], shows: "<done>" }],
  complete: (session) => symbolNames(session),
  run: (session, { words }): Promise<StopData> => runUntil(session, addressOf(session, words.join(" "))),
  print: printStop,
});

function runUntil(session: Session, until: bigint): Promise<StopData> {
  return runLimited(session, undefined, (limits) => session.vm.run({ ...limits, until }));
}

export const next = defineCommand({
  name: "next",
  aliases: ["n", "ni", "nexti"],
  group: "running",
  summary: "execute one instruction, or N, and what they call in one go",
  description:
    `As step, but a call runs until it has come back to this depth of the stack, and a repeated string instruction until it
is through; all vCPUs run meanwhile. A breakpoint on the way stops it. --line goes on to another source line (see list).`,
  grammar: object({ line: LINE, count: maybeWord("N") }),
  repeats: true,
  examples: [
    {
      line: "next",
      after: ["arch x86", "set $rsp = 0x8000", "asm call f ;; hlt ;; f: mov eax, 7 ;; ret"],
      shows: "stepped over a call",
    },
  ],
  run(session, { count, line }): Promise<StopData> {
    const n = count === undefined ? 1 : numberOf(session, count, "step count", 1, MOST_STEPS);
    return runLimited(
      session,
      undefined,
      (limits) => line ? stepLines(session, n, limits, true) : stepOverMany(session, n, limits),
    );
  },
  print: printStop,
});

export const finish = defineCommand({
  name: "finish",
  aliases: ["fin"],
  group: "running",
  summary: "let the guest run until the function that it is in has returned",
  description:
    `The function's own instructions are looked at one by one, some 100,000 a second, until one returns to the caller; what
it calls runs at full speed. No debug information is needed. The register that results come in is shown: rax or eax, r3.`,
  grammar: object({}),
  repeats: true,
  examples: [
    {
      line: "finish",
      after: ["arch x86", "set $rsp = 0x8000", "asm call f ;; hlt ;; f: mov eax, 7 ;; ret", "step"],
      shows: "returned: rax = 0x7",
    },
    {
      line: "finish",
      after: ["arch ppc", "asm bl f ;; end: b end ;; f: li r3, 7 ;; blr", "step"],
      shows: "returned: r3 = 0x7",
    },
  ],
  async run(session): Promise<StopData> {
    const data = await runLimited(session, undefined, (limits) => finishFunction(session, limits));
    return isStep(data.stop) ? { ...data, returned: resultRegister(session.vcpu) } : data;
  },
  print: printStop,
});
