/** A machine with the guest's image, and the device that counts its calls. */
import { createVm, type Device } from "../../mod.ts";
import { CALLS } from "../support/calls.ts";
import { PROPERTY } from "../support/tree_walk.ts";
import { GPA, NAME, PAGE, PORT, STACK, STUBS, TEXT } from "./image.ts";
import type { Policy, Target } from "./policies.ts";

/** The device: counts the calls whose number is the next one. */
function counter(): Device & { readonly served: number; take(n: number): void } {
  let served = 0;
  const take = (n: number) => void (n === served + 1 && served++);
  return {
    name: "counter",
    handledIn: "kernel",
    size: 8,
    get served() {
      return served;
    },
    take,
    write: (_offset, size, value) => take(Number(BigInt.asUintN(8 * size, BigInt(value)))),
  };
}

const swap = (n: number) => (n >>> 24 | n >>> 8 & 0xff00 | (n & 0xff00) << 8 | n << 24) >>> 0;

function source({ setup = "", call, check }: Policy, arch: string, calls: number): string {
  if (arch === "x86") {
    return `mov esp, ${STACK}\n ${setup}\n xor r12d, r12d
      more: inc r12d\n ${call}\n ${check}\n cmp r12d, ${calls}\n jb more
      end: hlt`;
  }
  // A device sees bytes in address order: a store of the other order shows it the number as it is.
  return `${setup}\n li r20, 0
    more: addi r20, r20, 1\n ${call}\n ${check}\n cmpwi r20, ${calls}\n blt more
    end: nop`;
}

/** A machine with the image, and its device. */
export function machineFor({ options }: Target, policy: Policy, calls: number) {
  const { hypervisor, wrongHypercall } = policy;
  const vm = createVm({ ...options, hypervisor, wrongHypercall, memory: 2 ** 16 });
  const device = counter(), big = vm.arch === "ppc";
  vm.devices.add(
    { ...device, write: (_o, _s, value) => device.take(big ? swap(Number(value)) : Number(value)) },
    big ? { gpa: GPA } : { gpa: GPA, port: PORT },
  );
  const [number, argument, status] = CALLS[hypervisor] ?? [];
  if (number !== undefined) {
    vm.hypercalls.register(number, {
      name: "counter",
      handledIn: "kernel",
      call({ registers }) {
        device.take(Number(registers.get(argument!) & 0xffff_ffffn));
        registers.set(status!, 0n);
      },
    });
  }
  const program = vm.assemble(source(policy, vm.arch, calls), BigInt(TEXT));
  if (program.bytes.length > PAGE) throw new RangeError(`${policy.name}: the text is longer than its page`);
  // INT3 where nothing stands yet.
  vm.memory.write(STUBS, new Uint8Array(PAGE).fill(big ? 0 : 0xcc));
  if (policy.stubs !== undefined) vm.memory.write(STUBS, vm.assemble(policy.stubs, BigInt(STUBS)).bytes);
  vm.memory.write(NAME, PROPERTY);
  vm.load(program);
  return { vm, device, end: program.symbols.get("end")!, trap: program.symbols.get("trap")! };
}
