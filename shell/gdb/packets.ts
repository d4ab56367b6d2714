/**
 * Packets of GDB's remote protocol on the wire: `$DATA#CC`, acknowledged by `+` or `-`, between them a byte 0x03 that asks
 * for a stop. A packet's text has a character for each byte, U+0000 to U+00FF. GDB manual, "Remote Protocol", Overview.
 */
import { compress } from "./run_length.ts";

/** Bytes of data that a packet may have, either way. GDB is told so (`PacketSize`) and keeps to it. */
export const PACKET_SIZE = 0x4000;

/** What arrives. */
export type PacketEvent =
  /** A packet's data without its escapes. */
  | { readonly kind: "packet"; readonly text: string }
  /** One whose checksum is wrong, or that ends within an escape. */
  | { readonly kind: "damaged" }
  /** One of more than `PACKET_SIZE` bytes: its data is lost. */
  | { readonly kind: "too long" }
  | { readonly kind: "ack" }
  | { readonly kind: "nak" }
  | { readonly kind: "interrupt" };

const START = 0x24, END = 0x23, ESCAPE = 0x7d, ACK = 0x2b, NAK = 0x2d, INTERRUPT = 3;
/** A byte that would mean something else follows `ESCAPE` with this bit turned over. */
const ESCAPE_BIT = 0x20;
/** `$`, `#`, `}`, and `*`, which in an answer would begin a run. */
const SPECIAL = /[$#}*]/g;

/** Takes bytes as they come, in pieces of any size, and finds the packets in them. */
export class PacketReader {
  readonly #data = new Uint8Array(PACKET_SIZE);
  #state: "between" | "data" | "first digit" | "second digit" = "between";
  #length = 0;
  #sum = 0;
  #digit = NaN;

  /** What is complete now, in its order. Bytes that belong to nothing are passed over. */
  *feed(bytes: Uint8Array): Generator<PacketEvent, void> {
    for (const byte of bytes) {
      const event = this.#take(byte);
      if (event) yield event;
    }
  }

  #take(byte: number): PacketEvent | undefined {
    switch (this.#state) {
      case "between":
        if (byte === START) this.#begin();
        else if (byte === ACK) return { kind: "ack" };
        else if (byte === NAK) return { kind: "nak" };
        else if (byte === INTERRUPT) return { kind: "interrupt" };
        return undefined;
      case "data":
        // Never within data: the other side has begun anew.
        if (byte === START) this.#begin();
        else if (byte === END) this.#state = "first digit";
        else {
          if (this.#length < PACKET_SIZE) this.#data[this.#length] = byte;
          this.#length++;
          this.#sum = this.#sum + byte & 0xff;
        }
        return undefined;
      case "first digit":
        this.#digit = digitOf(byte);
        this.#state = "second digit";
        return undefined;
      case "second digit":
        this.#state = "between";
        return this.#end(this.#digit * 16 + digitOf(byte));
    }
  }

  #begin(): void {
    this.#state = "data";
    this.#length = this.#sum = 0;
  }

  #end(sum: number): PacketEvent {
    if (sum !== this.#sum) return { kind: "damaged" };
    if (this.#length > PACKET_SIZE) return { kind: "too long" };
    const text = unescape(this.#data.subarray(0, this.#length));
    return text === undefined ? { kind: "damaged" } : { kind: "packet", text };
  }
}

/** A hexadecimal digit's value; NaN, which equals nothing, for another character. */
function digitOf(byte: number): number {
  return parseInt(String.fromCharCode(byte), 16);
}

/** Undefined if the data ends within an escape. */
function unescape(bytes: Uint8Array): string | undefined {
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== ESCAPE) parts.push(String.fromCharCode(bytes[i]));
    else if (++i < bytes.length) parts.push(String.fromCharCode(bytes[i] ^ ESCAPE_BIT));
    else return undefined;
  }
  return parts.join("");
}

/** A packet as it is sent: escaped, runs shortened, with its checksum. */
export function encodePacket(text: string): Uint8Array<ArrayBuffer> {
  const escaped = text.replace(SPECIAL, (it) => `}${String.fromCharCode(it.charCodeAt(0) ^ ESCAPE_BIT)}`);
  const data = compress(escaped);
  const bytes = new Uint8Array(data.length + 4);
  let sum = 0;
  bytes[0] = START;
  for (let i = 0; i < data.length; i++) sum += bytes[i + 1] = data.charCodeAt(i);
  bytes[data.length + 1] = END;
  const digits = (sum & 0xff).toString(16).padStart(2, "0");
  bytes[data.length + 2] = digits.charCodeAt(0);
  bytes[data.length + 3] = digits.charCodeAt(1);
  return bytes;
}

/** A byte that stands alone: `+` or `-`. */
export const ACKNOWLEDGE: Readonly<Record<"ack" | "nak", Uint8Array<ArrayBuffer>>> = {
  ack: Uint8Array.of(ACK),
  nak: Uint8Array.of(NAK),
};
