/**
 * What if: exits that were recorded once, priced under every profile; which stage matters most; and where two ways cost the
 * same: the batch at which a ring beats a call, the price of decoding at which MMIO equals the other vehicles.
 *
 *     trapsh run scripts/what_if.ts [--json]
 *
 * Nothing runs a second time for a second price. Cycles are of exits alone: what the guest's own instructions cost is not
 * priced again.
 */
import { type ScriptContext, standalone, table } from "../mod.ts";
import { folded } from "./support/text.ts";
import {
  ASKED,
  type BatchRow,
  batchRow,
  type DecodeRow,
  decodeRows,
  type Priced,
  priceTraffic,
  profilesOf,
  refusals,
  type UserspaceRow,
  userspaceRows,
  WAYS,
} from "./what_if/questions.ts";
import { type Spoil, TRAFFIC } from "./what_if/record.ts";
import { quietly } from "./support/each.ts";

/** All answers. */
export interface WhatIf {
  readonly traffic: readonly Priced[];
  readonly decode: readonly DecodeRow[];
  readonly userspace: readonly UserspaceRow[];
  readonly batches: readonly BatchRow[];
  readonly refused: readonly { readonly machine: string; readonly why: string }[];
}

/** Records and asks; `spoil` may change each guest before it is recorded. */
export async function whatIf(spoil?: Spoil, each = quietly): Promise<WhatIf> {
  const traffic: Priced[] = [], decode: DecodeRow[] = [], batches: BatchRow[] = [];
  for await (const machine of each("what_if", ASKED, "machines")) {
    traffic.push(await priceTraffic(machine, spoil));
    for (const other of ["pio", "hypercall"] as const) {
      for (const place of ["kernel", "userspace"] as const) {
        decode.push(...await decodeRows(machine, place, other, spoil));
      }
    }
    for (const via of ["hypercall", "pio", "mmio"] as const) {
      for (const way of WAYS) batches.push(await batchRow(machine, via, way, spoil));
    }
  }
  return { traffic, decode, userspace: await userspaceRows(spoil), batches, refused: await refusals() };
}

const percent = (part: number, whole: number) => `${(100 * part / whole).toFixed(1)}%`;
const signed = (part: number, whole: number) => `${part > whole ? "+" : ""}${percent(part - whole, whole)}`;

function trafficText({ machine, exits, profile: charged, totals, weights, fails }: Priced): string {
  if (fails !== undefined) return `${machine}: does not run: ${fails}`;
  const own = totals.find(({ profile }) => profile === charged)!;
  const stage = (name: "worldSwitch" | "dispatch" | "decode" | "userspace", title: string) => ({
    title,
    value: ({ cycles }: Priced["totals"][number]) => `${cycles[name]} ${percent(cycles[name], cycles.total)}`,
    right: true,
  });
  return [
    `${machine}: ${exits} exits, charged by ${charged}`,
    "",
    ...table([
      { title: "priced under", value: ({ profile }: Priced["totals"][number]) => profile },
      stage("worldSwitch", "world switch"),
      stage("dispatch", "dispatch"),
      stage("decode", "decode"),
      stage("userspace", "userspace"),
      { title: "cycles", value: ({ cycles }: Priced["totals"][number]) => cycles.total },
      {
        title: "",
        value: ({ cycles }: Priced["totals"][number]) => `${(cycles.total / own.cycles.total).toFixed(2)}x`,
        right: true,
      },
    ], totals),
    "",
    ...table([
      { title: "exit", value: (one: Priced["weights"][number]) => one.reason },
      { title: "stage", value: (one: Priced["weights"][number]) => one.stage },
      { title: "times", value: (one: Priced["weights"][number]) => one.times },
      { title: "cycles", value: (one: Priced["weights"][number]) => one.cycles },
      {
        title: "saved if free",
        value: (one: Priced["weights"][number]) => percent(one.share, 1),
        right: true,
      },
    ], weights.filter(({ cycles }) => cycles > 0)),
  ].join("\n");
}

/** In words where the two cost the same. */
function evenText({ even, other, mmio, against, decode, fails }: DecodeRow): string {
  if (fails !== undefined) return `does not run: ${fails}`;
  if (even === undefined || even.cycles === undefined) {
    return mmio === against
      ? `always: ${other} is MMIO here, and decoded as well`
      : `never: both are MMIO here, and decoded`;
  }
  if (even.cycles < 0) return `never: with decoding free MMIO still costs ${mmio - decode - against} more`;
  return even.cycles === 0 ? "0: only if decoding were free" : `${even.cycles}`;
}

function asText({ traffic, decode, userspace, batches, refused }: WhatIf): string {
  const { doorbells, reads, calls } = TRAFFIC;
  const profiles = new Map(ASKED.flatMap(profilesOf).map((profile) => [profile.name, profile]));
  const parts = [
    [
      folded(
        `a driver's traffic: by each vehicle ${doorbells} doorbells that the kernel takes, ${reads} register reads and ` +
          `${calls} calls of 64 bytes that go to userspace; recorded once, priced under every profile of the architecture`,
      ),
      "what each stage costs, and which matters most",
      "",
      traffic.map(trafficText).join("\n\n"),
    ].join("\n"),
    [
      "the price of decoding at which a store by MMIO costs what it costs by another vehicle",
      "",
      ...table([
        { title: "machine", value: (row: DecodeRow) => row.machine },
        { title: "against", value: (row: DecodeRow) => row.other },
        { title: "taken in", value: (row: DecodeRow) => row.place },
        { title: "profile", value: (row: DecodeRow) => row.profile },
        { title: "MMIO", value: (row: DecodeRow) => row.mmio },
        { title: "other", value: (row: DecodeRow) => row.against },
        { title: "decode", value: (row: DecodeRow) => row.decode },
        { title: "equal at", value: evenText },
      ], decode),
    ].join("\n"),
    [
      "userspace costs what its reason says: a published store, and what it would cost with the other reason's price of userspace",
      "",
      ...table([
        { title: "profile", value: (row: UserspaceRow) => row.profile },
        { title: "of ports", value: (row: UserspaceRow) => row.io, right: true },
        { title: "of MMIO", value: (row: UserspaceRow) => row.mmio, right: true },
        { title: "row", value: (row: UserspaceRow) => row.row },
        { title: "published", value: (row: UserspaceRow) => row.published },
        { title: "by its own", value: (row: UserspaceRow) => row.own },
        { title: "by the other's", value: (row: UserspaceRow) => row.alike },
        { title: "error", value: (row: UserspaceRow) => signed(row.alike, row.published), right: true },
      ], userspace),
    ].join("\n"),
    ...[...new Map(batches.map((row) => [Object.keys(row.even).join(), row])).keys()].map((names) => {
      const rows = batches.filter((row) => Object.keys(row.even).join() === names);
      return [
        "from which batch on a request by ring costs no more than a call by the same vehicle, by profile",
        "",
        ...table([
          { title: "machine", value: (row: BatchRow) => row.machine },
          { title: "via", value: (row: BatchRow) => row.via },
          { title: "kick taken in, answers", value: (row: BatchRow) => row.way },
          ...names.split(",").map((name) => ({
            title: name,
            value: (row: BatchRow) => row.fails ?? String(row.even[name]),
            right: true,
          })),
        ], rows),
      ].join("\n");
    }),
    [
      "what is refused: a guest that read its clock",
      "",
      ...refused.map(({ machine, why }) => folded(`${machine}: ${why}`)),
    ].join("\n"),
    [
      "saved if free: the part of all cycles that goes if that stage costs nothing",
      "equal at 0: decoding is calibrated as what MMIO costs more than a port, so that only its whole price makes them equal",
      "a ring's own work and the guest's instructions are not in it: ring_vs_call.ts has them",
      "x86 svm's exits have the same prices in every profile",
      "",
      ...[...profiles.values()].map(({ name, title, data }) =>
        folded(`${name}: ${title}; source: ${data.source}`)
      ),
    ].join("\n"),
  ];
  return `${parts.join("\n\n\n")}\n`;
}

/** Prints the answers. */
export default async function main({ json, out, each }: ScriptContext): Promise<void> {
  const answers = await whatIf(undefined, each);
  out.write(json ? `${JSON.stringify(answers, null, 2)}\n` : asText(answers));
}

if (import.meta.main) await standalone(main);
