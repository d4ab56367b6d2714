/**
 * A 64-bit processor's interrupts in real mode, of a guest below a hypervisor. Left out, as QEMU 7.2 does not do what the
 * manual says: SPRs 0, 4, 5 and 6 (Book III-S 4.4.4: emulation assistance, an illegal instruction once KVM has handed it
 * back; QEMU: a privileged one).
 */
import { DATA, enter, LANDING, MSR_BITS, set, type SystemCase, withMsr } from "./system_guest.ts";

const { FP, FE0, SE, BE } = MSR_BITS;
const LE = 1;

export const SYSTEM_64 = {
  mode: 64,
  /** H_PUT_TERM_CHAR (PAPR 14.15.4.2): one byte, at the top of r6. */
  send: `mr r16, r4
    mr r17, r5
    mr r18, r6
    mr r19, r7
    sldi r6, r3, 56
    li r3, 0x58
    li r4, 0
    li r5, 1
    li r7, 0
    sc 1
    mr r4, r16
    mr r5, r17
    mr r6, r18
    mr r7, r19`,
  end: "stop: b stop",
  start: `li r29, 1
    sldi r29, r29, 63
    ori r29, r29, 0x1000
    b main`,
  setUp: "",
} as const;

const mfspr = (name: string, number: number, print?: "r5"): SystemCase => ({
  name: `mfspr ${name}`,
  code: `li r5, 7\nmfspr r5, ${number}`,
  print,
});
const mtspr = (name: string, number: number): SystemCase => ({
  name: `mtspr ${name}`,
  code: `li r5, 0\nmtspr ${number}, r5`,
});
/** A word as little-endian code has it. */
const swapped = (word: number) =>
  `.long 0x${
    [...Uint8Array.of(word, word >>> 8, word >>> 16, word >>> 24)]
      .map((byte) => byte.toString(16).padStart(2, "0")).join("")
  }`;

export const CASES_64: readonly SystemCase[] = [
  { name: "sc", code: "sc" },
  { name: "trap", code: "nop\ntrap" },
  { name: "tdi that holds", code: "li r5, -1\ntdeqi r5, -1" },
  { name: "word 0", code: ".long 0" },
  { name: "rfi of 32-bit processors", code: ".long 0x4c000064" },
  { name: "an unassigned extended opcode", code: ".long 0x7c0003fe" },
  mfspr("100, which is none", 100, "r5"),
  mfspr("55, which is none and privileged", 55, "r5"),
  mtspr("55, which is none and privileged", 55),
  mfspr("HDEC", 310),
  mtspr("HDEC", 310),
  mfspr("HSRR0", 314),
  mtspr("HSRR1", 315),
  mfspr("LPCR", 318),
  mfspr("SDR1", 25),
  { name: "SPRG3 for all to read", code: "li r5, 9\nmtsprg3 r5\nmfspr r6, 259", print: "r6" },
  { name: "floating point unavailable", code: "fadd f1, f2, f3" },
  { name: "stfd unavailable", code: `${set("r5", DATA)}\nstfd f1, 0(r5)` },
  {
    name: "an enabled exception",
    code: `${set("r5", DATA)}
      lis r6, 0x3ff0
      li r7, 0
      stw r6, 0(r5)
      stw r7, 4(r5)
      std r7, 8(r5)
      ${withMsr(FP | FE0)}
      lfd f2, 0(r5)
      lfd f3, 8(r5)
      mtfsb1 27
      fdiv f1, f2, f3`,
  },
  { name: "and quiet again", code: `${withMsr(FP)}\nmtfsfi 6, 0\nmtfsb0 5` },
  { name: "lwarx misaligned", code: `${set("r5", DATA + 2)}\nlwarx r6, 0, r5` },
  { name: "ldarx misaligned", code: `${set("r5", DATA + 4)}\nldarx r6, 0, r5` },
  { name: "lharx misaligned", code: `${set("r5", DATA + 1)}\nlharx r6, 0, r5` },
  { name: "mfmsr", code: "mfmsr r5", print: "r5" },
  {
    name: "mtmsrd cannot set HV, ME, LE",
    code: "li r5, -1\nsldi r5, r5, 63\nmtmsrd r5\nmfmsr r6",
    print: "r6",
  },
  { name: "mtmsrd cannot set LE", code: `ori r5, r29, ${LE | FP}\nmtmsrd r5\nmfmsr r6`, print: "r6" },
  {
    name: "mtmsrd L=1",
    code: `${set("r5", 0xa002)}\nmtmsrd r5, 1\nmfmsr r6\nli r5, 0\nmtmsrd r5, 1`,
    print: "r6",
  },
  { name: "mtmsr keeps SF", code: `${withMsr(FP)}\nmfmsr r6`, print: "r6" },
  {
    name: "rfid takes none of SRR1's own bits",
    code: `${enter(0x783f_0000, "there#")}\nmfmsr r6`,
    print: "r6",
  },
  {
    name: "rfid drops the address's low bits",
    code: `${enter(0, "there#").replace("mtsrr0 r4", "ori r4, r4, 3\nmtsrr0 r4")}\nsc`,
  },
  {
    name: "little-endian code",
    code: `${enter(LE, "there#")}\n${swapped(0x6000_0000)}\n${swapped(0x4400_0002)}`,
  },
  {
    name: "little-endian data",
    code: `${set("r5", DATA)}
      ${set("r6", 0x0102_0304)}
      stw r6, 0(r5)
      ${enter(LE, "there#")}
      ${swapped(0x80c5_0000)}
      ${swapped(0x4400_0002)}`,
    print: "r6",
  },
  { name: "a word of 0 in little-endian code", code: `${enter(LE, "there#")}\n.long 0` },
  { name: "a step", code: `${withMsr(SE)}\nnop` },
  { name: "a step over a branch", code: `${withMsr(SE)}\nb over#\nnop\nover#: nop` },
  { name: "no step after sc", code: `${enter(SE, "traced#")}\nsc` },
  { name: "a step after rfid", code: `${enter(SE, "traced#")}\naddi r5, r5, 1` },
  { name: "a branch", code: `${withMsr(BE)}\nnop\nli r6, 1\nb over#\nnop\nover#: nop` },
  { name: "a branch to a system call", code: `${set("r5", LANDING)}\nmtctr r5\n${withMsr(BE)}\nnop\nbctr` },
];
