/**
 * A PowerPC guest as every machine here loads it. What a peer is given is a ROM, entered at 0x100 in real mode and
 * big-endian: its stub brings the guest to where ours is loaded, and into the guest's byte order.
 */
import { createVm } from "../../../mod.ts";
import { AT, SIZE } from "../guests/guest.ts";
import { load } from "../guests/ppc.ts";
import { type PeerGuest, REPEAT } from "./guest.ts";
import type { PeerImage } from "./image.ts";
import type { Place, SystemName } from "./systems.ts";

const GUEST_AT = 0x10_0000;

/** The PReP board's ROM: as long as that, mapped below 4 GiB. */
const ROM = { at: 0xfff0_0000, size: 0x10_0000, guest: 0x1000 } as const;

/** The bytes as they leave the most significant one first; may use r8 and above. */
const TELL: Readonly<Record<Place["by"], (at: number) => string>> = {
  port: () => {
    throw new RangeError("PowerPC has no port I/O");
  },
  mmio: (at) => `
        ${load("r8", at)}
        li r9, 4
        mtctr r9
tell:   rotlwi r3, r3, 8
        stb r3, 0(r8)
        bdnz tell`,
  // H_PUT_TERM_CHAR (PAPR 14.15.4.2): terminal 0, eight bytes, first the highest of r6.
  hypercall: (at) => `
        mr r6, r3
        li r3, ${at}
        li r4, 0
        li r5, 8
        li r7, 0
        sc 1`,
};

/** Input as \`sampleBytes()\` makes it, then passes for ever: the program, its result, the result told. */
function guestSource({ system, setUp = "", program, tally }: PeerGuest): string {
  return `
guest:  ${load("r4", AT.source)}
        ${load("r6", SIZE.copy)}
        mtctr r6
        li r5, 0
input:  mulli r7, r5, 73
        srwi r8, r5, 8
        mulli r8, r8, 5
        add r7, r7, r8
        stb r7, 0(r4)
        addi r4, r4, 1
        addi r5, r5, 1
        bdnz input
${setUp}
pass:   li r31, ${REPEAT}
repeat:
${program}
end:    addi r31, r31, -1
        cmpwi r31, 0
        bne repeat
${tally}
${TELL[system.console.by](system.console.at)}
        b pass`;
}

interface Rom {
  readonly size: (guest: number) => number;
  /** Where the guest stands in it. */
  readonly guest: number;
  readonly stub: (guestBytes: number) => string;
}

/** The image is RAM from 0 on. */
const PSERIES_ROM = { size: (guest: number) => GUEST_AT + guest, guest: GUEST_AT } as const;

/** MSR's bits. */
const SF = 63, LE = 1;

const ROMS: Readonly<Partial<Record<SystemName, Rom>>> = {
  "ppc32": {
    size: () => ROM.size,
    guest: ROM.guest,
    stub: (bytes) => `
        ${load("r4", ROM.at + ROM.guest - 4)}
        ${load("r5", GUEST_AT - 4)}
        ${load("r6", bytes + 3 >> 2)}
        mtctr r6
move:   lwzu r7, 4(r4)
        stwu r7, 4(r5)
        bdnz move
        ${load("r5", GUEST_AT)}
        mtctr r5
        bctr`,
  },
  "ppc64": { ...PSERIES_ROM, stub: () => `b ${GUEST_AT}` },
  "ppc64le": {
    ...PSERIES_ROM,
    stub: () => `
        ${load("r4", GUEST_AT)}
        mtsrr0 r4
        li r4, 1
        sldi r4, r4, ${SF}
        ori r4, r4, ${LE}
        mtsrr1 r4
        rfid`,
  },
};

export function ppcImage(guest: PeerGuest): PeerImage {
  const { name, options } = guest.system;
  const rom = ROMS[name];
  if (rom === undefined) throw new RangeError(`${name} is no PowerPC`);
  const machine = (order: "le" | "be") => createVm({ ...options, order, memory: 0x1000 });
  const at = BigInt(GUEST_AT);
  const { bytes, symbols } = machine(options.order ?? "be").assemble(guestSource(guest), at);
  const stub = machine("be").assemble(rom.stub(bytes.length), 0x100n);
  const file = new Uint8Array(rom.size(bytes.length));
  file.set(stub.bytes, 0x100);
  file.set(bytes, rom.guest);
  return { file, bytes, at, entry: symbols.get("guest")!, pass: symbols.get("pass")! };
}
