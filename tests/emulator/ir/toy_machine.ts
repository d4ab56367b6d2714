/** A made-up instruction set around any forms, and a machine that executes it on each reader. */
import { Arena } from "../../../emulator/engine/arena.ts";
import { type Engine, InterpreterEngine } from "../../../emulator/engine/engine.ts";
import { ACCESS, type EngineHost, STATUS, UNKNOWN_WAY } from "../../../emulator/engine/host.ts";
import { OracleEngine } from "../../../emulator/engine/oracle_engine.ts";
import { CpuState } from "../../../emulator/engine/state.ts";
import { fillTlb } from "../../../emulator/engine/tlb.ts";
import { STATE } from "../../../emulator/ir/layout.ts";
import type { Form, Isa } from "../../../emulator/isa/isa.ts";

/** Slots that forms read and write; the last two hold flags. */
export const SLOTS = 16;
export const FLAG_SLOTS = [128 + 8 * (SLOTS - 2), 128 + 8 * (SLOTS - 1)] as const;
/** Guest address and size of memory; code stands in front of the data. */
export const MEMORY_AT = 0x10_0000;
const MEMORY_SIZE = 0x8000;
export const CODE_AT = MEMORY_AT + 0x6000;
/** Bytes of every instruction: form, two slots, a pad byte, 32 bits, 64 bits. */
export const LENGTH = 16;

/** A decoder for the forms: byte 0 is the form's number; the 64-bit field is relative to pc if the form branches. */
export function toyIsa(forms: readonly Form[]): Isa {
  return {
    name: "toy",
    addressWidth: 64,
    order: "le",
    maxLength: LENGTH,
    forms,
    traps: ["mix"],
    registers: [],
    reset: new Map(),
    decode(bytes, pc) {
      const form = forms[bytes[0]];
      if (!form || bytes.length < LENGTH) return { undecodable: true, length: 1, reason: "no such form" };
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const wide = view.getBigInt64(8, true);
      const slot = (byte: number) => 128 + 8 * (byte % SLOTS);
      return {
        form,
        length: LENGTH,
        values: [
          slot(bytes[1]),
          slot(bytes[2]),
          view.getInt32(4, true),
          form.endsBlock ? pc + 16n * (wide & 7n) : wide,
        ],
      };
    },
    disassemble: () => undefined,
  };
}

export type Reader = "oracle" | "interpreter" | "region";
export const READERS: readonly Reader[] = ["oracle", "interpreter", "region"];

/** What a run leaves, as text that says everything. */
export interface ToyEnd {
  readonly slots: string;
  readonly memory: string;
  readonly counts: string;
  readonly host: string;
}

export class ToyMachine implements EngineHost {
  readonly #arena = new Arena(2 ** 21);
  readonly #state = new CpuState(this.#arena);
  readonly #place = this.#arena.allocate(MEMORY_SIZE);
  readonly #reader: Reader;
  readonly #engine: Engine;
  readonly #log: string[] = [];

  constructor(isa: Isa, reader: Reader) {
    this.#reader = reader;
    const setup = {
      isa,
      arena: this.#arena,
      state: this.#state,
      host: this,
      codeAt: (address: bigint) => this.#find(address),
      costOf: () => 3,
    };
    this.#engine = reader === "oracle" ? new OracleEngine(setup) : new InterpreterEngine(setup);
  }

  /** Executes up to `limit` instructions of `code`, from a state and a memory. */
  run(code: Uint8Array, slots: readonly bigint[], memory: Uint8Array, limit: number): ToyEnd {
    const { u8 } = this.#arena;
    this.#engine.flush();
    u8.set(memory, this.#place);
    u8.set(code, this.#place + CODE_AT - MEMORY_AT);
    slots.forEach((value, i) => this.#state.set64(STATE.isa + 8 * i, value));
    this.#state.set64(STATE.pc, BigInt(CODE_AT));
    this.#log.length = 0;
    const before = [this.#engine.instructions, this.#state.getNumber(STATE.cycles)];
    if (this.#reader === "region") {
      (this.#engine as InterpreterEngine).compile(BigInt(CODE_AT), code.length);
    }
    const stop = this.#engine.run(limit, true);
    const counts = [
      stop.kind,
      this.#engine.instructions - before[0],
      this.#state.getNumber(STATE.cycles) - before[1],
      this.#state.get64(STATE.pc).toString(16),
    ];
    return {
      slots: Array.from({ length: SLOTS }, (_, i) => this.#state.get64(STATE.isa + 8 * i).toString(16)).join(
        " ",
      ),
      memory: hash(u8.subarray(this.#place, this.#place + MEMORY_SIZE)),
      counts: counts.join(" "),
      host: this.#log.join(" "),
    };
  }

  load(_cpu: number, size: number, flags: number) {
    const address = this.#state.get64(STATE.args);
    const bytes = Uint8Array.from({ length: size }, (_, i) => {
      const place = this.#find(BigInt.asUintN(64, address + BigInt(i)));
      // Where there is no memory the address answers, byte for byte.
      return place < 0 ? Number((address + BigInt(i)) & 0xffn) ^ 0x5a : this.#arena.u8[place];
    });
    this.#fill(address, size);
    const digits = flags & ACCESS.bigEndian ? bytes : bytes.toReversed();
    this.#state.set64(STATE.result, digits.reduce((value, byte) => value << 8n | BigInt(byte), 0n));
    return STATUS.proceed;
  }

  store(_cpu: number, size: number, flags: number) {
    const address = this.#state.get64(STATE.args), value = this.#state.get64(STATE.args + 8);
    for (let i = 0; i < size; i++) {
      const digit = flags & ACCESS.bigEndian ? size - 1 - i : i;
      const place = this.#find(BigInt.asUintN(64, address + BigInt(i)));
      const byte = Number(value >> BigInt(8 * digit) & 0xffn);
      if (place >= 0) this.#arena.u8[place] = byte;
      else this.#log.push(`[${(address + BigInt(i)).toString(16)}]=${byte}`);
      if (place >= 0) this.#engine.invalidate(place, 1);
    }
    this.#fill(address, size);
    return STATUS.proceed;
  }

  again(): typeof UNKNOWN_WAY {
    return UNKNOWN_WAY;
  }
  trap(_cpu: number, trap: number) {
    const args = [this.#state.get64(STATE.args), this.#state.get64(STATE.args + 8)];
    this.#log.push(`${trap}(${args.map((arg) => arg.toString(16))})`);
    // A handler may change any state: the definition that reads it afterwards sees it.
    this.#state.set64(STATE.isa + 8 * 3, args[0] * 0x9e37_79b9_7f4a_7c15n + 1n);
    this.#state.set64(FLAG_SLOTS[0], args[1]);
    this.#state.set64(STATE.result, args[0] ^ (args[1] << 1n));
    return STATUS.proceed;
  }

  #fill(address: bigint, size: number): void {
    const first = this.#find(address), last = this.#find(address + BigInt(size - 1));
    if (first >= 0 && last >= 0 && address >> 12n === (address + BigInt(size - 1)) >> 12n) {
      fillTlb(
        this.#state,
        Number(address & 0xffff_ffffn),
        Number(address >> 32n),
        first,
        !this.#engine.isCode(first),
      );
    }
  }

  #find(address: bigint): number {
    const at = address - BigInt(MEMORY_AT);
    return at >= 0n && at < BigInt(MEMORY_SIZE) ? this.#place + Number(at) : -1;
  }
}

function hash(bytes: Uint8Array): string {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum = Math.imul(sum ^ bytes[i], 0x0100_0193) + i | 0;
  return (sum >>> 0).toString(16);
}
