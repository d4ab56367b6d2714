/** What a vehicle is to a handle: one device, reached one way. */
import type { CallPort } from "../call_port.ts";
import type { DataMode } from "../data_modes.ts";
import type { StubRunner } from "../stub_runner.ts";

/** One call as a vehicle gets it. */
export interface CallRequest {
  /** To begin messages with, e.g. `call(fn 3) of device "echo" by mmio`. */
  readonly what: string;
  readonly fn: number;
  readonly bytes: Uint8Array;
  /** Bytes to have ready for the reply where that is up to the caller. */
  readonly capacity: number;
  readonly data: DataMode;
  readonly signal?: AbortSignal;
}

/** One access to a register of the device. */
export interface AccessRequest {
  readonly what: string;
  readonly offset: number;
  readonly size: 1 | 2 | 4 | 8;
  readonly signal?: AbortSignal;
}

/** A doorbell's ring. */
export interface NotifyRequest {
  readonly what: string;
  readonly queue: number;
  readonly signal?: AbortSignal;
}

export interface Vehicle {
  /** Largest access that is one exit; a larger one is made of several. */
  readonly widest: 4 | 8;
  call(request: CallRequest): Promise<Uint8Array>;
  read(request: AccessRequest): Promise<bigint>;
  write(request: AccessRequest, value: bigint): Promise<void>;
  notify(request: NotifyRequest): Promise<void>;
}

/** What every vehicle works with. */
export interface Wiring {
  readonly runner: StubRunner;
  readonly port: CallPort;
}

/** The error of a call that the device's end did not take: its reason, or what the status says. */
export function refused(wiring: Wiring, what: string, status: string): Error {
  const reason = wiring.port.refusal;
  return new Error(`${what}: ${status}${reason === undefined ? "" : `: ${reason.message}`}`, {
    cause: reason,
  });
}

export type { DataMode };
