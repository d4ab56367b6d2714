/** Numbers on an axis. */

/** A linear axis from 0 to a round number. */
export interface Scale {
  /** Where the axis ends: the last tick, not below the greatest value. */
  readonly end: number;
  /** Round values from 0 to `end`. */
  readonly ticks: readonly number[];
}

/** About `wanted` ticks of 1, 2 or 5 times a power of ten; never parts of one where `whole` is set. */
export function scaleTo(greatest: number, wanted = 5, whole = false): Scale {
  if (!(greatest > 0) || !Number.isFinite(greatest)) return { end: 1, ticks: [0, 1] };
  const raw = greatest / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const factor = [1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999_999) ?? 10;
  const step = whole ? Math.max(1, Math.round(factor * power)) : factor * power;
  const count = Math.ceil(greatest / step - 1e-9);
  const ticks = Array.from({ length: count + 1 }, (_, i) => tidy(i * step));
  return { end: ticks[count], ticks };
}

/** Without what floating point adds: 0.30000000000000004 is 0.3. */
function tidy(value: number): number {
  return Number(value.toPrecision(12));
}

/** A coordinate as SVG has it: two decimals are finer than any screen. */
export function coordinate(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** A number on an axis: `0`, `250`, `12k`, `1.5M`. */
export function axisText(value: number): string {
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]] as const) {
    if (value >= size) return `${tidy(value / size)}${unit}`;
  }
  return String(tidy(value));
}
