/** What is not implemented is named with its bytes, its address and its mode, wherever it is found out. */
import { assertEquals } from "@std/assert";
import { unimplemented } from "../../../emulator/machine/unimplemented.ts";
import { createVm, type Vm } from "../../../emulator/machine/vm.ts";
import type { VmOptions } from "../../../emulator/machine/vm_options.ts";

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

interface Case {
  readonly vm: VmOptions;
  readonly source: string;
  /** Made ready before the run, e.g. segments. */
  readonly prepare?: (vm: Vm) => void;
  readonly bytes: string;
  readonly pc: bigint;
  readonly mode: string;
  readonly what: string;
  readonly message: string;
  /** Found out by the decoder, so that no region can hold it. */
  readonly undecodable?: boolean;
}

const CASES: readonly Case[] = [
  {
    vm: { arch: "x86" },
    source: "nop\n.byte 0x0f, 0xb8, 0xc0",
    bytes: "0f b8",
    pc: 0x1001n,
    mode: "x86-64",
    what: "opcode 0f b8 is not implemented",
    message: "opcode 0f b8 is not implemented (bytes 0f b8 at 0x1001, mode x86-64)",
    undecodable: true,
  },
  {
    vm: { arch: "x86" },
    source: "nop\nmov dr7, rax",
    prepare: (vm) => vm.vcpu.registers.set("rax", 1),
    bytes: "0f 23 f8",
    pc: 0x1001n,
    mode: "x86-64",
    what: "breakpoints of the processor (DR7 = 0x1)",
    message: "breakpoints of the processor (DR7 = 0x1) (bytes 0f 23 f8 at 0x1001, mode x86-64)",
  },
  {
    vm: { arch: "x86", mode: 32 },
    source: "mov dr7, eax",
    prepare: (vm) => vm.vcpu.registers.set("eax", 0x2000),
    bytes: "0f 23 f8",
    pc: 0x1000n,
    mode: "x86-32",
    what: "DR7.GD (debug registers that raise #DB)",
    message: "DR7.GD (debug registers that raise #DB) (bytes 0f 23 f8 at 0x1000, mode x86-32)",
  },
  {
    vm: { arch: "x86", mode: 16 },
    source: "",
    prepare(vm) {
      vm.memory.write(0x1_2340 + 0xf, Uint8Array.of(0x90, 0x0f, 0xaa));
      vm.vcpu.registers.set("cs", 0x1234);
      vm.vcpu.pc = 0xfn;
    },
    bytes: "0f aa",
    pc: 0x10n,
    mode: "x86-16",
    what: "opcode 0f aa is not implemented (rsm)",
    message: "opcode 0f aa is not implemented (rsm) (bytes 0f aa at 0x10, mode x86-16)",
    undecodable: true,
  },
  {
    // The instruction ends where IP wraps.
    vm: { arch: "x86", mode: 16 },
    source: "",
    prepare(vm) {
      vm.memory.write(0xfffd, Uint8Array.of(0x90, 0x0f, 0xaa));
      vm.vcpu.registers.set("cs", 0);
      vm.vcpu.pc = 0xfffdn;
    },
    bytes: "0f aa",
    pc: 0xfffen,
    mode: "x86-16",
    what: "opcode 0f aa is not implemented (rsm)",
    message: "opcode 0f aa is not implemented (rsm) (bytes 0f aa at 0xfffe, mode x86-16)",
    undecodable: true,
  },
  {
    vm: { arch: "ppc" },
    source: "nop\nmfspr r3, 1013",
    bytes: "7c 75 fa a6",
    pc: 0x1004n,
    mode: "ppc64",
    what: "mfspr of SPR 1013",
    message: "mfspr of SPR 1013 is not implemented (bytes 7c 75 fa a6 at 0x1004, mode ppc64)",
  },
  {
    vm: { arch: "ppc", mode: 32 },
    source: "mtspr 1013, r3",
    bytes: "7c 75 fb a6",
    pc: 0x1000n,
    mode: "ppc32",
    what: "mtspr to SPR 1013",
    message: "mtspr to SPR 1013 is not implemented (bytes 7c 75 fb a6 at 0x1000, mode ppc32)",
  },
];

for (const executor of ["interpreter", "region", "oracle"] as const) {
  for (const one of CASES) {
    Deno.test(`UNIMPLEMENTED names ${one.bytes} at 0x${one.pc.toString(16)} in ${one.mode}, ${executor}`, async () => {
      const engine = executor === "oracle" ? "oracle" : "interpreter";
      const vm = createVm({ memory: 2 ** 20, ...one.vm, engine });
      if (one.source !== "") vm.load(vm.assemble(one.source));
      one.prepare?.(vm);
      if (executor === "region") {
        const own = one.undecodable ? 0 : (one.bytes.length + 1) / 3;
        vm.compileRegion(vm.vcpu.pc, Number(one.pc - vm.vcpu.pc) + own);
      }
      const stop = await vm.run({ instructions: 4 });
      if (stop.reason !== "UNIMPLEMENTED") throw new Error(`${stop.reason}: ${stop.message}`);
      assertEquals({ ...stop, bytes: hex(stop.bytes) }, {
        reason: "UNIMPLEMENTED",
        bytes: one.bytes,
        pc: one.pc,
        vcpu: 0,
        mode: one.mode,
        what: one.what,
        message: one.message,
      });
    });
  }
}

Deno.test("unimplemented() says so where the bytes are not known", () => {
  const stop = unimplemented({ bytes: new Uint8Array(), pc: 0x1000n, mode: "ppc64" }, "this");
  assertEquals(stop.message, "this (bytes unknown at 0x1000, mode ppc64)");
});
