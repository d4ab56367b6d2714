/** Claims 5 to 8: two vendors' instructions, patching, and whether a port can be called as a hypercall is. */
import { messageOf, times } from "../support/text.ts";
import { SHORT } from "./access_claims.ts";
import { foreign, movedPage } from "./guests.ts";
import { HV, VMX } from "./hosts.ts";
import { type Lab, PAYLOAD } from "./lab.ts";
import { type Finding, holds, judged } from "./verdict.ts";

export async function instructionClaims(lab: Lab): Promise<Finding[]> {
  const list: Finding[] = [];
  const patched = await foreign("patch", 1), patched2 = await foreign("patch", 2), page = await movedPage();
  list.push(judged(
    ["5", "Liguori", "VMCALL or VMMCALL: a hypercall page hurts migration, patching breaks attestation"],
    holds(patched.changed > 0 && page.stop !== "UNTIL"),
    {
      changedBytes: patched.changed,
      undefinedOpcodes: patched2.undefinedOpcodes,
      servedAfterMove: page.served - 1,
    },
    `VMCALL on svm: ${patched2.undefinedOpcodes} #UD exit, ${patched.changed} byte of the guest's text changed, its hash with it; Xen's page moved from vmx to svm: ${
      page.served - 1
    } calls served there, ${page.stop} (Hyper-V's page and PowerPC's opcodes: migration.ts)`,
  ));

  const emulated = await foreign("emulate", 1), emulated2 = await foreign("emulate", 2);
  const later = patched2.cycles - patched.cycles, each = emulated2.cycles - emulated.cycles;
  const once = patched.cycles - emulated.cycles, even = Math.floor(once / (each - later)) + 2;
  list.push(judged(
    ["6", "Haskins", "Patching exists already; let the user trade attestation and migration for speed"],
    holds(emulated.changed === 0 && emulated2.served === 2 && each > later),
    { laterPatched: later, laterEmulated: each, patchOnce: once, breakEvenCalls: even },
    `what there is to trade: ${later} cycles a call after patching, ${each} if each #UD is emulated and no byte changes (${
      times(each, later)
    } times); patching pays from call ${even} on`,
  ));

  const inRegisters = await lab.call(VMX, "hypercall", "registers", SHORT);
  const callX = await lab.call(VMX, "pio", "registers", SHORT);
  list.push(judged(
    ["7", "Liguori", "Hypercalls pass register state only; PIO can do the same"],
    holds(callX.exits === inRegisters.exits),
    {
      pio: callX.cycles,
      hypercall: inRegisters.cycles,
      pioExits: callX.exits,
      hypercallExits: inRegisters.exits,
    },
    `16 bytes and their answer in registers: ${callX.exits} exit and ${callX.cycles} cycles by IN, ${inRegisters.exits} and ${inRegisters.cycles} by VMCALL (vmx, kernel)`,
  ));

  const { io } = lab.machine(HV);
  const refusal = await io.open("in-kernel", { via: "pio", data: "registers" }).then(() => "", messageOf);
  const window = await lab.call(HV, "pio", "words", PAYLOAD),
    own = await lab.call(HV, "mmio", "words", PAYLOAD);
  list.push(judged(
    ["8", "Haskins", "A pio_callX() would be x86's alone; PowerPC maps PIO onto MMIO"],
    holds(refusal !== "" && window.stages.decode > 0),
    { windowExits: window.exits, mmioExits: own.exits, window: window.cycles, mmio: own.cycles },
    `pio_callX on ppc64: refused; 64 bytes by words through PCI's I/O window: ${window.exits} exits, ${window.stages.decode} cycles of decode, ${
      times(window.cycles, own.cycles)
    } times the cycles of MMIO proper (${own.exits} exits)`,
  ));
  return list;
}
