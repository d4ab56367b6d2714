/** Numbers for people. */

/** `1,234,567`. In one way everywhere: the host's language must not change a report. */
export function grouped(value: number): string {
  const [whole, fraction] = String(value).split(".");
  const text = whole.replaceAll(/\B(?=(\d{3})+(?!\d))/g, ",");
  return fraction === undefined ? text : `${text}.${fraction}`;
}

/** Cycles as time at a frequency, in the unit that fits: `412 ns`, `9.46 us`, `1.25 ms`, `3.00 s`. */
export function timeText(cycles: number, hz: number): string {
  if (cycles === 0) return "0";
  const seconds = cycles / hz;
  const units = [["ns", 1e-9], ["us", 1e-6], ["ms", 1e-3], ["s", 1]] as const;
  const [unit, size] = units.find(([, size]) => seconds < 999.5 * size) ?? units[3];
  const value = seconds / size;
  return `${
    value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2)
  } ${unit}`;
}

/** A share, 0 to 1, as `12.34%`. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}

/** Bytes as `16 MiB`, or as they are where they are no whole number of these. */
export function sizeText(bytes: number): string {
  for (const [unit, size] of [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]] as const) {
    if (bytes >= size && bytes % size === 0) return `${bytes / size} ${unit}`;
  }
  return `${bytes} bytes`;
}

/** The greatest of many numbers, `least` if there are none above it: `Math.max(...)` takes no 131,072 arguments. */
export function greatest(values: Iterable<number>, least = 0): number {
  let most = least;
  for (const value of values) if (value > most) most = value;
  return most;
}
