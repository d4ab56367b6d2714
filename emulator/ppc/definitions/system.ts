/** System call, traps, special-purpose registers and barriers (Power ISA 2.07B Books I to III-S). */
import type { Ops, Value } from "../../ir/ops.ts";
import { type Definition, type FieldReader, ppc } from "../definition.ts";
import type { Immediate, Operands, Register } from "../operands.ts";
import { SLOT } from "../state.ts";

/** SPRs that are plain state (Book I 3.3.17) or the timebase (Book II 6.2.1), as kinds of forms. */
const PLAIN_SPRS: Readonly<Record<number, string>> = { 1: "xer", 8: "lr", 9: "ctr" };
const READ_ONLY: Readonly<Record<number, string>> = { 268: "timebase", 269: "timebase" };

function readXer<V extends Value>(b: Ops<V>): V {
  const part = (slot: number, at: number) => b.shl(b.read(slot, 32), b.constant(32, at));
  const flags = b.or(part(SLOT.so, 31), b.or(part(SLOT.ov, 30), part(SLOT.ca, 29)));
  return b.or(flags, b.read(SLOT.xerCount, 32));
}

function writeXer<V extends Value>(b: Ops<V>, word: V): void {
  const bits = (at: number, mask: number) => b.and(b.shr(word, b.constant(32, at)), b.constant(32, mask));
  b.write(SLOT.so, bits(31, 1));
  b.write(SLOT.ov, bits(30, 1));
  b.write(SLOT.ca, bits(29, 1));
  b.write(SLOT.xerCount, bits(0, 0x7f));
}

/** Move From Special Purpose Register. RT <- SPR(n), n = spr5:9 || spr0:4. Book I 3.3.17. */
export const mfspr = ppc("mfspr", {
  pattern: "XFX-form: 31 RT spr 339 /1",
  syntax: "RT, spr",
  aliases: [
    ...[
      "mfxer RT | spr=1",
      "mflr RT | spr=8",
      "mfctr RT | spr=9",
      "mfdsisr RT | spr=18",
      "mfdar RT | spr=19",
    ],
    ...["mfdec RT | spr=22", "mfsrr0 RT | spr=26", "mfsrr1 RT | spr=27", "mfpvr RT | spr=287"],
    ...[0, 1, 2, 3].map((n) => `mfsprg${n} RT | spr=${272 + n}`),
  ],
  kinds: {
    names: () => ["xer", "lr", "ctr", "timebase", "other"],
    of: (field) => PLAIN_SPRS[field("spr")] ?? READ_ONLY[field("spr")] ?? "other",
  },
  cycleClass: "spr",
  semantics(b, { RT, spr }, { kind, mode }) {
    if (kind === "xer") RT.write(b, readXer(b));
    else if (kind === "lr") RT.write(b, b.read(SLOT.lr, mode));
    else if (kind === "ctr") RT.write(b, b.read(SLOT.ctr, mode));
    else RT.write(b, b.trunc(b.trap(kind === "timebase" ? "mftb" : "mfspr", [spr.word(b)], 64), mode));
  },
  examples: [
    "7c6802a6 | mflr r3 | lr=1234 => r3=1234",
    "7c6902a6 | mfctr r3 | ctr=1234 => r3=1234",
    "7c6102a6 | mfxer r3 | so=1 ca=1 => r3=a0000000",
    "7c7602a6 | mfdec r3 | result=12 => r3=12 trap.mfspr=16",
    "7c6c42a6 | mfspr r3, 0x10c | result=55 => r3=55 trap.mftb=10c",
  ],
});

/** Move To Special Purpose Register. SPR(n) <- (RS). Book I 3.3.17. */
export const mtspr = ppc("mtspr", {
  pattern: "XFX-form: 31 RS spr 467 /1",
  syntax: "spr, RS",
  aliases: [
    ...[
      "mtxer RS | spr=1",
      "mtlr RS | spr=8",
      "mtctr RS | spr=9",
      "mtdsisr RS | spr=18",
      "mtdar RS | spr=19",
    ],
    ...["mtdec RS | spr=22", "mtsrr0 RS | spr=26", "mtsrr1 RS | spr=27"],
    ...[0, 1, 2, 3].map((n) => `mtsprg${n} RS | spr=${272 + n}`),
  ],
  kinds: {
    names: () => ["xer", "lr", "ctr", "other"],
    of: (field) => PLAIN_SPRS[field("spr")] ?? "other",
  },
  cycleClass: "spr",
  semantics(b, { RS, spr }, { kind }) {
    if (kind === "xer") writeXer(b, RS.word(b));
    else if (kind === "lr") b.write(SLOT.lr, RS.read(b));
    else if (kind === "ctr") b.write(SLOT.ctr, RS.read(b));
    else b.trap("mtspr", [spr.word(b), RS.read(b)]);
  },
  examples: [
    "7c6803a6 | mtlr r3 | r3=1234 => lr=1234",
    "7c6903a6 | mtctr r3 | r3=1234 => ctr=1234",
    "7c6103a6 | mtxer r3 | r3=c0000005 => so=1 ov=1 ca=0 xer=c0000005",
    "7c7603a6 | mtdec r3 | r3=12 => trap.mtspr=16",
  ],
});

/**
 * Move From Time Base. RT <- TB (TBR 268) or 0 || TB0:31 (TBR 269). Book II 6.2.1. Mode 32 keeps the low half.
 */
export const mftb = ppc("mftb", {
  pattern: "XFX-form: 31 RT tbr 371 /1",
  syntax: "RT, tbr",
  aliases: ["mftb RT | tbr=268", "mftbu RT | tbr=269"],
  invalid: (field) =>
    [268, 269].includes(field("tbr")) ? undefined : `TBR ${field("tbr")} is none of 268, 269`,
  kinds: { names: () => ["lower", "upper"], of: (field) => field("tbr") === 268 ? "lower" : "upper" },
  cycleClass: "spr",
  semantics(b, { RT }, { kind, mode }) {
    const tbr = b.constant(32, kind === "lower" ? 268 : 269);
    RT.write(b, b.trunc(b.trap("mftb", [tbr], 64), mode));
  },
  examples: [
    "7c6c42e6 | mftb r3 | result=55 => r3=55 trap.mftb=10c",
    "7c6d42e6 | mftbu r3 | result=5 => r3=5 trap.mftb=10d",
  ],
});

/** Move From Machine State Register. RT <- MSR. Privileged. Book III-S 4.4.4. */
export const mfmsr = ppc("mfmsr", {
  pattern: "X-form: 31 RT /5 /5 83 /1",
  syntax: "RT",
  cycleClass: "spr",
  semantics(b, { RT }, { mode }) {
    RT.write(b, b.trunc(b.trap("mfmsr", [], 64), mode));
  },
  examples: ["7c6000a6 | mfmsr r3 | result=9032 => r3=9032 trap.mfmsr=0"],
});

/** MSR[EE] and MSR[RI]: all that L=1 changes. */
const EE_RI = 0x8002n;

/** MSR <- (RS) where `mask` has ones: the trap's arguments are the value and the mask. */
function moveToMsr(mask: bigint) {
  return <V extends Value>(b: Ops<V>, { RS }: Operands<V>, { kind }: { kind: string }): void =>
    b.trap("mtmsr", [b.zext(RS.read(b), 64), b.constant(64, kind === "L=1" ? EE_RI : mask)]);
}

const BY_L = { names: () => ["", "L=1"], of: (field: FieldReader) => field("L15") ? "L=1" : "" };

/** Move To Machine State Register. L=0: MSR32:63 <- (RS)32:63; L=1: EE and RI only. Book III-S 4.4.4. */
export const mtmsr = ppc("mtmsr", {
  pattern: "X-form: 31 RS /4 L15 /5 146 /1",
  syntax: "RS, L15",
  aliases: ["mtmsr RS | L15=0"],
  kinds: BY_L,
  cycleClass: "spr",
  endsBlock: true,
  semantics: moveToMsr(0xffff_ffffn),
  examples: [
    "7c600124 | mtmsr r3 | r3=9032 => trap.mtmsr=9032",
    "7c610124 | mtmsr r3, 1 | r3=8002 => trap.mtmsr=8002",
  ],
});

/** Move To Machine State Register Doubleword. L=0: MSR <- (RS); L=1: EE and RI only. Book III-S 4.4.4. */
export const mtmsrd = ppc("mtmsrd", {
  pattern: "X-form: 31 RS /4 L15 /5 178 /1",
  syntax: "RS, L15",
  aliases: ["mtmsrd RS | L15=0"],
  kinds: BY_L,
  only: 64,
  cycleClass: "spr",
  endsBlock: true,
  semantics: moveToMsr((1n << 64n) - 1n),
  examples: ["7c600164 | mtmsrd r3 | r3=8000000000009032 => trap.mtmsr=8000000000009032"],
});

/** System Call. Interrupt 0xc00, or a hypercall by LEV=1. Book I 2.6, Book III-S 3.3.1. */
export const sc = ppc("sc", {
  pattern: "SC-form: 17 /5 /5 /4 LEV /3 1:1 /1",
  syntax: "LEV",
  aliases: ["sc | LEV=0"],
  cycleClass: "trap",
  endsBlock: true,
  invalid: (field) => field("LEV") > 1 ? `LEV=${field("LEV")} is reserved; 0 and 1 are defined` : undefined,
  semantics(b, { LEV }) {
    b.trap("sc", [LEV.word(b)]);
  },
  examples: ["44000002 | sc | => trap.sc=0", "44000022 | sc 1 | => trap.sc=1"],
});

/** Return From Interrupt, 32-bit implementations: MSR <- SRR1, NIA <- SRR0. */
export const rfi = ppc("rfi", {
  pattern: "XL-form: 19 /5 /5 /5 50 /1",
  syntax: "",
  only: 32,
  cycleClass: "trap",
  endsBlock: true,
  semantics(b) {
    b.trap("rfi", []);
  },
  examples: ["4c000064 | rfi | => trap.rfi=0"],
});

/** Return From Interrupt Doubleword. MSR <- SRR1, NIA <- SRR0. Book III-S 3.3.1. */
export const rfid = ppc("rfid", {
  pattern: "XL-form: 19 /5 /5 /5 18 /1",
  syntax: "",
  only: 64,
  cycleClass: "trap",
  endsBlock: true,
  semantics(b) {
    b.trap("rfi", []);
  },
  examples: ["4c000024 | rfid | => trap.rfi=0"],
});

/** The five comparisons of a trap, as the bits of TO that ask for them (Book I 3.3.11). */
function trapIf<V extends Value>(b: Ops<V>, TO: Immediate<V>, x: V, y: V): void {
  const bit = (holds: V, value: number) => b.select(holds, b.constant(32, value), b.constant(32, 0));
  const signed = b.or(bit(b.lts(x, y), 16), bit(b.lts(y, x), 8));
  const unsigned = b.or(bit(b.ltu(x, y), 2), bit(b.ltu(y, x), 1));
  const found = b.or(b.or(signed, unsigned), bit(b.eq(x, y), 4));
  const asked = TO.word(b);
  b.when(b.ne(b.and(found, asked), b.constant(32, 0)), () => b.trap("trap", [asked]));
}

/** Trap conditions by name: TO and the mnemonic's suffix (Book I appendix E.6). */
const TRAPS = { lt: 16, le: 20, eq: 4, ge: 12, gt: 8, ne: 24, llt: 2, lle: 6, lge: 5, lgt: 1, u: 31 };
/** Synonyms, which are only accepted. */
const TRAP_SYNONYMS = { lnl: 5, lng: 6, nl: 12, ng: 20 };
const trapAliases = (names: Readonly<Record<string, number>>, around: string, operands: string) =>
  Object.entries(names).map(([name, to]) => `${around.replace("*", name)} ${operands} | TO=${to}`);

function words<V extends Value>(b: Ops<V>, x: Register<V>, y: Register<V> | Immediate<V>): [V, V] {
  return [x.word(b), y.word(b)];
}

/** Trap Word. Program interrupt if (RA)32:63 and (RB)32:63 compare as TO asks. */
export const tw = ppc("tw", {
  pattern: "X-form: 31 TO RA RB 4 /1",
  syntax: "TO, RA, RB",
  aliases: ["trap | TO=31 RA=0 RB=0", ...trapAliases(TRAPS, "tw*", "RA, RB")],
  accepts: trapAliases(TRAP_SYNONYMS, "tw*", "RA, RB"),
  cycleClass: "alu",
  semantics(b, { TO, RA, RB }) {
    trapIf(b, TO, ...words(b, RA, RB));
  },
  examples: [
    "7e032008 | twlt r3, r4 | r3=ffffffff r4=1 => trap.trap=10",
    "7d032008 | twgt r3, r4 | r3=ffffffff r4=1 => pc=1004",
    "7fe00008 | trap | => trap.trap=1f",
  ],
});

/** Trap Word Immediate. As tw with EXTS(SI). */
export const twi = ppc("twi", {
  pattern: "D-form: 3 TO RA SI",
  syntax: "TO, RA, SI",
  aliases: trapAliases(TRAPS, "tw*i", "RA, SI"),
  accepts: trapAliases(TRAP_SYNONYMS, "tw*i", "RA, SI"),
  cycleClass: "alu",
  semantics(b, { TO, RA, SI }) {
    trapIf(b, TO, ...words(b, RA, SI));
  },
  examples: [
    "0c83ffff | tweqi r3, -1 | r3=ffffffff => trap.trap=4",
    "0c230005 | twlgti r3, 5 | r3=6 => trap.trap=1",
  ],
});

/** Trap Doubleword. As tw with all 64 bits. */
export const td = ppc("td", {
  pattern: "X-form: 31 TO RA RB 68 /1",
  syntax: "TO, RA, RB",
  aliases: trapAliases(TRAPS, "td*", "RA, RB"),
  accepts: trapAliases(TRAP_SYNONYMS, "td*", "RA, RB"),
  only: 64,
  cycleClass: "alu",
  semantics(b, { TO, RA, RB }) {
    trapIf(b, TO, RA.read(b), RB.read(b));
  },
  examples: ["7c432088 | tdllt r3, r4 | r3=1 r4=100000000 => trap.trap=2"],
});

/** Trap Doubleword Immediate. As td with EXTS(SI). */
export const tdi = ppc("tdi", {
  pattern: "D-form: 2 TO RA SI",
  syntax: "TO, RA, SI",
  aliases: trapAliases(TRAPS, "td*i", "RA, SI"),
  accepts: trapAliases(TRAP_SYNONYMS, "td*i", "RA, SI"),
  only: 64,
  cycleClass: "alu",
  semantics(b, { TO, RA, SI }) {
    trapIf(b, TO, RA.read(b), SI.read(b));
  },
  examples: [
    "0883ffff | tdeqi r3, -1 | r3=ffffffff => pc=1004",
    "0883ffff | tdeqi r3, -1 | r3=ffffffffffffffff => trap=trap(4)",
  ],
});

/** Synchronize (L=0), lwsync (L=1), ptesync (L=2). Nothing to order: accesses happen as they are made. */
export const sync = ppc("sync", {
  pattern: "X-form: 31 /3 L2 /5 /5 598 /1",
  syntax: "L2",
  aliases: ["sync | L2=0", "lwsync | L2=1", "ptesync | L2=2"],
  accepts: ["hwsync | L2=0", "msync | L2=0"],
  invalid: (field, mode) => {
    if (field("L2") === 3) return "L=3 is reserved";
    return field("L2") && mode === 32 ? `L=${field("L2")} needs mode 64` : undefined;
  },
  cycleClass: "sync",
  semantics() {},
  examples: ["7c0004ac | sync |", "7c2004ac | lwsync | | 64"],
});

/** Enforce In-order Execution of I/O. Nothing to order. */
export const eieio = ppc("eieio", {
  pattern: "X-form: 31 /5 /5 /5 854 /1",
  syntax: "",
  cycleClass: "sync",
  semantics() {},
  examples: ["7c0006ac | eieio |"],
});

/** Instruction Synchronize: what follows is fetched anew, so the block ends. */
export const isync = ppc("isync", {
  pattern: "XL-form: 19 /5 /5 /5 150 /1",
  syntax: "",
  cycleClass: "sync",
  endsBlock: true,
  semantics() {},
  examples: ["4c00012c | isync |"],
});

export const SYSTEM: readonly Definition[] = [
  ...[mfspr, mtspr, mftb, mfmsr, mtmsr, mtmsrd, sc, rfi, rfid, tw, twi, td, tdi, sync, eieio, isync],
];
