/** Breakpoints, watchpoints and catchpoints as commands show them, and finding one by its number. */
import type { Point, PointOptions, Vm } from "../../machine_types.ts";
import type { Session } from "../../session.ts";
import { hex } from "../../reports/hexdump.ts";
import { nameOf } from "./symbols.ts";

/** A breakpoint, watchpoint or catchpoint. */
export interface PointData {
  /** Of all kinds together. */
  readonly id: number;
  readonly kind: "breakpoint" | "watchpoint" | "catchpoint";
  /** For a watchpoint: which accesses. */
  readonly access?: "read" | "write" | "access";
  /** For a watchpoint: bytes. */
  readonly length?: number;
  /** For a watchpoint: whether writes that change nothing do not stop. */
  readonly changes?: boolean;
  /** For a catchpoint: the exits' reason, in upper case; undefined for any. */
  readonly reason?: string;
  /** For a catchpoint: the exits' key. */
  readonly key?: number;
  /** For breakpoints and watchpoints. */
  readonly address?: bigint;
  readonly symbol?: string;
  /** Times that it was met. */
  readonly hits: number;
  /** Meetings to pass over first. */
  readonly ignore: number;
  readonly enabled: boolean;
  readonly temporary: boolean;
  /** Text of its condition. */
  readonly condition?: string;
}

/** All of them by number. */
export function pointsOf(session: Session): PointData[] {
  const { vm } = session;
  const common = ({ id, hits, ignore, enabled, temporary, condition }: Point) => ({
    ...{ id, hits, ignore, enabled, temporary },
    ...(condition && { condition: condition.text }),
  });
  const place = (address: bigint) => {
    const symbol = nameOf(vm, address);
    return { address, ...(symbol !== undefined && { symbol }) };
  };
  return [
    ...vm.breakpoints.list().map((one): PointData => (
      { ...common(one), kind: "breakpoint", ...place(one.address) }
    )),
    ...vm.watchpoints.list().map((one): PointData => ({
      ...common(one),
      ...{ kind: "watchpoint", access: one.kind, length: one.length, changes: one.changes },
      ...place(one.address),
    })),
    ...vm.catchpoints.list().map(({ reason, key, ...one }): PointData => ({
      ...common(one),
      kind: "catchpoint",
      ...(reason !== undefined && { reason }),
      ...(key !== undefined && { key }),
    })),
  ].sort((a, b) => a.id - b.id);
}

const WATCHES = { read: "reads of", write: "writes to", access: "accesses to" } as const;

/** `0x1004 <loop>`, `writes to 0x2000 <count>, 4 bytes`, `exits MMIO 0xfeb00000`. */
export function placeText(point: PointData): string {
  const { kind, address, symbol, access, length, changes, reason, key } = point;
  const where = address === undefined ? "" : hex(address) + (symbol === undefined ? "" : ` <${symbol}>`);
  switch (kind) {
    case "breakpoint":
      return where;
    case "watchpoint": {
      const bytes = `${length} byte${length === 1 ? "" : "s"}`;
      return `${changes ? "changes of" : WATCHES[access!]} ${where}, ${bytes}`;
    }
    case "catchpoint":
      return `exits ${reason ?? "of any kind"}${key === undefined ? "" : ` ${hex(key)}`}`;
  }
}

/** The one of that number, as a command just set it. */
export function pointOf(session: Session, id: number): PointData {
  return pointsOf(session).find((one) => one.id === id)!;
}

/** Those with the numbers given, or all. Throws `ReferenceError` naming the numbers that there are. */
export function chosenPoints(session: Session, ids: readonly string[]): PointData[] {
  const all = pointsOf(session);
  const there = all.length === 0 ? "there are none" : `there are ${all.map(({ id }) => id).join(", ")}`;
  if (ids.length === 0 && all.length === 0) throw new ReferenceError("There is no breakpoint");
  if (ids.length === 0) return all;
  return ids.map((id) => {
    const found = all.find((one) => String(one.id) === id.replace(/^#/, ""));
    if (!found) throw new ReferenceError(`There is no breakpoint ${id}; ${there}`);
    return found;
  });
}

/** The set that a point belongs to. */
export function setOf(vm: Vm, { kind }: PointData): {
  remove(id: number): boolean;
  change(id: number, change: PointOptions): void;
} {
  return { breakpoint: vm.breakpoints, watchpoint: vm.watchpoints, catchpoint: vm.catchpoints }[kind];
}

/** Numbers for Tab. */
export function pointNumbers(session: Session): string[] {
  return session.hasVm ? pointsOf(session).map(({ id }) => String(id)) : [];
}
