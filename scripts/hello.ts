/**
 * A device, a call on each vehicle, the exits that it took. Copy this file and change it.
 *
 *     trapsh run scripts/hello.ts
 */
import {
  createIo,
  createVm,
  type Device,
  exitTableLines,
  type ScriptContext,
  standalone,
  tabulateExits,
} from "../mod.ts";

/** Answers a call with the sum of the bytes, a read with the last sum. It never learns where it is mapped. */
function adder(): Device {
  let sum = 0;
  return {
    name: "adder",
    read: () => sum,
    call(_fn, data, context) {
      context.charge(2 * data.length);
      sum = data.reduce((total, byte) => total + byte, 0);
      return sum;
    },
  };
}

/** Greets from one machine of each architecture. */
export default async function hello({ out }: ScriptContext): Promise<void> {
  for (const arch of ["x86", "ppc"] as const) {
    const vm = createVm({ arch });
    vm.devices.add(adder());
    const io = createIo(vm);
    for (const via of ["hypercall", "pio", "mmio"] as const) {
      const handle = await io.open("adder", { via });
      const reply = await handle.call(1, Uint8Array.of(10, 20, 12));
      out.write(`${arch} ${vm.backend.name}, ${handle.label}: ${reply[0]}\n`);
    }
    out.write(`\n${exitTableLines(tabulateExits(vm.exits)).join("\n")}\n\n`);
  }
}

if (import.meta.main) await standalone(hello);
