/** How an address of a 32-bit PowerPC comes to memory, in words. Programming Environments Manual, chapter 7. */
import { MSR, segment, SLOT } from "../../ppc/state.ts";
import {
  bitNames,
  type PageMapping,
  type PageWalk,
  type WalkQuestion,
  type WalkStep,
} from "../debug/page_walk.ts";
import { REACH } from "../processor.ts";
import type { Vcpu } from "../vcpu.ts";
import { blockOf, pairOf, PAIRS } from "./bats.ts";
import { groupsOf, pageOf, tableEntries } from "./hashed_pages_32.ts";

const PAGE = 4096;
const SEGMENT_BITS = [[0x8000_0000n, "T"], [0x4000_0000n, "Ks"], [0x2000_0000n, "Kp"], [
  0x1000_0000n,
  "N",
]] as const;
const ENTRY_BITS = [[0x100n, "R"], [0x80n, "C"], [0x40n, "W"], [0x20n, "I"], [0x10n, "M"], [
  0x08n,
  "G",
]] as const;
const WHY = {
  noPage: "no entry of either group is for this page",
  protected: "its key and PP bits do not allow it",
  noFetch: "code cannot be fetched from there (N, G or T)",
} as const;
const INTERRUPT = {
  load: "data storage interrupt (0x300)",
  fetch: "instruction storage interrupt (0x400)",
} as const;

const hex = (value: number) => `0x${(value >>> 0).toString(16)}`;

/** The walk of an address, without an effect. */
export function explain32(vcpu: Vcpu, address: bigint, { reach = "load", user }: WalkQuestion): PageWalk {
  const { state } = vcpu, msr = state.get64(SLOT.msr), low = Number(address) >>> 0;
  const problem = user ?? (msr & MSR.PR) !== 0n, asked = { address, reach, user: problem };
  const fetches = reach === "fetch", on = (msr & (fetches ? MSR.IR : MSR.DR)) !== 0n;
  const bit = fetches ? "MSR[IR]" : "MSR[DR]";
  if (!on) {
    return { ...asked, mode: `no translation (${bit} = 0)`, steps: [], physical: address };
  }
  const mode = `translation by blocks, then segments and pages (${bit} = 1)`, steps: WalkStep[] = [];
  const interrupt = fetches ? INTERRUPT.fetch : INTERRUPT.load;
  const block = blockOf(state, low, REACH[reach], problem);
  if (block) {
    const kind = fetches ? "i" : "d", { upper, lower } = pairOf(state, kind, block.pair);
    const value = BigInt(upper >>> 0) << 32n | BigInt(lower >>> 0),
      rights = ["nothing", "reading", "everything", "reading"];
    steps.push({
      name: `${kind}bat${block.pair}`,
      value,
      says: `${block.size / 1024} KiB to ${hex(block.physical - (low & block.size - 1))}, allows ${
        rights[lower & 3]
      }`,
    });
    if (!block.readable || reach === "store" && !block.writable) {
      return { ...asked, mode, steps, fault: `${interrupt}: its PP bits do not allow it` };
    }
    return { ...asked, mode, steps, physical: BigInt(block.physical), size: block.size };
  }
  const register = state.get32(segment(low >>> 28)), vsid = register & 0xff_ffff;
  steps.push({ name: "bats", says: "none holds it" });
  steps.push({
    name: `sr${low >>> 28}`,
    value: BigInt(register >>> 0),
    says: `VSID ${hex(vsid)}, ${bitNames(BigInt(register >>> 0), SEGMENT_BITS)}`,
  });
  const page = pageOf(vcpu, low, REACH[reach], problem, false);
  if ("missing" in page) return { ...asked, mode, steps, fault: `not there: ${page.missing}` };
  const groups = groupsOf(state.get32(SLOT.sdr1), vsid, low);
  if (page.at === undefined || page.second === undefined) {
    groups.forEach((group, i) =>
      steps.push({ name: i === 0 ? "primary PTEG" : "secondary PTEG", at: BigInt(group), says: "64 bytes" })
    );
  } else {
    const which = page.at - groups[0] < 64 && page.at >= groups[0] ? "primary" : "secondary";
    steps.push({
      name: `PTE of the ${which} PTEG`,
      at: BigInt(page.at),
      value: BigInt(page.second >>> 0),
      says: `page ${hex(page.second & 0xffff_f000)}, PP ${page.second & 3}, ${
        bitNames(BigInt(page.second >>> 0), ENTRY_BITS)
      }`,
    });
  }
  if ("why" in page) return { ...asked, mode, steps, fault: `${interrupt}: ${WHY[page.why]}` };
  return { ...asked, mode, steps, physical: BigInt(page.physical), size: PAGE };
}

/** Blocks by their registers, then pages in the table's order. */
export function* mappings32(vcpu: Vcpu): Generator<PageMapping> {
  const { state } = vcpu;
  for (const kind of ["d", "i"] as const) {
    for (let pair = 0; pair < PAIRS; pair++) {
      const { upper, lower } = pairOf(state, kind, pair);
      if ((upper & 3) === 0 || (lower & 3) === 0) continue;
      const inBlock = (upper >>> 2 & 0x7ff) << 17 | 0x1_ffff;
      yield {
        address: BigInt((upper & 0xfffe_0000 & ~inBlock) >>> 0),
        physical: BigInt((lower & 0xfffe_0000 & ~inBlock) >>> 0),
        size: inBlock + 1,
        user: (upper & 1) !== 0,
        writable: kind === "d" && (lower & 3) === 2,
        executable: kind === "i",
        via: `${kind}bat${pair}`,
      };
    }
  }
  for (const { address, physical, second } of tableEntries(vcpu)) {
    const register = state.get32(segment(address >>> 28)), rights = second & 3;
    const key = (register & 0x2000_0000) !== 0, supervisor = (register & 0x4000_0000) !== 0;
    yield {
      ...{ address: BigInt(address), physical: BigInt(physical), size: PAGE },
      user: !key || rights !== 0,
      // For the supervisor.
      writable: supervisor ? rights === 2 : rights !== 3,
      executable: (register & 0x1000_0000) === 0 && (second & 8) === 0,
      accessed: (second & 0x100) !== 0,
      dirty: (second & 0x80) !== 0,
    };
  }
}
