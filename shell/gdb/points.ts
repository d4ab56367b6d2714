/** Breakpoints and watchpoints that GDB sets, kept among the VM's own. GDB manual, "Packets": Z and z. */
import type { Stop, Vm } from "../machine_types.ts";

/** What a stop reply says of the point that was met. */
export interface PointHit {
  readonly kind: "swbreak" | "hwbreak" | "watch" | "rwatch" | "awatch";
  /** Of a watchpoint. */
  readonly address?: bigint;
}

/** By the digit after `Z`. */
const KINDS = ["swbreak", "hwbreak", "watch", "rwatch", "awatch"] as const;
const WATCHED = { watch: "write", rwatch: "read", awatch: "access" } as const;

/** GDB sets its points anew each time that it lets the guest go, seldom more than a few. */
const MOST_POINTS = 1024;

interface Placed {
  /** Its number among the VM's. */
  readonly id: number;
  readonly at: bigint;
  readonly length: bigint;
  readonly hit: PointHit;
}

/** GDB's points on one VM. */
export class GdbPoints {
  #vm: Vm;
  readonly #set = new Map<string, Placed>();

  constructor(vm: Vm) {
    this.#vm = vm;
  }

  /** `type` is the digit after `Z`. False if there can be no such point, or are too many. Setting one twice is setting it once. */
  insert(type: number, address: bigint, length: bigint): boolean {
    const kind = KINDS[type], key = keyOf(type, address, length);
    if (kind === undefined || this.#set.size >= MOST_POINTS) return false;
    if (!this.#set.has(key)) this.#set.set(key, this.#add(kind, address, length));
    return true;
  }
  /** Removing one that there is not is no failure: GDB may ask twice. */
  remove(type: number, address: bigint, length: bigint): void {
    const key = keyOf(type, address, length), known = this.#set.get(key);
    if (!known) return;
    this.#set.delete(key);
    this.#take(known);
  }
  /** Another machine has taken the VM's place, maybe with the points that the VM had. */
  moveTo(vm: Vm): void {
    this.#vm = vm;
    for (const [key, { at, hit, length }] of this.#set) {
      const known = hit.address === undefined
        ? vm.breakpoints.list().find(({ address, linear }) => linear && address === at)
        : vm.watchpoints.list().find((one) => one.address === at && BigInt(one.length) === length);
      this.#set.set(key, known ? { id: known.id, at, length, hit } : this.#add(hit.kind, at, length));
    }
  }
  /** GDB has gone. */
  clear(): void {
    for (const one of this.#set.values()) this.#take(one);
    this.#set.clear();
  }

  /** Whether GDB has a breakpoint at an address. */
  isBreak(address: bigint): boolean {
    return [...this.#set.values()].some(({ at, hit }) => at === address && hit.address === undefined);
  }

  /** The point of GDB's that a run stopped at. */
  hitOf(stop: Stop): PointHit | undefined {
    if (stop.reason !== "DEBUG") return undefined;
    const id = stop.breakpoint ?? stop.watchpoint?.id;
    return [...this.#set.values()].find((one) => one.id === id)?.hit;
  }

  /** Throws `RangeError` for a length that no watchpoint may have. */
  #add(kind: PointHit["kind"], address: bigint, length: bigint): Placed {
    if (kind === "swbreak" || kind === "hwbreak") {
      return {
        id: this.#vm.breakpoints.add(address, { linear: true }).id,
        at: address,
        length,
        hit: { kind },
      };
    }
    const place = { address, length: Number(length), kind: WATCHED[kind] };
    return { id: this.#vm.watchpoints.add(place).id, at: address, length, hit: { kind, address } };
  }

  #take({ id, hit }: Placed): void {
    const points = hit.address === undefined ? this.#vm.breakpoints : this.#vm.watchpoints;
    points.remove(id);
  }
}

function keyOf(type: number, address: bigint, length: bigint): string {
  return `${type}:${address}:${length}`;
}
