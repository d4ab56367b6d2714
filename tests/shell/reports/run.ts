/** A small run to report on: port writes of two sizes, an MMIO load, a halt. */
import { createVm, type Vm } from "../../../emulator/machine/vm.ts";

/** Makes the machine and runs it; the same each time. */
export async function sampleRun(
  options: { readonly vcpus?: number; readonly symbol?: string } = {},
): Promise<Vm> {
  const vm = createVm({ arch: "x86", recordRows: true, vcpus: options.vcpus });
  vm.devices.add({
    name: "echo",
    read: () => 7,
    write(_offset, _size, value, context) {
      context.charge(Number(value) % 3 * 100);
    },
  }, { port: 0x1060 });
  const { gpa } = vm.devices.get("echo")!.window;
  vm.load(vm.assemble(`
        mov edx, 0x1060
        mov ebx, ${gpa}
        mov eax, 12
  more: out dx, eax
        test eax, 3
        jnz skip
        mov ecx, [rbx]
  skip: dec eax
        jnz more
        hlt
  `));
  if (options.symbol !== undefined) vm.symbols.add(options.symbol, 0x1017n);
  for (const vcpu of vm.vcpus.slice(1)) vcpu.start(0x1000n);
  await vm.run({ instructions: 10_000 });
  return vm;
}
