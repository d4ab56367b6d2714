/** The tables of growth, and what of them is a goal. */
import { table } from "../../../mod.ts";
import { digits } from "../report.ts";
import type { Sample } from "../statistics.ts";
import type { AxisName } from "./axis.ts";
import type { GrowthRow } from "./measure.ts";

/** How much dearer an instruction or exit may be where the axis is `times` as great. */
interface GrowthGoal {
  readonly axis: AxisName;
  readonly times: number;
  readonly atMost: number;
}

/** Linear: the same an instruction or exit, within a machine's noise. */
const GOALS: readonly GrowthGoal[] = [
  { axis: "instructions", times: 1000, atMost: 1.2 },
  { axis: "exits", times: 1000, atMost: 1.2 },
  { axis: "code", times: 1024, atMost: 1.5 },
];

/** 1k of a count is 1,000, of bytes 1,024. */
export function sizeText(size: number, unit: GrowthRow["unit"]): string {
  if (unit === "") return size < 1000 ? String(size) : `10^${Math.round(Math.log10(size))}`;
  const power = Math.min(3, Math.floor(Math.log2(size) / 10));
  return `${size / 2 ** (10 * power)} ${["", "Ki", "Mi", "Gi"][power]}B`;
}

const MEBI = 2 ** 20;
const interval = ({ min, max }: Sample) => `${digits(min)}-${digits(max)}`;

function axisTable(rows: readonly GrowthRow[]): string[] {
  const [first] = rows;
  const right = true;
  return table<GrowthRow>([
    { title: first.axis, value: ({ size, unit }) => sizeText(size, unit), right },
    { title: `ns an ${first.per}`, value: ({ nanoseconds }) => digits(nanoseconds.median), right },
    { title: "min-max", value: ({ nanoseconds }) => interval(nanoseconds), right },
    {
      title: "against the first",
      value: ({ nanoseconds }) => `${(nanoseconds.median / first.nanoseconds.median).toFixed(2)}x`,
      right,
    },
    ...first.resident
      ? [{
        title: "resident MiB",
        value: ({ resident }: GrowthRow) => resident ? digits(resident.median / MEBI) : "",
        right,
      }]
      : [],
  ], rows);
}

export interface GrowthReached {
  readonly axis: AxisName;
  readonly from: string;
  readonly to: string;
  /** How much dearer it is at `to`. */
  readonly dearer: number;
  readonly atMost: number;
  readonly met: boolean;
}

/** Each goal at the greatest pair of sizes that are so far apart. */
export function growthReached(rows: readonly GrowthRow[]): GrowthReached[] {
  return GOALS.flatMap(({ axis, times, atMost }) => {
    const some = rows.filter((row) => row.axis === axis);
    const pairs = some.flatMap((great) => {
      const small = some.find(({ size }) => size * times === great.size);
      return small ? [{ small, great }] : [];
    });
    const last = pairs.at(-1);
    if (last === undefined) return [];
    const { small, great } = last;
    const dearer = great.nanoseconds.median / small.nanoseconds.median;
    const text = (row: GrowthRow) => sizeText(row.size, row.unit);
    return [{ axis, from: text(small), to: text(great), dearer, atMost, met: dearer <= atMost }];
  });
}

export function growthAsLines(rows: readonly GrowthRow[]): string[] {
  const axes = [...new Set(rows.map(({ axis }) => axis))];
  return [
    "growth: x86-32, regions compiled, warm",
    ...axes.flatMap((axis) => ["", ...axisTable(rows.filter((row) => row.axis === axis))]),
    "",
    ...growthReached(rows).map(({ axis, from, to, dearer, atMost, met }) =>
      `${axis} from ${from} to ${to}: ${dearer.toFixed(2)}x as dear, goal at most ${atMost}x: ${
        met ? "met" : "not met"
      }`
    ),
    "Resident: the whole process, which does nothing else.",
  ];
}
