/**
 * A ring between a guest's driver and a device: requests and answers lie in shared memory, a trap only notifies.
 *
 * The driver is guest code that runs on the vCPU: it puts requests into the ring, decides whether a kick is due, takes
 * answers, ends interrupts and waits. What a request says, and what is done with an answer, is the caller's: the host
 * copies those bytes from and to the guest's buffers, as it does for calls.
 */
import type { VehicleName } from "../negotiate.ts";

/** How a ring is made. */
export interface RingOptions {
  /** Requests that it holds, 1 to 4,096; 256 if not given. */
  readonly entries?: number;
  /** `ioq` (vbus, with shm_signal) or `virtqueue` (virtio 1.2, split); `virtqueue` if not given. */
  readonly kind?: "ioq" | "virtqueue";
  /** Bytes of a request and its reply together, at most 65,536; 1,024 if not given. */
  readonly bytes?: number;
  /** Requests that one kick stands for; 1 if not given. `kick`, `flush` and `call` do not wait for more. */
  readonly batch?: number;
  /** Virtqueues: tell each other by index when to notify (VIRTIO_F_EVENT_IDX); true if not given. */
  readonly eventIdx?: boolean;
  /** Virtqueues: a request's buffers are a table of their own (VIRTIO_F_INDIRECT_DESC); false if not given. */
  readonly indirect?: boolean;
  /** Look for answers instead of being interrupted; true if not given. False wants a VM with `interrupts: true`. */
  readonly poll?: boolean;
  /** Answers that one interrupt stands for; 1 if not given. What is left is found by looking. */
  readonly coalesce?: number;
  /**
   * Who takes kicks: `userspace` serves the ring within the doorbell's exit; `kernel` matches the doorbell as an ioeventfd
   * does (`vm.ioevents`, by address and length), and the device serves the ring once the guest is on again or waits;
   * `fast` does so by address alone, which by MMIO needs no decoding where KVM has its fast bus. `userspace` if not given.
   */
  readonly doorbell?: "userspace" | "kernel" | "fast";
  /**
   * A device that is busy: behind a doorbell that is not `userspace` it comes to the ring only as the driver waits (a flush,
   * a call, a full ring). Event indices and shm_signal then hold all kicks but one back, a virtqueue's flag does not. False
   * if not given.
   */
  readonly busy?: boolean;
  /**
   * Interrupt line without `poll`, 5 if not given. While the ring is open it owns the interrupt controller: not for a VM
   * whose own guest uses that.
   */
  readonly line?: number;
}

/** `RingOptions` with everything given. */
export type FullRingOptions = Required<RingOptions>;

/** Most buffers of one request. */
export const MAX_BUFFERS = 8;

/** A request to be answered. */
export interface SubmitOptions {
  /** Bytes that the answer may have; what the ring has room for if not given. */
  readonly reply?: number;
}

/** An answer to what was submitted. */
export interface RingCompletion {
  /** As `submit` gave it. */
  readonly id: number;
  /** The device's answer. */
  readonly bytes: Uint8Array;
}

/** What a ring did since it was made. */
export interface RingStats {
  /** Requests put into the ring. */
  readonly submitted: number;
  /** Requests that the device has answered. */
  readonly completed: number;
  /** Doorbells that were rung. */
  readonly kicks: number;
  /** Doorbells that were due, and that the device did not want. */
  readonly suppressedKicks: number;
  /** Interrupts that the device raised. */
  readonly interrupts: number;
  /** Answers without one: the driver did not want it, or it was coalesced. */
  readonly suppressedInterrupts: number;
}

/**
 * The driver's side of a ring. One operation at a time: await each. All that the driver does, from its stores in the ring to
 * the end of an interrupt, is guest code whose instructions and exits are charged.
 *
 * A snapshot that is saved between two operations has the ring with all that is under way; `Io.rings` has it again.
 */
export interface Ring {
  /** Which of the machine's rings it is, counted from 1. */
  readonly number: number;
  /** The device's name. */
  readonly device: string;
  /** What the doorbell rides on. */
  readonly via: VehicleName;
  /** The same for people. */
  readonly label: string;
  /** How it was made, with everything given. */
  readonly options: Readonly<Required<RingOptions>>;
  /** Where the ring is in guest-physical memory, its requests behind it. */
  readonly gpa: number;
  /**
   * Puts a request into the ring, and kicks when a batch is complete; waits for room if it is full. Answers its number,
   * counted from 0. Throws `RangeError` for what does not fit, `Error` if the device has stopped serving the ring.
   */
  submit(buffers: Uint8Array | readonly Uint8Array[], options?: SubmitOptions): Promise<number>;
  /** Kicks for what was submitted, if the device wants that; answers whether it did. */
  kick(): Promise<boolean>;
  /** Looks for answers: what was answered and not collected yet. */
  collect(): Promise<RingCompletion[]>;
  /** Kicks, waits until everything is answered, and collects. */
  flush(): Promise<RingCompletion[]>;
  /**
   * The *call ring*: a synchronous call by a ring, which everything submitted earlier is answered before, as it flushes
   * and blocks. `fn` and the bytes go to the device's `call`.
   */
  call(fn: number, bytes?: Uint8Array, options?: SubmitOptions): Promise<Uint8Array>;
  /** See `RingStats`. */
  readonly stats: RingStats;
  /**
   * The driver as source, for a guest's own code that drives the ring instead: then leave `submit` and the others alone.
   * Throws `Error` for a real-mode guest, whose driver has segments of its own.
   */
  code(): Promise<RingCode>;
  /**
   * The device's own thread, which no doorbell wakes outside of this ring's operations: serves the ring if it was kicked
   * behind a doorbell that is not `userspace`, while a guest's own code drives it.
   */
  serve(): Promise<void>;
  /** Takes the ring out of guest memory and its doorbell off the bus. */
  close(): void;
}

/**
 * A ring's driver as subroutines. They take the block's address in rbp (ebp; on PowerPC r12), find and leave words of 32
 * bits there in the guest's order (`RING_BLOCK`), and clobber eax, ebx, ecx, edx, esi, edi (r0, r3 to r11) and a hypercall's
 * registers.
 */
export interface RingCode {
  /** Assembler source: `ring_push`, `ring_kick` and `ring_take`. */
  readonly source: string;
  /** The block's guest-physical address. */
  readonly block: number;
}
