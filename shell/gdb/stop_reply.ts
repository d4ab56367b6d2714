/** Why the guest stopped, as a packet. GDB manual, "Stop Reply Packets". */
import type { Stop, VirtualCpu } from "../machine_types.ts";
import { hexOfText } from "./hex.ts";
import { type GdbLayout, registersOf } from "./layout.ts";
import type { PointHit } from "./points.ts";
import { registerHex } from "./registers.ts";
import { threadIdOf } from "./threads.ts";

/** GDB's own numbers (include/gdb/signals.def), which for these are those of most systems. */
const SIGNAL = { INT: 2, ILL: 4, TRAP: 5, ABRT: 6, BUS: 10, SEGV: 11 } as const;

/** There is no process that a signal could be sent to: which of them tells at a glance what kind of stop it is. */
const SIGNALS: Readonly<Record<Stop["reason"], number>> = {
  DEBUG: SIGNAL.TRAP,
  BUDGET: SIGNAL.TRAP,
  UNTIL: SIGNAL.TRAP,
  HLT: SIGNAL.TRAP,
  INTERRUPTED: SIGNAL.INT,
  UNIMPLEMENTED: SIGNAL.ILL,
  SHUTDOWN: SIGNAL.ABRT,
  DEVICE_ERROR: SIGNAL.BUS,
  INTERNAL_ERROR: SIGNAL.SEGV,
  // A reply of its own.
  SYSTEM_EVENT: SIGNAL.TRAP,
};

/** Stops that GDB finds words for by itself. */
const PLAIN = new Set<Stop["reason"]>(["DEBUG", "BUDGET", "UNTIL", "INTERRUPTED"]);

/** `T`: signal, thread, why it is one of GDB's points (if it is), and the registers that GDB would ask for next. */
export function stopReply(stop: Stop, vcpu: VirtualCpu, layout: GdbLayout, hit?: PointHit): string {
  const fields = [`thread:${threadIdOf(vcpu.index)}`];
  if (hit) fields.push(`${hit.kind}:${hit.address?.toString(16) ?? ""}`);
  registersOf(layout).forEach((register, number) => {
    if (!layout.expedited.includes(register.name)) return;
    const value = registerHex(vcpu, register, layout.order);
    if (!value.startsWith("x")) fields.push(`${number.toString(16)}:${value}`);
  });
  return `T${byteHex(SIGNALS[stop.reason])}${fields.join(";")};`;
}

/** `W`: the guest ended itself with a status; undefined for a stop from which it could go on, or be looked at. */
export function exitReply(stop: Stop): string | undefined {
  return stop.reason === "SYSTEM_EVENT" ? `W${byteHex(stop.code & 0xff)}` : undefined;
}

/** `O`: what GDB is to print before it, for a stop that no signal tells; undefined where it finds words itself. */
export function explanation({ reason, message }: Stop): string | undefined {
  return PLAIN.has(reason) ? undefined : `O${hexOfText(`${reason}: ${message}\n`)}`;
}

function byteHex(value: number): string {
  return value.toString(16).padStart(2, "0");
}
