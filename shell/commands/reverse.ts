/** `record`, `reverse-stepi`, `reverse-continue`: back to where the guest was. */
import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { defineCommand } from "../command.ts";
import type { Session } from "../session.ts";
import { maybeWord, oneOf } from "./support/grammar.ts";
import { numberOf } from "./support/numbers.ts";
import { patiently } from "./support/patience.ts";
import { printStop } from "./support/print_stop.ts";
import type { Back, RecordData } from "./support/recorder.ts";
import { startMeter } from "./support/measure.ts";
import { registersNow, stateOf } from "./support/state.ts";
import { describeStop, type StopData } from "./support/stop.ts";

/** Loaded when it is needed: help needs none of it. */
const recorder = () => import("./support/recorder.ts");

const SAVED = ["arch x86", "asm mov eax, 1 ;; mov eax, 2 ;; mov eax, 3 ;; hlt", "record on"];

export const record = defineCommand({
  name: "record",
  group: "running",
  summary: "keep what is needed to go back, before each run",
  description:
    `record on saves the machine before each run, step, next, finish and until; reverse-stepi and reverse-continue then go back
into them, exactly: the machine is deterministic. record off forgets it all; record tells how much there is. The oldest of more
than 200 runs go. One vCPU only, and every device with save() and load(state), or stateless; what a device of yours does outside of trapsh is
done again on the way.`,
  grammar: object({ what: optional(oneOf(["on", "off"], "on|off")) }),
  examples: [
    { line: "record on", after: ["arch x86"], shows: "recording: 0 runs" },
    { line: "record", shows: "not recording" },
  ],
  async run(session, { what }): Promise<RecordData> {
    const { startRecording, stopRecording, recordData } = await recorder();
    if (what === "on") startRecording(session);
    if (what === "off") stopRecording(session);
    return recordData(session);
  },
  print: ({ on, runs, instructions, bytes }) =>
    on
      ? `recording: ${runs} run${
        runs === 1 ? "" : "s"
      }, ${instructions} instructions to go back, ${bytes} bytes`
      : 'not recording: "record on" begins',
});

async function goBack(session: Session, go: (signal: AbortSignal) => Promise<Back>): Promise<StopData> {
  const before = registersNow(session);
  const { stop, instructions } = await patiently(session, session.vm, go);
  // The machine is another one now.
  stateOf(session).before = before;
  return { ...describeStop(session, stop, startMeter(session.vm)()), back: instructions };
}

export const reverseStep = defineCommand({
  name: "reverse-stepi",
  aliases: ["rsi"],
  group: "running",
  summary: "go back by one instruction, or N",
  description: "As far as record has kept. What was changed at the prompt since then is undone with it.",
  grammar: object({ count: maybeWord("N") }),
  repeats: true,
  examples: [{ line: "reverse-stepi", after: [...SAVED, "run"], shows: "went back 1 instruction" }],
  async run(session, { count }): Promise<StopData> {
    const n = count === undefined ? 1 : numberOf(session, count, "step count", 1);
    const { backBy } = await recorder();
    return await goBack(session, (signal) => backBy(session, n, signal));
  },
  print: printStop,
});

export const reverseContinue = defineCommand({
  name: "reverse-continue",
  aliases: ["rc"],
  group: "running",
  summary: "go back to the last breakpoint, watchpoint or catchpoint that stops the guest",
  description: "Or to the beginning of what record has kept. Counts of hits stay as they are.",
  grammar: object({}),
  repeats: true,
  examples: [
    {
      line: "reverse-continue",
      after: [...SAVED, "break 0x1005", "run", "step 2"],
      shows: "breakpoint 1 at 0x1005",
    },
  ],
  async run(session): Promise<StopData> {
    const { backToStop } = await recorder();
    return await goBack(session, (signal) => backToStop(session, signal));
  },
  print: printStop,
});
