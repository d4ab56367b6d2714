/** Text of packets: a character for each byte; bytes in it as pairs of hexadecimal digits, numbers with the high digit first. */

/** Bytes as pairs of digits. */
export function hexOf(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** Text for people as pairs of digits of its UTF-8. */
export function hexOfText(text: string): string {
  return new TextEncoder().encode(text).toHex();
}

/** Bytes of pairs of digits; undefined for what is none. */
export function bytesOfHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  return /^(?:[0-9a-f]{2})*$/i.test(text) ? Uint8Array.fromHex(text) : undefined;
}

/** A number of at most 64 bits; undefined for what is none. */
export function numberOfHex(text: string): bigint | undefined {
  return /^[0-9a-f]{1,16}$/i.test(text) ? BigInt(`0x${text}`) : undefined;
}

/** The bytes of a packet's text. */
export function bytesOfText(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (it) => it.charCodeAt(0));
}
