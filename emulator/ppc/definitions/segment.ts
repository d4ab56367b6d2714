/** Segment registers and translation lookaside buffers of 32-bit processors (Programming Environments Manual 8.2). */
import type { Ops, Value } from "../../ir/ops.ts";
import { type Definition, ppc } from "../definition.ts";
import type { Register } from "../operands.ts";

/** (RB)0:3: the segment that an effective address lies in. */
function segmentOf<V extends Value>(b: Ops<V>, RB: Register<V>): V {
  return b.shr(RB.word(b), b.constant(32, 28));
}

/** Move From Segment Register. RT <- SR(n). Privileged. */
export const mfsr = ppc("mfsr", {
  pattern: "X-form: 31 RT /1 SR /5 595 /1",
  syntax: "RT, SR",
  only: 32,
  cycleClass: "spr",
  semantics(b, { RT, SR }) {
    RT.write(b, b.trunc(b.trap("mfsr", [SR.word(b)], 64), 32));
  },
  examples: ["7c6504a6 | mfsr r3, 5 | result=20000007 => r3=20000007 trap.mfsr=5"],
});

/** Move From Segment Register Indirect. RT <- SR((RB)0:3). Privileged. */
export const mfsrin = ppc("mfsrin", {
  pattern: "X-form: 31 RT /5 RB 659 /1",
  syntax: "RT, RB",
  only: 32,
  cycleClass: "spr",
  semantics(b, { RT, RB }) {
    RT.write(b, b.trunc(b.trap("mfsr", [segmentOf(b, RB)], 64), 32));
  },
  examples: ["7c602526 | mfsrin r3, r4 | r4=c0000000 result=7 => r3=7 trap.mfsr=c"],
});

/** Move To Segment Register. SR(n) <- (RS). Privileged. */
export const mtsr = ppc("mtsr", {
  pattern: "X-form: 31 RS /1 SR /5 210 /1",
  syntax: "SR, RS",
  only: 32,
  cycleClass: "spr",
  semantics(b, { RS, SR }) {
    b.trap("mtsr", [SR.word(b), b.zext(RS.read(b), 64)]);
  },
  examples: ["7c6501a4 | mtsr 5, r3 | r3=20000007 => trap=mtsr(5,20000007)"],
});

/** Move To Segment Register Indirect. SR((RB)0:3) <- (RS). Privileged. */
export const mtsrin = ppc("mtsrin", {
  pattern: "X-form: 31 RS /5 RB 242 /1",
  syntax: "RS, RB",
  only: 32,
  cycleClass: "spr",
  semantics(b, { RS, RB }) {
    b.trap("mtsr", [segmentOf(b, RB), b.zext(RS.read(b), 64)]);
  },
  examples: ["7c6021e4 | mtsrin r3, r4 | r3=20000007 r4=f0000000 => trap=mtsr(f,20000007)"],
});

/** TLB Invalidate Entry. Privileged. */
export const tlbie = ppc("tlbie", {
  pattern: "X-form: 31 /5 /5 RB 306 /1",
  syntax: "RB",
  operands: [],
  only: 32,
  cycleClass: "sync",
  semantics(b) {
    b.trap("tlbie", []);
  },
  examples: ["7c001a64 | tlbie r3 | => trap.tlbie=0"],
});

/** TLB Synchronize. Privileged. */
export const tlbsync = ppc("tlbsync", {
  pattern: "X-form: 31 /5 /5 /5 566 /1",
  syntax: "",
  only: 32,
  cycleClass: "sync",
  semantics(b) {
    b.trap("tlbie", []);
  },
  examples: ["7c00046c | tlbsync | => trap.tlbie=0"],
});

export const SEGMENT: readonly Definition[] = [mfsr, mfsrin, mtsr, mtsrin, tlbie, tlbsync];
