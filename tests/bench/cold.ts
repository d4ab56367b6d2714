/** In a process of its own: what the first machine of an ISA takes, where nothing is built or compiled yet. */
import { createVm, type ModeWidth, type VmOptions } from "../../mod.ts";
import { archOf } from "../../emulator/machine/arch.ts";

/** No assembler yet. */
const NOP = { x86: Uint8Array.of(0x90), ppc: Uint8Array.of(0x60, 0, 0, 0) };
const options = JSON.parse(Deno.args[0]) as VmOptions & { readonly mode: ModeWidth };
const start = performance.now();
archOf(options.arch).isa(options.mode, options.arch === "ppc" ? "be" : "le");
const tables = performance.now() - start;
const vm = createVm(options);
const firstVm = performance.now() - start;
const AT = 0x1000n;
vm.memory.write(AT, NOP[options.arch]);
vm.vcpu.pc = AT;
const { reason } = await vm.run({ instructions: 1 });
const firstInstruction = performance.now() - start;
if (reason !== "BUDGET" || vm.vcpu.instructions !== 1) {
  throw new Error(`the first instruction stopped: ${reason}`);
}
vm.assemble("nop");
const firstAssembly = performance.now() - start - firstInstruction;
console.log(JSON.stringify({ tables, firstVm, firstInstruction, firstAssembly }));
