/** The questions, each answered from recorded exits without running anything again. */
import {
  type BreakEven,
  breakEven,
  type CostProfile,
  type HandledIn,
  loadProfile,
  profileNames,
  type PublishedRow,
  type Repriceable,
  type RingOptions,
  type StageCycles,
  type StageWeight,
  stageWeights,
  type VehicleName,
  withFigures,
} from "../../mod.ts";
import { type Machine, MACHINES, VMX } from "../support/machines.ts";
import { messageOf } from "../support/text.ts";
import {
  recordBatch,
  recordCall,
  recordClockReader,
  type Recorded,
  recordStore,
  recordTraffic,
  type Spoil,
  under,
} from "./record.ts";

/** No profile tells the two vendors' exits apart: svm's cost what vmx's cost. */
export const ASKED: readonly Machine[] = MACHINES.filter(({ name }) => name !== "x86 svm");

/** Every profile of the machine's architecture. */
export const profilesOf = ({ options }: Machine): CostProfile[] =>
  profileNames(options.arch).map(loadProfile);

/** One ledger under every profile of its architecture, and what each stage weighs under its own. */
export interface Priced {
  readonly machine: string;
  readonly exits: number;
  /** The profile that they were charged by. */
  readonly profile: string;
  readonly totals: readonly { readonly profile: string; readonly cycles: StageCycles }[];
  readonly weights: readonly StageWeight[];
  readonly fails?: string;
}

/** What a driver's traffic costs by each profile, and which stage matters most. */
export async function priceTraffic(machine: Machine, spoil?: Spoil): Promise<Priced> {
  const { ledger, fails } = await recordTraffic(machine, spoil);
  const { profile: { name: profile } } = ledger, head = { machine: machine.name, profile };
  if (fails !== undefined) return { ...head, exits: 0, totals: [], weights: [], fails };
  const totals = profilesOf(machine).map((profile) => ({
    profile: profile.name,
    cycles: ledger.reprice(profile).totals().cycles,
  }));
  return { ...head, exits: ledger.totals().count, totals, weights: stageWeights(ledger) };
}

/** At which price of decoding a store by MMIO costs what one by another vehicle costs. */
export interface DecodeRow {
  readonly machine: string;
  readonly place: HandledIn;
  readonly other: VehicleName;
  readonly profile: string;
  /** The profile's own price of it, and the two stores by it. */
  readonly decode: number;
  readonly mmio: number;
  readonly against: number;
  readonly even?: BreakEven;
  readonly fails?: string;
}

/** The break-even of decoding, under each profile. */
export async function decodeRows(
  machine: Machine,
  place: HandledIn,
  other: VehicleName,
  spoil?: Spoil,
): Promise<DecodeRow[]> {
  const mmio = await recordStore(machine, "mmio", place, spoil);
  const against = await recordStore(machine, other, place, spoil);
  const fails = mmio.fails ?? against.fails;
  return profilesOf(machine).map((profile) => {
    const head = { machine: machine.name, place, other, profile: profile.name };
    const decode = profile.stagesFor("MMIO", "out", "kernel").decode;
    if (fails !== undefined) return { ...head, decode, mmio: 0, against: 0, fails };
    const [first, second] = [mmio, against].map(({ ledger }) => under(ledger, profile));
    return {
      ...head,
      decode,
      mmio: first.totals().cycles.total,
      against: second.totals().cycles.total,
      even: breakEven(first, second, { stage: "decode", reason: "MMIO" }),
    };
  });
}

/** Ways of a ring, by who takes its kick and how its answers are found. */
export const WAYS: readonly { readonly name: string; readonly options: RingOptions }[] = [
  { name: "userspace, look", options: { doorbell: "userspace", poll: true } },
  { name: "kernel, look", options: { doorbell: "kernel", poll: true } },
  { name: "userspace, irq", options: { doorbell: "userspace", poll: false } },
  { name: "kernel, irq", options: { doorbell: "kernel", poll: false } },
];
/** Batches whose exits have to be the same: then a batch costs what it costs, whatever its size. */
const BATCHES = [1, 64] as const;

/** From which batch on a request by ring costs no more than a call, by each profile: exits alone. */
export interface BatchRow {
  readonly machine: string;
  readonly via: VehicleName;
  readonly way: string;
  readonly even: Readonly<Record<string, number>>;
  readonly fails?: string;
}

/** A batch costs the same exits whatever its size, so that the smallest one that pays follows from the prices. */
export async function batchRow(
  machine: Machine,
  via: VehicleName,
  { name: way, options }: (typeof WAYS)[number],
  spoil?: Spoil,
): Promise<BatchRow> {
  const call = await recordCall(machine, via, spoil), batches: Recorded[] = [];
  for (const batch of BATCHES) batches.push(await recordBatch(machine, via, options, batch, spoil));
  const head = { machine: machine.name, via, way };
  const fails = [call, ...batches].find((one) => one.fails !== undefined)?.fails;
  if (fails !== undefined) return { ...head, even: {}, fails };
  const even: Record<string, number> = {};
  for (const profile of profilesOf(machine)) {
    const [one, ...more] = batches.map(({ ledger }) => costOf(ledger, profile));
    if (more.some((cost) => cost !== one)) {
      return { ...head, even: {}, fails: `batches of ${BATCHES.join(" and ")} make different exits` };
    }
    even[profile.name] = Math.ceil(one / costOf(call.ledger, profile));
  }
  return { ...head, even };
}

const costOf = (ledger: Repriceable, profile: CostProfile) => ledger.reprice(profile).totals().cycles.total;

/** What is printed of a store to userspace, what it costs, and what it would if userspace cost every exit the same. */
export interface UserspaceRow {
  readonly profile: string;
  readonly io: string;
  readonly mmio: string;
  readonly published: number;
  readonly row: string;
  readonly own: number;
  readonly alike: number;
}

/** Whether one price of userspace does for ports and memory, where a source measured both. */
export async function userspaceRows(spoil?: Spoil): Promise<UserspaceRow[]> {
  const machine = { name: "x86 vmx", options: VMX }, rows: UserspaceRow[] = [];
  const stores = new Map<string, Recorded>();
  for (const [reason, via] of [["MMIO", "mmio"], ["IO", "pio"]] as const) {
    stores.set(reason, await recordStore(machine, via, "userspace", spoil));
  }
  for (const profile of profilesOf(machine)) {
    const figure = (reason: string) => profile.figure(reason, "out", "userspace");
    const io = figure("IO"), mmio = figure("MMIO");
    if (io.provenance !== "calibrated" || mmio.provenance !== "calibrated") continue;
    for (const [reason, other] of [["MMIO", io], ["IO", mmio]] as const) {
      const row = profile.data.published.find((one: PublishedRow) =>
        one.exit.reason === reason && one.exit.direction === "out" && one.exit.handledIn === "userspace"
      );
      const { ledger, fails } = stores.get(reason)!;
      if (!row) continue;
      if (fails !== undefined) throw new Error(`a store by ${reason}: ${fails}`);
      const alike = withFigures(profile, [{ stage: "userspace", reason, cycles: other.cycles }]);
      rows.push({
        profile: profile.name,
        io: `${io.cycles}`,
        mmio: `${mmio.cycles}`,
        row: row.row,
        published: row.cycles,
        own: costOf(ledger, profile),
        alike: costOf(ledger, alike),
      });
    }
  }
  return rows;
}

/** Why exits of a guest that has read its clock are not priced again. */
export async function refusals(): Promise<{ machine: string; why: string }[]> {
  const list: { machine: string; why: string }[] = [];
  for (const machine of ASKED) {
    const ledger = await recordClockReader(machine);
    try {
      stageWeights(ledger);
    } catch (error) {
      list.push({ machine: machine.name, why: messageOf(error) });
    }
  }
  return list;
}
