/**
 * Control and debug registers. SDM vol. 3A, 2.5, and vol. 3B, 17.2. What the machine looks at is in `control_bits.ts`;
 * other bits of features that CPUID offers are kept. Breakpoints are not there: they stop with UNIMPLEMENTED.
 *
 * Protected mode begins and ends with CR0.PE: segment registers keep what they hold until they are loaded. Limits that
 * real mode has kept so from protected mode are not looked at: its offsets have 16 bits.
 */
import type { Backend, TrapRule } from "../../engine/backend.ts";
import { STATUS, type Status } from "../../engine/host.ts";
import { CR, CS, DR, EFER, IDENTITY, segmentRights, TR_RIGHTS } from "../../x86/slots.ts";
import type { ArchTrap } from "../traps.ts";
import type { Vcpu } from "../vcpu.ts";
import { CR0, CR4, EFER_BIT } from "./control_bits.ts";
import { EXCEPTION, Fault, lacking } from "./fault.ts";
import { is64, isLong, RIGHTS } from "./mode.ts";
import { PHYSICAL_BITS } from "./paging_formats.ts";
import { loadPdptes } from "./pdptes.ts";
import { guarded } from "./protected.ts";

const cr = (n: number) => CR + 8 * n;
const dr = (n: number) => DR + 8 * n;

/** CR0. */
const PE = BigInt(CR0.PE), TS = 8n, ET = 0x10n, PG = BigInt(CR0.PG);
const WP = BigInt(CR0.WP), NW = BigInt(CR0.NW), CD = BigInt(CR0.CD);
/** PE MP EM TS ET NE WP AM NW CD PG: writes to other bits are ignored. */
const CR0_BITS = 0xe005_003fn;
/** What LMSW loads. */
const STATUS_WORD = 0xfn;
/** CR4: TSD DE PSE PAE MCE PGE PCE OSFXSR OSXMMEXCPT. */
const CR4_BITS = 0x7fcn;
const DE = BigInt(CR4.DE), PAE = BigInt(CR4.PAE);
/** Of CR4, what translation depends on, and what loads PDPTEs. */
const CR4_PAGING = BigInt(CR4.PSE | CR4.PAE | CR4.PGE);

const general = (why: string) => new Fault(EXCEPTION.GP, 0, why);

/** Whether a write leaves the guest: CR0 and CR4 may be the hypervisor's, CR2, CR3 and CR8 are the guest's own. */
function writeExits(vcpu: Vcpu, rule: TrapRule, backend: Backend, n: number, changed: bigint): void {
  if (rule.do !== "exit" || (n !== 0 && n !== 4)) return;
  // VT-x compares with the read shadow; KVM leaves the guest TS.
  if (backend.name === "vmx" && n === 0 && (changed & ~TS) === 0n) return;
  const own = backend.reasons.find(({ name }) => name === `CR${n}_WRITE`);
  vcpu.exits.kernelExit(own ?? rule.reason, 0);
}

/** What has to be thought over when a register is written. */
type Effect = "mode" | "translation" | undefined;

interface ControlRegister {
  /** What is kept of a value; `old` is what was. Throws before anything has changed. */
  accept(vcpu: Vcpu, value: bigint, old: bigint): bigint;
  /** After it has been written. */
  effect?(vcpu: Vcpu, changed: bigint): Effect;
}

function writeControl(vcpu: Vcpu, n: number, value: bigint): Status {
  const old = vcpu.state.get64(cr(n)), register = CONTROL[n];
  if (!register) throw new Fault(EXCEPTION.UD, 0, `there is no CR${n}`);
  const kept = register.accept(vcpu, value, old);
  vcpu.state.set64(cr(n), kept);
  const effect = register.effect?.(vcpu, kept ^ old);
  if (!effect) return STATUS.proceed;
  if (effect === "mode") vcpu.modeChanged();
  else vcpu.translationChanged();
  return vcpu.completeOnce();
}

/** Whether PAE paging is on with such registers; in long mode tables are others. */
function isPae(vcpu: Vcpu, cr0: bigint, cr4: bigint): boolean {
  return (cr0 & PG) !== 0n && (cr4 & PAE) !== 0n && !isLong(vcpu.state);
}

const enablesLong = ({ state }: Vcpu) => (state.get32(EFER) & EFER_BIT.LME) !== 0;

const CONTROL: Readonly<Record<number, ControlRegister | undefined>> = {
  0: {
    accept(vcpu, value, old) {
      if (value >> 32n) throw general("bits of CR0 above 31 are reserved");
      if (value & PG && !(value & PE)) throw general("CR0.PG needs CR0.PE");
      if (value & NW && !(value & CD)) throw general("CR0.NW needs CR0.CD");
      const cr4 = vcpu.state.get64(cr(4)), begins = (value & ~old & PG) !== 0n;
      if (old & ~value & PG && is64(vcpu.state)) {
        throw general("CR0.PG cannot be cleared in 64-bit mode");
      }
      if (begins && enablesLong(vcpu)) startLongMode(vcpu, cr4);
      else if ((value ^ old) & (PG | CD | NW) && isPae(vcpu, value, cr4)) {
        loadPdptes(vcpu, vcpu.state.get64(cr(3)));
      }
      return value & CR0_BITS | ET;
    },
    effect(vcpu, changed) {
      const { state } = vcpu;
      if (changed & PG) {
        const on = (state.get64(cr(0)) & PG) !== 0n, efer = state.get32(EFER) & ~EFER_BIT.LMA;
        state.set32(EFER, on && enablesLong(vcpu) ? efer | EFER_BIT.LMA : efer);
        if (!on) state.set64(IDENTITY, 0n);
      }
      return changed & (PE | PG) ? "mode" : changed & WP ? "translation" : undefined;
    },
  },
  2: { accept: (_vcpu, value) => value },
  3: {
    accept(vcpu, value, old) {
      const { state } = vcpu;
      if (isLong(vcpu.state) && value >> BigInt(PHYSICAL_BITS)) {
        throw general(`bits of CR3 from ${PHYSICAL_BITS} on are reserved`);
      }
      if (isPae(vcpu, state.get64(cr(0)), state.get64(cr(4)))) loadPdptes(vcpu, value);
      // What was there at reset stands for the tables of a boot loader: loading that again changes nothing.
      if (value !== old) state.set64(IDENTITY, 0n);
      return value;
    },
    // Translations do not go stale: to load the same tables again only matters where PDPTEs come with them.
    effect(vcpu, changed) {
      const { state } = vcpu;
      return changed || isPae(vcpu, state.get64(cr(0)), state.get64(cr(4))) ? "translation" : undefined;
    },
  },
  4: {
    accept(vcpu, value, old) {
      const { state } = vcpu;
      if (value & ~CR4_BITS) throw general("CR4 gets a bit of a feature that CPUID does not offer");
      if (isLong(vcpu.state) && !(value & PAE)) throw general("CR4.PAE cannot be cleared in long mode");
      if ((value ^ old) & CR4_PAGING && isPae(vcpu, state.get64(cr(0)), value)) {
        loadPdptes(vcpu, state.get64(cr(3)));
      }
      return value;
    },
    effect: (_vcpu, changed) => changed & CR4_PAGING ? "translation" : undefined,
  },
  8: {
    accept(_vcpu, value) {
      if (value >> 4n) throw general("bits of CR8 above 3 are reserved");
      return value;
    },
  },
};

/** What has to be so when paging is turned on with EFER.LME. SDM vol. 3A, 10.8.5 ("Initializing IA-32e Mode"). */
function startLongMode(vcpu: Vcpu, cr4: bigint): void {
  if (!(cr4 & PAE)) throw general("long mode needs CR4.PAE");
  if (vcpu.state.get32(segmentRights(CS)) & RIGHTS.L) throw general("CS.L is set before long mode begins");
  // Types 1 and 3: free and busy.
  if ((vcpu.state.get32(TR_RIGHTS) & 0x1d) === 1) throw general("the task state segment is a 16-bit one");
}

const moveToControl: ArchTrap = (vcpu, rule, backend) => {
  const n = vcpu.argument(0), value = vcpu.argument64(1);
  writeExits(vcpu, rule, backend, n, value ^ vcpu.state.get64(cr(n)));
  return writeControl(vcpu, n, value);
};

/** LMSW: the low four bits of CR0, of which PE can be set only. */
const loadStatusWord: ArchTrap = (vcpu, rule, backend) => {
  const old = vcpu.state.get64(cr(0)), loaded = BigInt(vcpu.argument(0)) & STATUS_WORD;
  const value = old & ~STATUS_WORD | loaded | old & PE;
  writeExits(vcpu, rule, backend, 0, value ^ old);
  return writeControl(vcpu, 0, value);
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
  if (rule.do === "exit") vcpu.exits.kernelExit(rule.reason, 0);
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
  if (rule.do === "exit") vcpu.exits.kernelExit(rule.reason, 0);
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
