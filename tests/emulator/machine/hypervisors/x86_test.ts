/** x86's hypervisors as guests in assembler meet them: discovery, pages, registers, refusals, and the wrong vendor. */
import { assertEquals, assertThrows } from "@std/assert";
import type { HypervisorName, WrongHypercall } from "../../../../emulator/machine/hypervisors/hypervisor.ts";
import { createVm, type Vm } from "../../../../emulator/machine/vm.ts";

type Backend = "vmx" | "svm";
const INSTRUCTION = { vmx: "vmcall", svm: "vmmcall" } as const;
const BYTES = { vmx: [0x0f, 0x01, 0xc1], svm: [0x0f, 0x01, 0xd9] } as const;

interface Options {
  readonly mode?: 16 | 32 | 64;
  readonly backend?: Backend;
  readonly wrongHypercall?: WrongHypercall;
  readonly engine?: "interpreter" | "oracle";
}

function guest(hypervisor: HypervisorName, source: string, options: Options = {}): Vm {
  const vm = createVm({ arch: "x86", memory: 2 ** 18, recordRows: true, hypervisor, ...options });
  vm.load(vm.assemble(source, 0x1000n));
  vm.vcpu.registers.set(options.mode === 64 || !options.mode ? "rsp" : "esp", 0x9000);
  return vm;
}

/** Runs to HLT, and gives the exits: native name and key. */
async function exits(vm: Vm): Promise<string[]> {
  const stop = await vm.run({ instructions: 10_000 });
  assertEquals(stop.reason, "HLT", stop.message);
  return vm.exits.rows.map(({ native, key }) => `${native.name} ${key.toString(16)}`);
}

const signed = (vm: Vm, name = "eax") => BigInt.asIntN(32, vm.vcpu.registers.get(name));

function text(...words: readonly bigint[]): string {
  const bytes = new Uint8Array(4 * words.length), view = new DataView(bytes.buffer);
  words.forEach((word, i) => view.setUint32(4 * i, Number(word), true));
  return new TextDecoder().decode(bytes).replaceAll("\0", "");
}

async function leaf(hypervisor: HypervisorName, number: number): Promise<bigint[]> {
  const vm = guest(hypervisor, `mov eax, ${number}\nmov ecx, 0\ncpuid\nhlt`, { mode: 32 });
  await exits(vm);
  return ["eax", "ebx", "ecx", "edx"].map((name) => vm.vcpu.registers.get(name));
}

Deno.test("CPUID leaves under each hypervisor", async () => {
  const expected: Record<string, [string, bigint]> = {
    kvm: ["KVMKVMKVM", 0x4000_0001n],
    xen: ["XenVMMXenVMM", 0x4000_0002n],
    hyperv: ["Microsoft Hv", 0x4000_0005n],
    vmware: ["VMwareVMware", 0x4000_0010n],
    none: ["", 0n],
  };
  for (const [name, [signature, highest]] of Object.entries(expected)) {
    const [eax, ...words] = await leaf(name as HypervisorName, 0x4000_0000);
    assertEquals([text(...words), eax], [signature, highest], name);
    assertEquals((await leaf(name as HypervisorName, 1))[2] >> 31n, name === "none" ? 0n : 1n, name);
    assertEquals(await leaf(name as HypervisorName, 0x4000_0100), [0n, 0n, 0n, 0n], name);
  }
  assertEquals(await leaf("xen", 0x4000_0001), [0x4_0011n, 0n, 0n, 0n]);
  assertEquals(await leaf("xen", 0x4000_0002), [1n, 0x4000_0000n, 0n, 0n]);
  assertEquals(text((await leaf("hyperv", 0x4000_0001))[0]), "Hv#1");
  assertEquals((await leaf("hyperv", 0x4000_0002))[1], 0n, "no version before the guest said who it is");
  assertEquals((await leaf("hyperv", 0x4000_0003))[0], 0x60n);
  assertEquals((await leaf("vmware", 0x4000_0010))[2], 3n);
});

for (const backend of ["vmx", "svm"] as const) {
  for (const mode of [32, 64] as const) {
    Deno.test(`Xen's hypercall page, byte by byte, and calls of it: ${backend}, ${mode} bits`, async () => {
      const arg = mode === 64 ? "edi" : "ebx";
      const vm = guest(
        "xen",
        `mov ecx, 0x40000000
         mov eax, 0x3000
         mov edx, 0
         wrmsr
         mov ${arg}, 0
         call 0x3000 + 17 * 32
         mov esi, eax
         call 0x3000 + 100 * 32
         hlt`,
        { backend, mode },
      );
      const name = INSTRUCTION[backend].toUpperCase();
      assertEquals(await exits(vm), [
        `${backend === "vmx" ? "MSR_WRITE" : "MSR"} 40000000`,
        `${name} 11`,
        `${name} 64`,
        "HLT 0",
      ]);
      assertEquals(vm.vcpu.registers.get("esi"), 0x4_0011n, "XENVER_version");
      const wide = vm.vcpu.registers.get(mode === 64 ? "rax" : "eax");
      assertEquals(BigInt.asIntN(mode, wide), -38n, "-ENOSYS");
      const page = vm.memory.read(0x3000, 4096);
      for (let n = 0; n < 128; n++) {
        const slot = n === 23 ? [0x0f, 0x0b] : [0xb8, n, 0, 0, 0, ...BYTES[backend], 0xc3];
        assertEquals([...page.subarray(32 * n, 32 * n + 32)], [
          ...slot,
          ...new Array(32 - slot.length).fill(0xcc),
        ]);
      }
    });

    Deno.test(`Hyper-V's page: MSRs, overlay, control words, statuses: ${backend}, ${mode} bits`, async () => {
      const call = (low: string, high = 0, input = 0x4000, output = 0x5000) =>
        mode === 64
          ? `mov rcx, ${high}\nshl rcx, 32\nmov eax, ${low}\nor rcx, rax\nmov rdx, ${input}\nmov r8, ${output}
             call 0x3000\nmov [rbp], rax\nadd rbp, 8\n`
          : `mov edx, ${high}\nmov eax, ${low}\nmov ebx, 0\nmov ecx, ${input}\nmov edi, 0\nmov esi, ${output}
             call 0x3000\nmov [ebp], eax\nmov [ebp+4], edx\nadd ebp, 8\n`;
      const vm = guest(
        "hyperv",
        `mov ecx, 0x40000001
         mov eax, 0x3001
         mov edx, 0
         wrmsr
         rdmsr
         mov [0x6000], eax
         mov ecx, 0x40000000
         mov eax, 1
         wrmsr
         mov ecx, 0x40000001
         mov eax, 0x3001
         wrmsr
         mov ${mode === 64 ? "rbp" : "ebp"}, 0x7000
         ${call("0xbeef")}
         ${call("0x10008")}
         ${call("8", 1)}
         ${call("0x08000008")}
         ${call("0xbeef", 0, 0x4004)}
         ${call("0xbeef", 0, 0x4000, 0x5001)}
         ${call("0x1beef", 0, 0x4001)}
         hlt`,
        { backend, mode },
      );
      vm.memory.write(0x3000, new Uint8Array(4096).fill(0x55));
      await exits(vm);
      const view = new DataView(vm.memory.read(0x7000, 56).buffer);
      const statuses = Array.from({ length: 7 }, (_, i) => Number(view.getBigUint64(8 * i, true)));
      assertEquals(statuses, [2, 0, 3, 3, 4, 4, 2]);
      assertEquals([...vm.memory.read(0x6000, 4)], [0, 0, 0, 0], "stays disabled without a guest OS id");
      const page = vm.memory.read(0x3000, 4096);
      assertEquals([...page], [...BYTES[backend], 0xc3, ...new Array(4092).fill(0)]);
      assertEquals(vm.hypervisorState.guestOsId, 1n);
      // A page that moves gives back what it lay over; so does a reset.
      vm.reset();
      assertEquals([...vm.memory.read(0x3000, 4096)], new Array(4096).fill(0x55));
      const { guestOsId, hypercallPage, covered } = vm.hypervisorState;
      assertEquals([guestOsId, hypercallPage, covered], [0n, 0n, undefined]);
    });
  }

  Deno.test(`VMware's backdoor carries registers, as a port and as ${INSTRUCTION[backend]}`, async () => {
    for (const mode of [16, 32, 64] as const) {
      for (const door of ["mov edx, 0x5658\nin eax, dx", INSTRUCTION[backend]]) {
        const vm = guest(
          "vmware",
          `mov eax, 0x564d5868\nmov ebx, 0\nmov ecx, 10\n${door}\nmov esi, eax\nmov edi, ebx
           mov eax, 0x564d5868\nmov ebx, 0x1234\nmov ecx, 0xfff\n${door}\nhlt`,
          { backend, mode },
        );
        const io = door.startsWith("mov");
        const name = io
          ? `${backend === "vmx" ? "IO_INSTRUCTION" : "IOIO"} 5658`
          : INSTRUCTION[backend].toUpperCase();
        const keys = io ? ["", ""] : [" a", " fff"];
        assertEquals(await exits(vm), [...keys.map((key) => name + key), "HLT 0"]);
        const { registers } = vm.vcpu;
        assertEquals([registers.get("esi"), registers.get("edi")], [6n, 0x564d_5868n]);
        assertEquals([signed(vm), registers.get("ebx")], [-1n, 0x1234n]);
      }
    }
    const plain = guest("kvm", "mov eax, 0x564d5868\nmov ecx, 10\nmov edx, 0x5658\nin eax, dx\nhlt", {
      mode: 32,
      backend,
    });
    await exits(plain);
    assertEquals(signed(plain), -1n, "no backdoor under KVM");
  });

  Deno.test(`KVM's own numbers and -KVM_ENOSYS on ${backend}`, async () => {
    for (const [number, status] of [[1, 0n], [5, -1000n], [9, -95n], [0x777, -1000n]] as const) {
      const vm = guest("kvm", `mov eax, ${number}\n${INSTRUCTION[backend]}\nhlt`, { backend });
      await exits(vm);
      assertEquals(BigInt.asIntN(64, vm.vcpu.registers.get("rax")), status);
    }
  });

  const wrong = backend === "vmx" ? "vmmcall" : "vmcall";
  const exception = backend === "vmx" ? "EXCEPTION_NMI 6" : "EXCP 6", own = INSTRUCTION[backend];
  for (const engine of ["interpreter", "oracle"] as const) {
    Deno.test(`the other vendor's instruction: patched after its #UD's exit, ${backend}, ${engine}`, async () => {
      const source = `mov ebp, 3\nagain: mov eax, 0x777\ncall_: ${wrong}\ndec ebp\njnz again\nhlt`;
      const vm = guest("kvm", source, { backend, engine });
      const at = vm.assemble(source, 0x1000n).symbols.get("call_")!;
      const before = [...vm.memory.read(at, 3)];
      assertEquals(await exits(vm), [
        exception,
        ...new Array(3).fill(`${own.toUpperCase()} 777`),
        "HLT 0",
      ]);
      assertEquals([before, [...vm.memory.read(at, 3)]], [
        [...BYTES[backend === "vmx" ? "svm" : "vmx"]],
        [...BYTES[backend]],
      ]);
      assertEquals(signed(vm), -1000n);

      const emulated = guest("kvm", source, { backend, engine, wrongHypercall: "emulate" });
      assertEquals(await exits(emulated), [exception, exception, exception, "HLT 0"]);
      assertEquals([...emulated.memory.read(at, 3)], before);
      assertEquals(signed(emulated), -1000n);
      assertEquals(emulated.vcpu.instructions, vm.vcpu.instructions);
    });
  }

  Deno.test(`the other vendor's instruction reaches devices as its own does, ${backend}`, async () => {
    for (const wrongHypercall of ["patch", "emulate"] as const) {
      for (const late of [false, true]) {
        const vm = guest("kvm", `mov eax, 7\nmov ebx, 5\n${wrong}\nhlt`, { backend, wrongHypercall });
        let calls = 0;
        vm.hypercalls.register(7, {
          name: "seven",
          async call({ registers }) {
            calls++;
            if (late) await Promise.resolve();
            registers.set("rax", registers.get("rbx") * 2n);
          },
        });
        await exits(vm);
        assertEquals([vm.vcpu.registers.get("rax"), calls], [10n, 1]);
      }
    }
  });

  Deno.test(`what is refused with #UD: ${backend}`, async () => {
    const refused: readonly [HypervisorName, string, 16 | 32 | 64][] = [
      ["none", own, 64],
      ["hyperv", own, 64],
      ["hyperv", own, 16],
      ["xen", wrong, 64],
      ["vmware", wrong, 64],
      ["none", wrong, 32],
    ];
    for (const [hypervisor, instruction, mode] of refused) {
      const vm = guest(hypervisor, `${instruction}\nhlt`, { backend, mode });
      const at = mode === 16 ? 0x18 : undefined;
      if (at) vm.memory.write(at, Uint8Array.of(0, 0x20, 0, 0));
      if (at) vm.memory.write(0x2000, Uint8Array.of(0xf4));
      const stop = await vm.run({ instructions: 100 });
      assertEquals(stop.reason, at ? "HLT" : "SHUTDOWN", `${hypervisor} ${instruction} ${stop.message}`);
      if (at) assertEquals(stop.pc, 0x2001n);
      const first = instruction === own ? own.toUpperCase() : exception.split(" ")[0];
      assertEquals(vm.exits.rows[0].native.name, first);
    }
  });
}

Deno.test("text that the guest may not write gets its #UD instead of a patch", async () => {
  const vm = createVm({ arch: "x86", mode: 32, memory: 2 ** 18, recordRows: true });
  vm.memory.addSlot({ name: "rom", gpa: 0x8_0000, size: 4096, readOnly: true });
  vm.load(vm.assemble("vmmcall\nhlt", 0x8_0000n));
  assertEquals((await vm.run()).reason, "SHUTDOWN");
  assertEquals([...vm.memory.read(0x8_0000, 3)], [...BYTES.svm]);
});

Deno.test("MSRs are #GP where the hypervisor has none, for pages outside of RAM and for reserved bits", async () => {
  const write = (low: number, high = 0, msr = 0x4000_0000) =>
    `mov ecx, ${msr}\nmov eax, ${low}\nmov edx, ${high}\nwrmsr\nhlt`;
  const id = "mov ecx, 0x40000000\nmov eax, 1\nmov edx, 0\nwrmsr\n";
  const faults: readonly [HypervisorName, string][] = [
    ["kvm", write(0x3000)],
    ["vmware", write(0x3000)],
    ["none", "mov ecx, 0x40000000\nrdmsr\nhlt"],
    ["xen", write(0x3001)],
    ["xen", write(0xfff0_0000)],
    ["xen", write(0x3000, 0xffff_ffff)],
    ["xen", write(0x8_0000)],
    ["hyperv", id + write(0x8_0001, 0, 0x4000_0001)],
    ["hyperv", id + write(0xfff0_0001, 0, 0x4000_0001)],
    ["hyperv", id + write(1, 0xffff_ffff, 0x4000_0001)],
    ["hyperv", write(5, 0, 0x4000_0002)],
    ["hyperv", id + write(0x3003, 0, 0x4000_0001).replace("hlt", "wrmsr\nhlt")],
  ];
  for (const [hypervisor, source] of faults) {
    const vm = guest(hypervisor, source, { mode: 32 });
    vm.memory.addSlot({ name: "rom", gpa: 0x8_0000, size: 4096, readOnly: true });
    const stop = await vm.run({ instructions: 100 });
    assertEquals(
      [stop.reason, /#(GP|DF)/.test(stop.message)],
      ["SHUTDOWN", true],
      `${hypervisor}: ${stop.message}`,
    );
  }
});

Deno.test("createVm() says which hypervisors a backend and mode can show", () => {
  assertThrows(
    () => createVm({ arch: "ppc", hypervisor: "xen" }),
    RangeError,
    "kvm-hv carries no xen for a 64-bit guest: there are papr, none",
  );
  assertThrows(
    () => createVm({ arch: "x86", hypervisor: "osi" }),
    RangeError,
    "kvm, xen, hyperv, vmware, none",
  );
  assertThrows(
    () => createVm({ arch: "ppc", wrongHypercall: "patch" }),
    RangeError,
    "told which instruction",
  );
  const chosen = (backend: string, mode?: 32) =>
    createVm({ arch: backend.startsWith("kvm") ? "ppc" : "x86", backend, mode, memory: 4096 }).hypervisor
      .name;
  assertEquals(["vmx", "svm", "kvm-hv", "kvm-pr"].map((one) => chosen(one)), ["kvm", "kvm", "papr", "epapr"]);
});
