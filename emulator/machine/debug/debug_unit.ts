/**
 * What a vCPU's instruction at hand meets of the watchpoints and catchpoints: noted while it is executed, told when it is
 * complete. As a processor's data breakpoints these are traps, not faults (SDM vol. 3B, 18.3.1.2).
 */
import type { Direction, NativeReason } from "../../engine/native_reason.ts";
import type { StopDetail } from "../stop.ts";
import type { VirtualCpu } from "../virtual_cpu.ts";
import type { Catchpoint, Catchpoints } from "./catchpoints.ts";
import type { PageWatch, Watchpoint, Watchpoints } from "./watchpoints.ts";

/** What a watchpoint's stop tells. */
export interface WatchHit {
  /** The watchpoint's number. */
  readonly id: number;
  /** An instruction that reads and writes what is watched counts as a write, where the watchpoint is for both. */
  readonly access: "read" | "write";
  /** What is watched, as `WatchPlace` has it. */
  readonly address: bigint;
  /** Bytes of it. */
  readonly length: number;
  /**
   * What was there before the access, as one unsigned number in the guest's byte order; none where there is no memory.
   */
  readonly before?: bigint;
  /** What is there now. */
  readonly after?: bigint;
  /** Address of the instruction that made the access, or before which an interrupt's frame was written. */
  readonly by: bigint;
}

/** What a catchpoint's stop tells: the exit that it met. */
export interface CatchHit {
  /** The catchpoint's number. */
  readonly id: number;
  /** The canonical name. */
  readonly reason: string;
  /** The backend's own name. */
  readonly native: string;
  /** Port, guest-physical address, hypercall number, MSR, leaf. */
  readonly key: number;
  /** Which way data went. */
  readonly direction: Direction;
  /** Bytes; 0 where it is no access. */
  readonly size: number;
  /** Address of the instruction that made the exit. */
  readonly by: bigint;
}

/** Points of a VM whose meetings are noted where they happen. */
export interface Noticed {
  readonly watchpoints: Watchpoints;
  readonly catchpoints: Catchpoints;
}

/** The vCPU. */
interface Debugged extends VirtualCpu {
  readonly isa: { readonly order: "le" | "be" };
  /** Has the engine come back after the instruction at hand. */
  leave(): void;
}

interface Seen {
  access: "read" | "write";
  readonly before: bigint | undefined;
  readonly by: bigint;
}

export class DebugUnit {
  readonly #cpu: Debugged;
  readonly #points: Noticed;
  readonly #seen = new Map<Watchpoint, Seen>();
  readonly #caught = new Map<Catchpoint, Omit<CatchHit, "id">>();

  constructor(cpu: Debugged, points: Noticed) {
    this.#cpu = cpu;
    this.#points = points;
  }

  /** What is to be noticed of the page of an address, given as two halves of 32 bits. */
  ofPage(low: number, high: number): PageWatch {
    return this.#points.watchpoints.ofPage(low, high);
  }

  /** An access of the guest's that can be made: of a write it is told before it is made. */
  access(low: number, high: number, size: number, access: "read" | "write"): void {
    const { active } = this.#points.watchpoints;
    if (active.length === 0) return;
    const address = BigInt(high) << 32n | BigInt(low);
    for (const point of active) {
      const other = access === "read" ? "write" : "read";
      if (point.kind === other) continue;
      if (address >= point.address + BigInt(point.length) || address + BigInt(size) <= point.address) {
        continue;
      }
      // The instruction may make several, or make them again: what was there before the first one counts.
      const known = this.#seen.get(point);
      if (known) {
        if (access === "write") known.access = access;
        continue;
      }
      this.#seen.set(point, { access, before: this.#valueOf(point), by: this.#cpu.pc });
      this.#cpu.leave();
    }
  }

  /** An exit. */
  exit(native: NativeReason, key: number, direction: Direction, size: number): void {
    const { catchpoints } = this.#points;
    if (catchpoints.active.length === 0) return;
    const { reason, name } = native, by = this.#cpu.pc;
    for (const point of catchpoints.of(native, key)) {
      if (!this.#caught.has(point)) {
        this.#caught.set(point, { reason, native: name, key, direction, size, by });
      }
      this.#cpu.leave();
    }
  }

  /** Whether the instruction at hand has met anything: it is then the last one before the run loop looks. */
  get any(): boolean {
    return this.#seen.size > 0 || this.#caught.size > 0;
  }

  /** The instruction at hand will not be completed. */
  clear(): void {
    this.#seen.clear();
    this.#caught.clear();
  }

  /** Between two instructions: counts what was met, and tells the stop that it comes to, if any. */
  stop(): StopDetail | undefined {
    if (!this.any) return undefined;
    const seen = [...this.#seen].sort(([a], [b]) => a.id - b.id);
    const caught = [...this.#caught].sort(([a], [b]) => a.id - b.id);
    this.clear();
    let stop: StopDetail | undefined;
    for (const [point, what] of seen) {
      const detail = this.#watched(point, what);
      stop ??= detail;
    }
    for (const [point, what] of caught) {
      const detail = this.#exited(point, what);
      stop ??= detail;
    }
    return stop;
  }

  #watched(point: Watchpoint, { access, before, by }: Seen): StopDetail | undefined {
    const { id, address, length, changes } = point, after = this.#valueOf(point);
    if (changes && access === "write" && before === after) return undefined;
    const meeting = this.#points.watchpoints.meet(id, this.#cpu);
    if (meeting.do === "pass") return undefined;
    const watchpoint: WatchHit = { id, access, address, length, before, after, by };
    const what = access === "write"
      ? `written: ${valueText(before)} -> ${valueText(after)}`
      : `read: ${valueText(after)}`;
    const message = `watchpoint ${id} at ${hex(address)} (${length} byte${
      length === 1 ? "" : "s"
    }) ${what}, by ${hex(by)}${problemText(meeting)}`;
    return { reason: "DEBUG", watchpoint, message };
  }

  #exited(point: Catchpoint, what: Omit<CatchHit, "id">): StopDetail | undefined {
    const { id } = point, { reason, native, key, direction, size, by } = what;
    const meeting = this.#points.catchpoints.meet(id, this.#cpu);
    if (meeting.do === "pass") return undefined;
    const access = direction === "none" ? "" : ` ${direction} (${size} byte${size === 1 ? "" : "s"})`;
    const message = `catchpoint ${id}: ${reason} (${native}) ${hex(BigInt(key))}${access}, by ${hex(by)}${
      problemText(meeting)
    }`;
    return { reason: "DEBUG", catchpoint: { id, ...what }, message };
  }

  #valueOf({ address, length }: Watchpoint): bigint | undefined {
    let bytes: Uint8Array;
    try {
      bytes = this.#cpu.readMemory(address, length);
    } catch {
      return undefined;
    }
    const digits = this.#cpu.isa.order === "le" ? bytes.reverse() : bytes;
    return BigInt(`0x${digits.toHex()}`);
  }
}

function problemText(meeting: { readonly problem?: string }): string {
  return meeting.problem === undefined ? "" : `; ${meeting.problem}`;
}

function valueText(value: bigint | undefined): string {
  return value === undefined ? "no memory" : hex(value);
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}
