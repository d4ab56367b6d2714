/** In a process of its own, whose memory is told: a machine of a size, given as `SizeStart`. Writes a `Measured`. */
import { createVm } from "../../../mod.ts";
import { AT } from "../guests/guest.ts";
import { type Measured, runFor } from "./axis.ts";
import { loadSieve } from "./endless.ts";

export interface SizeStart {
  readonly memory: number;
  readonly vcpus: number;
  /** Whether the guest stores into every page of its RAM. */
  readonly touch: boolean;
}

/** Until V8 has optimised what is hot. */
const WARM_MS = 800, WARM = 2_000_000, MEASURED = 20_000_000;
const PAGE = 4096;
/** RAM beyond the program and its data. */
const FREE = 0x1_0000;

const { memory, vcpus, touch }: SizeStart = JSON.parse(Deno.args[0]);
const vm = createVm({ arch: "x86", mode: 32, memory, vcpus });
if (touch) {
  const pages = (memory - FREE) / PAGE;
  vm.vcpu.pc = vm.load(vm.assemble(
    `mov edi, ${FREE}\nmov ecx, ${pages}\nhot: mov [edi], ecx\nadd edi, ${PAGE}\ndec ecx\njnz hot\nend: nop`,
    AT.code,
  )).entry;
  await runFor(vm, 2 + 4 * pages);
}
const entry = loadSieve(vm);
vm.vcpu.pc = entry;
for (const vcpu of vm.vcpus.slice(1)) vcpu.start(entry);
const start = performance.now();
while (performance.now() - start < WARM_MS) await runFor(vm, WARM);
const nanoseconds = await runFor(vm, MEASURED) * 1e6 / MEASURED;
const measured: Measured = { nanoseconds, resident: Deno.memoryUsage().rss };
console.log(JSON.stringify(measured));
