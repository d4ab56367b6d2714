/** The benchmark's x86 programs and exit loops, as guests of all x86 systems. */
import { AT, type ExitKind, EXITS, SIZE } from "../guests/guest.ts";
import { coldResult, divideResult, stringsResult } from "../guests/results.ts";
import { widen } from "../guests/widths.ts";
import { x86ExitLoops, x86Workloads } from "../guests/x86.ts";
import { ROUNDS } from "../guests/x86_further.ts";
import { commonResults } from "./common_results.ts";
import type { PeerGuest } from "./guest.ts";
import { type PeerSystem, VIRTIO } from "./systems.ts";

/** Adds up the copy, turning the sum with each byte, and clears it for the next pass. */
const COPY_TALLY = `
        mov $$si, ${AT.target}
        mov $$cx, ${SIZE.copy}
        xor $$ax, $$ax
tally:  movzx edx, byte ptr [$si]
        mov byte ptr [$si], 0
        rol eax, 1
        add eax, edx
        inc $si
        dec $$cx
        jnz tally`;

function results(bits: 32 | 64): Readonly<Record<string, bigint>> {
  return {
    ...commonResults(bits, ROUNDS.dispatch),
    strings: stringsResult(ROUNDS.strings),
    divide: divideResult(bits),
    cold: coldResult(ROUNDS.cold),
  };
}

function computing(system: PeerSystem): PeerGuest[] {
  const { bits } = system;
  const expected = results(bits);
  return x86Workloads(bits).map(({ name, source }) => ({
    name,
    system,
    program: source,
    tally: name === "copy" ? widen(COPY_TALLY, bits) : "",
    result: expected[name],
  }));
}

/** More pages than a translation cache of a processor holds, and of ours; 64 bytes apart within their pages. */
const PAGES = { from: 0x80_0000, count: 4032, step: 0x1040 } as const;

/** A word for each page, and their sum. */
function pages(system: PeerSystem): PeerGuest {
  const walk = (label: string, body: string) => `
        mov edi, ${PAGES.from}
        mov ecx, ${PAGES.count}
${label}: ${body}
        add edi, ${PAGES.step}
        dec ecx
        jnz ${label}`;
  return {
    name: "pages",
    system,
    program: widen(
      `${walk("store", "mov [$di], ecx")}\n xor eax, eax\n${walk("load", "add eax, [$di]")}`,
      system.bits,
    ),
    tally: "",
    result: BigInt(PAGES.count * (PAGES.count + 1) / 2),
  };
}

/** The loops end with their counter at 0; what loads were answered is in a register of its own. */
const LEAVING: Readonly<Record<ExitKind, { tally: string; result: bigint }>> = {
  "out": { tally: "mov eax, eax", result: 0n },
  "in": { tally: "mov eax, ebx", result: BigInt(EXITS) },
  "mmio store": { tally: "mov eax, eax", result: 0n },
  "mmio load": { tally: "mov eax, edx", result: BigInt(EXITS) },
  "hypercall": { tally: "mov eax, ecx", result: 0n },
};

function leaving(system: PeerSystem): PeerGuest[] {
  const { bits, port = 0, window = 0 } = system;
  // Loads are answered with 1, by a handler or with what was stored last.
  const setUp = widen(
    `mov edx, ${port}\n mov eax, 1\n out dx, eax\n mov edi, ${window}\n mov [$di], eax`,
    bits,
  );
  return x86ExitLoops(bits, { window, port }).map(({ name, source }) => ({
    name,
    system,
    setUp,
    program: source,
    ...LEAVING[name],
    exits: name,
  }));
}

/**
 * A virtio device's doorbell by port. The device has no ring yet, so that nothing but the notification is paid; that it
 * is there its queue's size tells.
 */
function doorbell(system: PeerSystem): PeerGuest[] {
  const { port, virtio } = system;
  if (port === undefined || virtio === undefined) return [];
  const configure = (register: number, store: string) => `
        mov edx, ${port}
        mov eax, ${(0x8000_0000 | VIRTIO.slot << 11 | register) >>> 0}
        out dx, eax
        mov edx, ${port + 4}
        ${store}`;
  return [{
    name: "doorbell",
    system,
    // PCI 2.1, 6.2.5.1 and 6.2.2: the first base address, then the command register's I/O space.
    setUp: `
        ${configure(0x10, `mov eax, ${VIRTIO.base}\n out dx, eax`)}
        ${configure(4, "mov eax, 1\n out dx, ax")}
        mov edx, ${virtio.queueSize}
        in ax, dx
        movzx esi, ax`,
    program: `
        mov edx, ${virtio.notify}
        mov ecx, ${EXITS}
        xor eax, eax
hot:    out dx, ax
        dec ecx
        jnz hot
hot_end:`,
    tally: "lea eax, [esi + ecx]",
    result: BigInt(VIRTIO.entries),
    exits: "doorbell",
  }];
}

export function x86Guests(system: PeerSystem): PeerGuest[] {
  return [
    ...computing(system),
    ...system.name === "x86-32" ? [] : [pages(system)],
    ...system.name === "x86-32 paging" ? [] : [...leaving(system), ...doorbell(system)],
  ];
}
