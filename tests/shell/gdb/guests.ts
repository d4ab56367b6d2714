/** Small guests in assembler that do the same on each architecture: two stores, a loop, an end with status 5. */
import { createVm, type Vm } from "../../../emulator/machine/vm.ts";
import type { VmOptions } from "../../../emulator/machine/vm_options.ts";
import { debugExitDevice } from "../../../emulator/machine/devices/debug_exit.ts";

export interface GuestText {
  readonly vm: VmOptions;
  readonly source: string;
}

const X86 = `
  start:  mov ecx, 3
          mov edx, 0
  more:   add edx, ecx
          mov [0x2000], edx
          dec ecx
          jnz more
  ended:  mov eax, 5
          mov edx, 0x501
          out dx, al
          hlt
`;
const PPC = `
  start:  li r3, 3
          li r4, 0
          lis r5, 0
          ori r5, r5, 0x2000
  more:   add r4, r4, r3
          stw r4, 0(r5)
          addi r3, r3, -1
          cmpwi r3, 0
          bne more
  ended:  li r3, 5
          li r6, 0
          oris r6, r6, 0xfe00
          ori r6, r6, 0x501
          stb r3, 0(r6)
  forever: b forever
`;

export const GUESTS = {
  "x86-64": { vm: { arch: "x86", mode: 64 }, source: X86 },
  "i386": { vm: { arch: "x86", mode: 32 }, source: X86 },
  "i8086": { vm: { arch: "x86", mode: 16 }, source: X86 },
  "ppc": { vm: { arch: "ppc", mode: 32 }, source: PPC },
  "ppc64": { vm: { arch: "ppc", mode: 64 }, source: PPC },
  "ppc64le": { vm: { arch: "ppc", mode: 64, order: "le" }, source: PPC },
} as const satisfies Readonly<Record<string, GuestText>>;

/** The guest in a machine with debug-exit where it expects it. */
export function guestVm({ vm: options, source }: GuestText): Vm {
  const vm = createVm({ memory: 1 << 20, ...options });
  vm.devices.add(debugExitDevice(), vm.arch === "x86" ? { port: 0x501 } : { gpa: 0xfe00_0501 });
  vm.load(vm.assemble(source));
  return vm;
}

/** The guest's own byte order, of digits with the high one first. */
export function inOrder(vm: Vm, digits: string): string {
  return vm.isa.order === "be" ? digits : digits.match(/../g)!.reverse().join("");
}
