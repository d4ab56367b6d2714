/** Memory as people read it: address, sixteen bytes, characters. */

/** An address as the shell prints it: at least `digits` hexadecimal digits. */
export function hex(value: bigint | number, digits = 1): string {
  const negative = value < 0;
  const text = (negative ? -value : value).toString(16).padStart(digits, "0");
  return `${negative ? "-" : ""}0x${text}`;
}

/** Bytes as two-digit pairs with a blank between. */
export function hexBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** The lines of a dump of `bytes` that start at `address`. */
export function hexdump(bytes: Uint8Array, address: bigint, digits = 8): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = bytes.subarray(at, at + 16);
    const left = hexBytes(part.subarray(0, 8)).padEnd(23);
    const right = hexBytes(part.subarray(8)).padEnd(23);
    const text = String.fromCharCode(...part.map((byte) => byte >= 32 && byte < 127 ? byte : 46));
    lines.push(`${hex(address + BigInt(at), digits)}  ${left}  ${right}  |${text}|`);
  }
  return lines;
}
