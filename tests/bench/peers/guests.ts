/** Every guest that the peers run beside us. */
import type { PeerGuest } from "./guest.ts";
import { ppcGuests } from "./ppc_guests.ts";
import { SYSTEMS } from "./systems.ts";
import { x86Guests } from "./x86_guests.ts";

export const PEER_GUESTS: readonly PeerGuest[] = [
  ...x86Guests(SYSTEMS["x86-32"]),
  ...x86Guests(SYSTEMS["x86-32 paging"]),
  ...x86Guests(SYSTEMS["x86-64"]),
  ...ppcGuests(SYSTEMS.ppc32),
  ...ppcGuests(SYSTEMS.ppc64),
  ...ppcGuests(SYSTEMS.ppc64le),
];
