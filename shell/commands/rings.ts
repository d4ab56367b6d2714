/** `ring`, `submit`, `kick`, `flush`, `info rings`: requests in memory that the guest and a device share. */
import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { flag, option } from "@optique/core/primitives";
import { choice, string } from "@optique/core/valueparser";
import { defineCommand } from "../command.ts";
import { costLines } from "../reports/cost_lines.ts";
import { hex } from "../reports/hexdump.ts";
import { table } from "../reports/table.ts";
import { requireDevice } from "./support/handle.ts";
import { maybeWord, word, words } from "./support/grammar.ts";
import { type Cost, measure } from "./support/measure.ts";
import { numberOf } from "./support/numbers.ts";
import { payload, showReply } from "./support/payload.ts";
import { currentRing, describeRing, driverLine, type RingData } from "./support/ring.ts";

const number = (name: `--${string}`, metavar: "N" | "LINE" = "N") =>
  optional(option(name, string({ metavar })));

export const ring = defineCommand({
  name: "ring",
  group: "rings",
  summary: "open a ring of requests on a device, in memory that the guest shares with it",
  description:
    `The guest's driver puts requests into the ring and tells the device by a doorbell; all that it does is guest code,
which is counted and charged. submit puts a request in, flush waits for all answers, call --ring is a synchronous call. The
ring opened last is the one that they use; info rings lists them.
  --kind          virtqueue (virtio 1.2), or ioq (vbus, with shm_signal)
  --entries N     requests that it holds, 256 if not given
  --batch N       requests that one doorbell stands for, 1 if not given
  --doorbell      what it rides on: hypercall, pio or mmio; else what works first
  --kicks         who takes it: userspace serves the ring in its exit; kernel
                  matches it as an ioeventfd does, fast by address alone, and
                  the device comes to the ring by itself
  --poll          the driver looks for answers; without it the device
                  interrupts, if the machine has a controller (irq on)
  --coalesce N    answers that one interrupt stands for, 1 if not given
  --busy          the device comes to the ring only as the driver waits
  --no-event-idx  a virtqueue whose sides tell by flags what they want
  --indirect      a virtqueue whose requests have tables of their own`,
  grammar: object({
    name: word("NAME"),
    kind: optional(option("--kind", choice(["virtqueue", "ioq"], { metavar: "KIND" }))),
    entries: number("--entries"),
    batch: number("--batch"),
    doorbell: optional(option("--doorbell", choice(["hypercall", "pio", "mmio"], { metavar: "VEHICLE" }))),
    kicks: optional(option("--kicks", choice(["userspace", "kernel", "fast"], { metavar: "WHO" }))),
    poll: optional(flag("--poll")),
    coalesce: number("--coalesce"),
    busy: optional(flag("--busy")),
    noEventIdx: optional(flag("--no-event-idx")),
    indirect: optional(flag("--indirect")),
  }),
  examples: [
    {
      line: "ring echo --batch 8",
      after: ["arch x86"],
      shows: "ring 1: virtqueue of echo, doorbell by hypercall",
    },
    {
      line: "ring echo --kind ioq --doorbell mmio --kicks kernel",
      after: ["arch ppc"],
      shows: "ioq of echo",
    },
    { line: "ring echo --coalesce 4", after: ["arch x86", "irq on"], shows: "answers by interrupt, line 5" },
  ],
  complete: (session, typed) => typed.length <= 1 ? session.devices.keys() : [],
  async run(session, { name, doorbell, kicks, poll, noEventIdx, ...rest }): Promise<RingData> {
    requireDevice(session, name);
    const { kind, entries, batch, coalesce, busy, indirect } = rest;
    const given = (text: string | undefined, what: string) =>
      text === undefined ? undefined : numberOf(session, text, what, 1, 0xffff_ffff);
    const handle = await session.io.open(name, doorbell && { via: doorbell });
    const opened = await handle.ring({
      kind,
      entries: given(entries, "number of entries"),
      batch: given(batch, "batch"),
      coalesce: given(coalesce, "number of answers"),
      doorbell: kicks,
      poll: poll === true || session.settings.interrupts !== true,
      busy,
      eventIdx: noEventIdx !== true,
      indirect,
    });
    return describeRing(opened);
  },
  print: ({ number, kind, device, label, kicks, entries, batch, gpa, answers }) => {
    return `ring ${number}: ${kind} of ${device}, doorbell by ${label}, kicks taken by ${kicks}
  ${entries} entries at ${hex(gpa)}, a kick for ${
      batch === 1 ? "each request" : `${batch} requests`
    }, answers by ${answers}`;
  },
});

export interface SubmitData {
  readonly ring: number;
  /** Numbers of the requests, from 0 on. */
  readonly ids: readonly number[];
  readonly sent: Uint8Array;
  /** Doorbells that were rung, and those that were due and not wanted. */
  readonly kicks: number;
  readonly suppressedKicks: number;
  readonly cost: Cost;
}

export const submit = defineCommand({
  name: "submit",
  group: "rings",
  summary: "put a request into the ring, or several alike",
  description:
    `submit [ARG...]: the arguments are bytes as call takes them. --times N puts N of them in, one after the other; --reply N
is the room that each answer has in bytes; --ring N takes another ring than the last one. A device answers with its queue().`,
  raw: true,
  grammar: object({
    args: words("ARG"),
    times: number("--times"),
    reply: number("--reply"),
    ring: number("--ring"),
  }),
  examples: [
    { line: "submit 0x2a", after: ["arch x86", "ring echo"], shows: "request 0" },
    { line: "submit 1 --times 8", after: ["arch x86", "ring echo --batch 4"], shows: "2 kicks" },
  ],
  async run(session, { args, times, reply, ring }): Promise<SubmitData> {
    const to = currentRing(session, ring);
    const count = times === undefined ? 1 : numberOf(session, times, "number of times", 1, 1_000_000);
    const room = reply === undefined ? undefined : numberOf(session, reply, "reply length", 0);
    const sent = payload(args, (text) => session.evaluateNumber(text)), before = to.stats;
    const { result: ids, cost } = await measure(session, session.vm, async (signal) => {
      const ids: number[] = [];
      for (let i = 0; i < count; i++) {
        signal.throwIfAborted();
        ids.push(await to.submit(sent, { reply: room }));
      }
      return ids;
    });
    const { kicks, suppressedKicks } = to.stats;
    return {
      ring: to.number,
      ids,
      sent,
      kicks: kicks - before.kicks,
      suppressedKicks: suppressedKicks - before.suppressedKicks,
      cost,
    };
  },
  print: ({ ids, kicks, suppressedKicks, cost }) => {
    const which = ids.length === 1 ? `request ${ids[0]}` : `requests ${ids[0]} to ${ids.at(-1)}`;
    const kept = suppressedKicks > 0 ? `, ${suppressedKicks} not wanted` : "";
    return [`${which}, ${kicks} kick${kicks === 1 ? "" : "s"}${kept}`, driverLine(cost), ...costLines(cost)]
      .join("\n");
  },
});

export const kick = defineCommand({
  name: "kick",
  group: "rings",
  summary: "ring the ring's doorbell for what was submitted, if the device wants that",
  grammar: object({ ring: number("--ring") }),
  examples: [{ line: "kick", after: ["arch x86", "ring echo --batch 9", "submit 1"], shows: "rang" }],
  async run(session, { ring }): Promise<{ ring: number; rang: boolean; cost: Cost }> {
    const to = currentRing(session, ring);
    const { result, cost } = await measure(session, session.vm, () => to.kick());
    return { ring: to.number, rang: result, cost };
  },
  print: ({ rang, cost }) =>
    [rang ? "rang" : "nothing to tell, or not wanted", driverLine(cost), ...costLines(cost)].join("\n"),
});

export interface FlushData {
  readonly ring: number;
  readonly answers: readonly { readonly id: number; readonly bytes: Uint8Array }[];
  /** Interrupts that came meanwhile. */
  readonly interrupts: number;
  readonly cost: Cost;
}

/** Answers that are shown. */
const SHOWN = 8;

export const flush = defineCommand({
  name: "flush",
  group: "rings",
  summary: "kick, wait until everything in the ring is answered, and show the answers",
  grammar: object({ ring: number("--ring") }),
  examples: [
    { line: "flush", after: ["arch x86", "ring echo --batch 4", "submit 0x2a --times 3"], shows: "2: 2a 00" },
  ],
  async run(session, { ring }): Promise<FlushData> {
    const to = currentRing(session, ring), before = to.stats.interrupts;
    const { result, cost } = await measure(session, session.vm, () => to.flush());
    return { ring: to.number, answers: result, interrupts: to.stats.interrupts - before, cost };
  },
  print: ({ answers, interrupts, cost }) =>
    [
      `${answers.length} answer${answers.length === 1 ? "" : "s"}${
        interrupts > 0 ? `, ${interrupts} interrupt${interrupts === 1 ? "" : "s"}` : ""
      }`,
      ...answers.slice(0, SHOWN).map(({ id, bytes }) => `  ${id}: ${showReply(bytes)}`),
      ...answers.length > SHOWN ? [`  ... and ${answers.length - SHOWN} more (--json has them all)`] : [],
      driverLine(cost),
      ...costLines(cost),
    ].join("\n"),
});

export const closeRing = defineCommand({
  name: "ring close",
  group: "rings",
  summary: "take a ring out of the guest's memory: the last one, or number N",
  grammar: object({ ring: maybeWord("N") }),
  examples: [{ line: "ring close", after: ["arch x86", "ring echo"], shows: "ring 1 is closed" }],
  run(session, { ring }): { ring: number } {
    const to = currentRing(session, ring);
    to.close();
    return { ring: to.number };
  },
  print: ({ ring }) => `ring ${ring} is closed`,
});

export const infoRings = defineCommand({
  name: "info rings",
  group: "rings",
  summary: "list the machine's rings with what they did so far",
  description:
    `kicks are doorbells that were rung; those not wanted were due, and the device needed none. Answers without irq were found
by looking, or stand behind another one's (--coalesce). Rings are part of a snapshot: after loadvm they are there with all that is under way.`,
  grammar: object({}),
  examples: [
    {
      line: "info rings",
      after: ["arch x86", "ring echo --batch 2", "submit 1 --times 4"],
      shows: "virtqueue",
    },
  ],
  run: (session): RingData[] => session.hasVm ? session.io.rings.map(describeRing) : [],
  print: (list) =>
    list.length === 0 ? "no rings: ring NAME opens one on a device" : table([
      { title: "ring", value: (one) => one.number, right: true },
      { title: "device", value: (one) => one.device },
      { title: "kind", value: (one) => one.kind },
      { title: "doorbell", value: (one) => `${one.via}, ${one.kicks}` },
      { title: "answers by", value: (one) => one.answers },
      { title: "entries", value: (one) => one.entries },
      { title: "batch", value: (one) => one.batch },
      { title: "submitted", value: (one) => one.stats.submitted },
      { title: "answered", value: (one) => one.stats.completed },
      { title: "kicks", value: (one) => one.stats.kicks },
      { title: "not wanted", value: (one) => one.stats.suppressedKicks },
      { title: "irqs", value: (one) => one.stats.interrupts },
      { title: "without irq", value: (one) => one.stats.suppressedInterrupts },
    ], list).join("\n"),
});
