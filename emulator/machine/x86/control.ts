/**
 * Control and debug registers. SDM vol. 3A, 2.5, and vol. 3B, 17.2. What would change the mode or translation stops with
 * UNIMPLEMENTED that names the bit; breakpoints are not there either. Other bits are kept.
 */
import type { Backend, TrapRule } from "../../engine/backend.ts";
import { STATUS, type Status } from "../../engine/host.ts";
import { CR, DR } from "../../x86/slots.ts";
import type { ArchTrap } from "../traps.ts";
import type { Vcpu } from "../vcpu.ts";
import { EXCEPTION, Fault, lacking } from "./fault.ts";
import { modeOf } from "./linear.ts";
import { guarded } from "./protected.ts";

const cr = (n: number) => CR + 8 * n;
const dr = (n: number) => DR + 8 * n;

/** CR0. */
const PE = 1n, TS = 8n, ET = 0x10n, NW = 1n << 29n, CD = 1n << 30n, PG = 1n << 31n;
/** PE MP EM TS ET NE WP AM NW CD PG: writes to other bits are ignored. */
const CR0_BITS = 0xe005_003fn;
/** What LMSW loads. */
const STATUS_WORD = 0xfn;
/** CR4: VME PVI TSD DE PSE PAE MCE PGE PCE OSFXSR OSXMMEXCPT. None of them changes what is there without paging at CPL 0. */
const CR4_BITS = 0x7ffn;
const DE = 8n, PAE = 0x20n;

const general = (why: string) => new Fault(EXCEPTION.GP, 0, why);

/** Whether a write leaves the guest: CR0 and CR4 may be the hypervisor's, CR2, CR3 and CR8 are the guest's own. */
function writeExits(vcpu: Vcpu, rule: TrapRule, backend: Backend, n: number, changed: bigint): void {
  if (rule.do !== "exit" || (n !== 0 && n !== 4)) return;
  // VT-x compares with the read shadow; KVM leaves the guest TS.
  if (backend.name === "vmx" && n === 0 && (changed & ~TS) === 0n) return;
  const own = backend.reasons.find(({ name }) => name === `CR${n}_WRITE`);
  vcpu.kernelExit(own ?? rule.reason, 0);
}

function writeControl(vcpu: Vcpu, n: number, value: bigint): void {
  const mode = modeOf(vcpu), old = vcpu.state.get64(cr(n));
  const rule = CONTROL[n];
  if (!rule) throw new Fault(EXCEPTION.UD, 0, `there is no CR${n}`);
  vcpu.state.set64(cr(n), rule(vcpu, value, old, mode));
}

/** Answers what is kept; `old` is what was. */
type Rule = (vcpu: Vcpu, value: bigint, old: bigint, mode: 16 | 32 | 64) => bigint;

const CONTROL: Readonly<Record<number, Rule | undefined>> = {
  0(vcpu, value, old, mode) {
    if (value >> 32n) throw general("bits of CR0 above 31 are reserved");
    if (value & PG && !(value & PE)) throw general("CR0.PG needs CR0.PE");
    if (value & NW && !(value & CD)) throw general("CR0.NW needs CR0.CD");
    if (mode === 64 && !(value & PG)) throw general("CR0.PG cannot be cleared in 64-bit mode");
    if ((value ^ old) & PE) throw lacking(vcpu, `a change of CR0.PE (protected mode) to ${value & PE}`);
    if ((value ^ old) & PG) throw lacking(vcpu, "CR0.PG (paging)");
    return value & CR0_BITS | ET;
  },
  2: (_vcpu, value) => value,
  3(vcpu, value, old, mode) {
    if (mode !== 64 || value === old) return value;
    if (value >> 52n) throw general("bits of CR3 above 51 are reserved");
    throw lacking(vcpu, "CR3 in 64-bit mode (page tables)");
  },
  4(_vcpu, value, _old, mode) {
    if (value & ~CR4_BITS) throw general("CR4 gets a bit of a feature that CPUID does not offer");
    if (mode === 64 && !(value & PAE)) throw general("CR4.PAE cannot be cleared in 64-bit mode");
    return value;
  },
  8(_vcpu, value) {
    if (value >> 4n) throw general("bits of CR8 above 3 are reserved");
    return value;
  },
};

const moveToControl: ArchTrap = (vcpu, rule, backend) => {
  const n = vcpu.argument(0), value = vcpu.argument64(1);
  writeExits(vcpu, rule, backend, n, value ^ vcpu.state.get64(cr(n)));
  writeControl(vcpu, n, value);
  return STATUS.proceed;
};

/** LMSW: the low four bits of CR0, of which PE can be set only. */
const loadStatusWord: ArchTrap = (vcpu, rule, backend) => {
  const old = vcpu.state.get64(cr(0)), loaded = BigInt(vcpu.argument(0)) & STATUS_WORD;
  const value = old & ~STATUS_WORD | loaded | old & PE;
  writeExits(vcpu, rule, backend, 0, value ^ old);
  writeControl(vcpu, 0, value);
  return STATUS.proceed;
};

function clearTaskSwitched(vcpu: Vcpu): Status {
  vcpu.state.set64(cr(0), vcpu.state.get64(cr(0)) & ~TS);
  return STATUS.proceed;
}

/** Bits of DR6 and DR7 that read as 1, and what can be set. SDM vol. 3B, figure 17-1. */
const DR6 = { ones: 0xffff_0ff0n, settable: 0xe00fn }, DR7 = { ones: 0x400n, settable: 0xffff_23ffn };
/** L0 G0 to L3 G3. */
const ENABLES = 0xffn;
const GD = 0x2000n;

/** DR4 and DR5 are DR6 and DR7, unless CR4.DE makes them invalid. SDM vol. 3B, 17.2.2. */
function debugNumber(vcpu: Vcpu): number {
  const n = vcpu.argument(0);
  if (n !== 4 && n !== 5) return n;
  if (vcpu.state.get64(cr(4)) & DE) {
    throw new Fault(EXCEPTION.UD, 0, `there is no DR${n} while CR4.DE is set`);
  }
  return n + 2;
}

const moveToDebug: ArchTrap = (vcpu, rule) => {
  if (rule.do === "exit") vcpu.kernelExit(rule.reason, 0);
  const n = debugNumber(vcpu), value = vcpu.argument64(1);
  if (n >= 6 && value >> 32n) throw general(`bits of DR${n} above 31 are reserved`);
  if (n === 7 && value & ENABLES) {
    throw lacking(vcpu, `breakpoints of the processor (DR7 = 0x${value.toString(16)})`);
  }
  if (n === 7 && value & GD) throw lacking(vcpu, "DR7.GD (debug registers that raise #DB)");
  vcpu.state.set64(dr(n), n === 6 ? value & DR6.settable : n === 7 ? value & DR7.settable : value);
  return STATUS.proceed;
};

const moveFromDebug: ArchTrap = (vcpu, rule) => {
  if (rule.do === "exit") vcpu.kernelExit(rule.reason, 0);
  const n = debugNumber(vcpu), kept = vcpu.state.get64(dr(n));
  vcpu.answer(kept | (n === 6 ? DR6.ones : n === 7 ? DR7.ones : 0n));
  return STATUS.proceed;
};

function moveFromControl(vcpu: Vcpu): Status {
  const n = vcpu.argument(0);
  if (!CONTROL[n]) throw new Fault(EXCEPTION.UD, 0, `there is no CR${n}`);
  vcpu.answer(vcpu.state.get64(cr(n)));
  return STATUS.proceed;
}

export const controlTraps: Readonly<Record<string, ArchTrap>> = {
  mov_to_cr: guarded(moveToControl),
  mov_from_cr: guarded(moveFromControl),
  mov_to_dr: guarded(moveToDebug),
  mov_from_dr: guarded(moveFromDebug),
  lmsw: guarded(loadStatusWord),
  clts: clearTaskSwitched,
};
