/** The two sides of a ring, whatever its layout: what the driver and the device do to it. */

/** A request as the device's side finds it: a copy, which the guest cannot change any more. */
export interface RingRequest {
  /** What the driver sent. */
  readonly bytes: Uint8Array;
  /** Bytes that the reply may have. */
  readonly capacity: number;
}

/** A request that the device has answered. */
export interface RingAnswer {
  /** As `submit` gave it. */
  readonly id: number;
  /** What the device answered, at most the request's capacity. */
  readonly bytes: Uint8Array;
}

/**
 * The device's side. Every method throws `RingError` for what a sane driver does not do; nothing that is in guest
 * memory is trusted twice.
 */
export interface DeviceRing {
  /** Requests that fit into the ring: no more can wait at any time. */
  readonly entries: number;
  /** The oldest request that was not taken yet. */
  take(): RingRequest | undefined;
  /** Answers a request that was taken; what exceeds its capacity is an error of the device's: `RangeError`. */
  complete(request: RingRequest, reply: Uint8Array): void;
  /** Whether the driver wants to be interrupted for what was completed since this was asked last. */
  wantsInterrupt(): boolean;
  /**
   * Asks for kicks, or says that none are needed. Answers whether requests are waiting: those that came while kicks were
   * not wanted bring none.
   */
  wantKicks(on: boolean): boolean;
}

/** The driver's side. */
export interface DriverRing {
  /** Puts a request of one or more buffers into the ring, for a reply of `capacity` bytes; undefined if it is full. */
  submit(buffers: readonly Uint8Array[], capacity: number): number | undefined;
  /** Whether the device wants to be kicked for what was submitted since this was asked last. */
  wantsKick(): boolean;
  /** The next request that the device has answered. */
  collect(): RingAnswer | undefined;
  /** Asks for interrupts, or says that none are needed. Answers whether answers are waiting. */
  wantInterrupts(on: boolean): boolean;
}
