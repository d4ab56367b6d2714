/** Data of commands as JSON, in one shape however large a number is. */

/**
 * `data` as JSON, two columns of indent a level. BigInts become strings of hexadecimal (`"0x7c00"`,
 * `"-0x1"`), byte arrays strings of two digits a byte, maps objects, sets arrays; functions are left out.
 */
export function toJson(data: unknown): string {
  return JSON.stringify(data ?? null, (_key, value) => plainValue(value), 2);
}

function plainValue(value: unknown): unknown {
  if (typeof value === "bigint") return hex(value);
  if (value instanceof Uint8Array) return value.toHex();
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  if (value instanceof Error) return { name: value.name, message: value.message };
  return value;
}

/** `0x2a`, `-0x1`. */
export function hex(value: bigint): string {
  return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}
