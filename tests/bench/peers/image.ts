/** A guest as every machine loads it, trapsh and its peers: the same bytes. */
import type { PeerGuest } from "./guest.ts";
import { ppcImage } from "./ppc_image.ts";
import { x86Image } from "./x86_image.ts";

export interface PeerImage {
  /** What a peer is given: an ELF on x86, what a board's ROM holds on PowerPC. */
  readonly file: Uint8Array;
  /** The part of it that our own machine is given, and where. */
  readonly bytes: Uint8Array;
  readonly at: bigint;
  /** Where ours starts. */
  readonly entry: bigint;
  /** Where a pass starts. */
  readonly pass: bigint;
}

export function peerImage(guest: PeerGuest): PeerImage {
  return guest.system.options.arch === "x86" ? x86Image(guest) : ppcImage(guest);
}
