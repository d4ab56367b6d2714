/** In a process of its own: what the first machine of an ISA takes, where nothing is built or compiled yet. */
import { createVm, type ModeWidth, type VmOptions } from "../../mod.ts";
import { archOf } from "../../emulator/machine/arch.ts";

const options = JSON.parse(Deno.args[0]) as VmOptions & { readonly mode: ModeWidth };
const start = performance.now();
archOf(options.arch).isa(options.mode, options.arch === "ppc" ? "be" : "le");
const tables = performance.now() - start;
const vm = createVm(options);
const firstVm = performance.now() - start;
vm.assemble("nop");
const firstAssembly = performance.now() - start - firstVm;
console.log(JSON.stringify({ tables, firstVm, firstAssembly }));
