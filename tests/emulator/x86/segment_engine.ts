/** Runs the cases of `segment_cases.ts` on the interpreter or in regions. */
import { Arena } from "../../../emulator/engine/arena.ts";
import { InterpreterEngine } from "../../../emulator/engine/engine.ts";
import { type EngineHost, STATUS, type Status, UNKNOWN_WAY } from "../../../emulator/engine/host.ts";
import { CpuState } from "../../../emulator/engine/state.ts";
import { STATE } from "../../../emulator/ir/layout.ts";
import { x86IsaOf } from "../../../emulator/x86/isa.ts";
import { CS } from "../../../emulator/x86/slots.ts";
import { TRAPS } from "../../../emulator/x86/traps.ts";
import { type VariantName, variantNamed } from "../../../emulator/x86/variant.ts";
import {
  CODE,
  DATA,
  INT3,
  pattern,
  prepare,
  registersOf,
  type SegmentCase,
  type SegmentEnd,
  SIZE,
  STEPS,
} from "./segment_cases.ts";

/** Dwords of changed memory that an end has at most. */
const CHANGES = 24;

export class CaseEngine implements EngineHost {
  readonly #arena = new Arena(2 ** 22);
  readonly #state = new CpuState(this.#arena);
  readonly #data = this.#arena.allocate(SIZE);
  readonly #code = this.#arena.allocate(SIZE);
  readonly #engine: InterpreterEngine;
  #vector = -1;
  #error = 0;

  constructor(variant: VariantName, readonly kind: "interpreter" | "region") {
    this.#engine = new InterpreterEngine({
      isa: x86IsaOf(variantNamed(variant)),
      arena: this.#arena,
      state: this.#state,
      host: this,
      codeAt: (address) => this.#place(Number(address)),
      costOf: () => 1,
    });
  }

  run(one: SegmentCase): SegmentEnd {
    const state = this.#state, engine = this.#engine, { u8 } = this.#arena;
    const data = new Uint32Array(u8.buffer, u8.byteOffset + this.#data, SIZE / 4);
    for (let i = 0; i < data.length; i++) data[i] = pattern(one.seed, i);
    u8.fill(INT3, this.#code, this.#code + SIZE);
    u8.set(one.code, this.#place(one.segments[CS].base + one.eip));
    prepare(state, one);
    state.set64(STATE.pc, BigInt(one.eip));
    this.#vector = -1;
    engine.flush();
    const length = one.code.indexOf(INT3);
    if (this.kind === "region") engine.compile(BigInt(one.eip), length);
    const stop = engine.run(STEPS, true);
    if (stop.kind !== "host") throw new Error(`the case ends by ${stop.kind}`);
    const changed: [number, number][] = [];
    for (let i = 0; i < data.length && changed.length < CHANGES; i++) {
      if (data[i] !== pattern(one.seed, i)) changed.push([4 * i, data[i]]);
    }
    const eip = state.get32(STATE.pc) + (this.#vector === 3 ? 1 : 0);
    return { ...registersOf(state), eip, vector: this.#vector, error: this.#error, changed };
  }

  load(_cpu: number, size: number): Status {
    const at = this.#place(Number(this.#state.get64(STATE.args)), size);
    if (at < 0) return this.#raised(14, 0);
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = value << 8n | BigInt(this.#arena.u8[at + i]);
    this.#state.set64(STATE.result, value);
    return STATUS.proceed;
  }

  store(_cpu: number, size: number): Status {
    const at = this.#place(Number(this.#state.get64(STATE.args)), size);
    if (at < 0) return this.#raised(14, 0);
    const value = this.#state.get64(STATE.args + 8);
    for (let i = 0; i < size; i++) this.#arena.u8[at + i] = Number(value >> BigInt(8 * i) & 0xffn);
    return STATUS.proceed;
  }

  again(): typeof UNKNOWN_WAY {
    return UNKNOWN_WAY;
  }
  trap(_cpu: number, trap: number): Status {
    const name = TRAPS[trap], state = this.#state;
    if (name !== "exception" && name !== "interrupt") throw new Error(`the case raises ${name}`);
    return this.#raised(state.get32(STATE.args), name === "exception" ? state.get32(STATE.args + 8) : 0);
  }

  #raised(vector: number, error: number): Status {
    this.#vector = vector;
    this.#error = error;
    return STATUS.again;
  }

  /** Place in linear memory of a linear address, or -1. */
  #place(address: number, size = 1): number {
    if (address >= DATA && address + size <= DATA + SIZE) return this.#data + address - DATA;
    if (address >= CODE && address + size <= CODE + SIZE) return this.#code + address - CODE;
    return -1;
  }
}
