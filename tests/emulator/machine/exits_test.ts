/** What leaves the guest, under which name, on which backend, and with which values. */
import { assert, assertEquals } from "@std/assert";
import type { VmOptions } from "../../../emulator/machine/vm_options.ts";
import { exitsOf, guest } from "./guests.ts";

Deno.test("x86 exits have the names of their backend", async () => {
  const program = (call: string) =>
    `mov ebx, 0xfeb00000
     mov edx, 0x1000
     out dx, al
     in ax, dx
     mov eax, [rbx]
     mov [rbx + 4], cl
     add [rbx], eax
     mov eax, 0x40000000
     cpuid
     mov eax, 5
     ${call}
     hlt`;
  const ends = {
    vmx: [
      "IO IO_INSTRUCTION 0x1000 out 1 1/1",
      "IO IO_INSTRUCTION 0x1000 in 2 1/1",
      "MMIO EPT_VIOLATION 0xfeb00000 in 4 1/1",
      "MMIO EPT_MISCONFIG 0xfeb00004 out 1 1/1",
      "MMIO EPT_MISCONFIG 0xfeb00000 in 4 2/2",
      "CPUID CPUID 0x40000000 none 0 1/0",
      "HYPERCALL VMCALL 0x5 none 0 1/0",
      "HLT HLT 0x0 none 0 1/0",
    ],
    svm: [
      "IO IOIO 0x1000 out 1 1/1",
      "IO IOIO 0x1000 in 2 1/1",
      "MMIO NPF 0xfeb00000 in 4 1/1",
      "MMIO NPF 0xfeb00004 out 1 1/1",
      "MMIO NPF 0xfeb00000 in 4 2/2",
      "CPUID CPUID 0x40000000 none 0 1/0",
      "HYPERCALL VMMCALL 0x5 none 0 1/0",
      "HLT HLT 0x0 none 0 1/0",
    ],
  };
  for (const [backend, expected] of Object.entries(ends)) {
    for (const mode of [32, 64] as const) {
      const source = program(backend === "vmx" ? "vmcall" : "vmmcall");
      const vm = guest(mode === 64 ? source : source.replaceAll("rbx", "ebx"), { backend, mode });
      vm.devices.add({ name: "d", read: () => 0, write: () => {} });
      const stop = await vm.run();
      assertEquals([stop.reason, exitsOf(vm)], ["HLT", expected]);
      assertEquals(vm.vcpu.registers.get("eax"), 0xffff_fc18n);
    }
  }
});

Deno.test("the other vendor's hypercall is an invalid opcode: counted, and without a handler a clear shutdown", async () => {
  for (
    const [backend, call, native, shutdown] of [
      ["vmx", "vmmcall", "EXCEPTION_NMI", "TRIPLE_FAULT"],
      ["svm", "vmcall", "EXCP", "SHUTDOWN"],
    ]
  ) {
    const vm = guest(call, { backend, wrongHypercall: "reject" });
    const stop = await vm.run();
    assertEquals(stop.reason, "SHUTDOWN");
    assertEquals(exitsOf(vm), [`EXCEPTION ${native} 0x6 none 0 1/0`, `SHUTDOWN ${shutdown} 0x0 none 0 1/0`]);
    const other = call.toUpperCase();
    assert(stop.message.includes(`${other} is`) && stop.message.includes("invalid opcode"), stop.message);
  }
});

Deno.test("PowerPC exits have the names and vectors of their backend", async () => {
  const program = (call: string) =>
    `oris r5, r0, 0xfeb0
     lwz r4, 0(r5)
     stb r4, 4(r5)
     ${call}
     mfspr r6, 1023`;
  for (
    const [options, call, exits, r3] of [
      [{ mode: 64, backend: "kvm-hv" }, "li r3, 0x5\nsc 1", [
        "MMIO H_DATA_STORAGE 0xfeb00000 in 4 1/1",
        "MMIO H_DATA_STORAGE 0xfeb00004 out 1 1/1",
        "PAPR_HCALL SYSCALL 0x5 none 0 1/0",
      ], 2n ** 64n - 2n],
      ...([32, 64] as const).map((mode) =>
        [{ mode, backend: "kvm-pr" }, "lis r0, 0x4b56\nori r0, r0, 0x4d21\nli r11, 6\nsc", [
          "MMIO DATA_STORAGE 0xfeb00000 in 4 1/1",
          "MMIO DATA_STORAGE 0xfeb00004 out 1 1/1",
          "HYPERCALL SYSCALL 0x6 none 0 1/0",
        ], 12n] as const
      ),
    ] as const
  ) {
    const vm = guest(program(call), { arch: "ppc", ...options });
    vm.devices.add({ name: "d", read: () => 0, write: () => {} });
    const stop = await vm.run();
    assertEquals([stop.reason, exitsOf(vm)], ["UNIMPLEMENTED", exits]);
    assertEquals(vm.vcpu.registers.get("r3"), r3);
  }
});

Deno.test("a PowerPC system call goes to the guest's own vector, on kvm-pr by way of the host", async () => {
  for (const [mode, backend] of [[64, "kvm-hv"], [64, "kvm-pr"], [32, "kvm-pr"]] as const) {
    const vm = guest("li r3, 1\nsc\nli r4, 2\nstop: b stop", { arch: "ppc", mode, backend });
    vm.memory.write(
      0xc00,
      vm.assemble("mfsrr0 r9\nmfsrr1 r10\nli r8, 7\nrfi".replace("rfi", mode === 64 ? "rfid" : "rfi"), 0xc00n)
        .bytes,
    );
    const stop = await vm.run({ instructions: 7 });
    assertEquals([stop.reason, stop.pc], ["BUDGET", 0x100cn]);
    const get = (name: string) => vm.vcpu.registers.get(name);
    assertEquals([get("r3"), get("r4"), get("r8"), get("r9")], [1n, 2n, 7n, 0x1008n]);
    const first = backend === "kvm-hv" ? [] : ["SYSCALL SYSCALL 0xc00 none 0 1/0"];
    assertEquals(exitsOf(vm).slice(0, 1), first);
    assertEquals(get("msr"), mode === 64 ? 0x8000_0000_0000_1002n : 0x1002n);
  }
});

Deno.test("a PowerPC trap is a program interrupt", async () => {
  for (const backend of ["kvm-hv", "kvm-pr"]) {
    const vm = guest("nop\ntrap", { arch: "ppc", mode: 64, backend });
    vm.memory.write(0x700, vm.assemble("here: b here", 0x700n).bytes);
    const stop = await vm.run({ instructions: 4 });
    assertEquals([stop.reason, stop.pc], ["BUDGET", 0x700n]);
    assertEquals(vm.vcpu.registers.get("srr0"), 0x1004n);
    assertEquals(vm.vcpu.registers.get("srr1") & 0xffff_0000n, 0x2_0000n);
    assertEquals(exitsOf(vm), backend === "kvm-hv" ? [] : ["EXCEPTION PROGRAM 0x700 none 0 1/0"]);
  }
});

Deno.test("supervisor registers exit on kvm-pr and are the guest's own on kvm-hv", async () => {
  const source = "li r3, 0x77\nmtspr 273, r3\nmfspr r4, 273\nmfmsr r5\nmflr r6\nmftb r7\nstop: b stop";
  for (const [backend, count] of [["kvm-hv", 0], ["kvm-pr", 3]] as const) {
    const vm = guest(source, { arch: "ppc", mode: 64, backend });
    assertEquals((await vm.run({ instructions: 6 })).reason, "BUDGET");
    assertEquals([vm.vcpu.registers.get("r4"), vm.exits.count], [0x77n, count]);
    assertEquals(
      exitsOf(vm),
      count === 0 ? [] : [
        "INSTRUCTION PROGRAM 0x111 none 0 1/0",
        "INSTRUCTION PROGRAM 0x111 none 0 1/0",
        "INSTRUCTION PROGRAM 0x0 none 0 1/0",
      ],
    );
  }
});

Deno.test("an SPR that is not there is UNIMPLEMENTED and named", async () => {
  for (
    const [source, what] of [["mfspr r3, 1023", "mfspr of SPR 1023"], ["mtspr 1008, r3", "mtspr to SPR 1008"]]
  ) {
    const stop = await guest(source, { arch: "ppc" }).run();
    assertEquals([stop.reason, stop.reason === "UNIMPLEMENTED" && stop.what], ["UNIMPLEMENTED", what]);
  }
});

Deno.test("the TSC is the virtual time: it counts every cycle of instructions and exits", async () => {
  const vm = guest("rdtsc\nmov ecx, eax\nrdtsc\nmov esi, eax\nin al, 0x80\nrdtsc\nhlt");
  const times: number[] = [];
  for (let i = 0; i < 6; i++) {
    await vm.step();
    times.push(vm.vcpu.cycles);
  }
  const get = (name: string) => Number(vm.vcpu.registers.get(name));
  assertEquals([get("ecx"), get("esi"), get("eax")], [times[0], times[2], times[5]]);
  assertEquals(times[5] - times[3] > vm.exits.totals().cycles.total, true);
  assertEquals(get("edx"), 0);
});

Deno.test("the timebase is the virtual time at its own rate", async () => {
  const vm = guest("again: mftb r3\nb again", { arch: "ppc" });
  const { timebaseHz, coreHz } = vm.profile;
  let last = -1n;
  for (let i = 0; i < 50; i++) {
    await vm.run({ instructions: i % 2 === 0 ? 1 : 41 });
    const now = vm.vcpu.registers.get("r3");
    assert(now >= last);
    last = now;
    if (i === 0) assertEquals(now, BigInt(vm.vcpu.cycles) * BigInt(timebaseHz!) / BigInt(coreHz));
  }
  const wide = guest("mftbu r4\nmftb r3\n.long 0", { arch: "ppc", mode: 32, backend: "kvm-pr" });
  await wide.run();
  assertEquals(wide.vcpu.registers.get("r4"), 0n);
});

Deno.test("CPUID tells vendor, hypervisor and features, whatever the mode, and clears the upper halves", async () => {
  const text = (...words: bigint[]) =>
    new TextDecoder().decode(
      Uint8Array.from(words.flatMap((w) => [0n, 8n, 16n, 24n].map((n) => Number(w >> n & 255n)))),
    );
  for (const [backend, vendor] of [["vmx", "GenuineIntel"], ["svm", "AuthenticAMD"]]) {
    for (const mode of [16, 32, 64] as const) {
      const leaf = async (number: number) => {
        const vm = guest(`mov eax, ${number}\ncpuid\nhlt`, { mode, backend });
        if (mode === 64) { for (const name of ["rbx", "rcx", "rdx"]) vm.vcpu.registers.set(name, -1); }
        assertEquals((await vm.run()).reason, "HLT");
        return ["a", "b", "c", "d"].map((x) => vm.vcpu.registers.get(mode === 64 ? `r${x}x` : `e${x}x`));
      };
      const [highest, b, c, d] = await leaf(0);
      assertEquals([highest, text(b, d, c)], [1n, vendor]);
      const [, , features, old] = await leaf(1);
      assertEquals(features >> 31n, 1n);
      assertEquals(old, 0x3_a178n, "PSE TSC MSR PAE CX8 PGE CMOV PAT PSE36");
      const [, kb, kc, kd] = await leaf(0x4000_0000);
      assertEquals(text(kb, kc, kd), "KVMKVMKVM\0\0\0");
      const [, , , extended] = await leaf(0x8000_0001);
      assertEquals(extended, 0x2c10_0800n, "SYSCALL NX PDPE1GB RDTSCP LM");
      assertEquals((await leaf(0x8000_0000))[0], 0x8000_0008n);
      assertEquals((await leaf(0x8000_0008))[0], 0x3028n, "48 bits of linear, 40 of physical address");
      assertEquals(await leaf(0x1234), [0n, 0n, 0n, 0n]);
    }
  }
});

Deno.test("MMIO values are the bytes in address order, whatever the guest's byte order", async () => {
  const seen: string[] = [];
  const options: readonly [Partial<VmOptions>, string][] = [
    [
      { arch: "x86" },
      "mov ebx, 0xfeb00000\nmov eax, 1\nmov [rbx], eax\nmov [rbx], ax\nmov [rbx], rax\nmov eax, [rbx]\nhlt",
    ],
    [
      { arch: "ppc" },
      `oris r5, r0, 0xfeb0
      li r3, 1
      stw r3, 0(r5)
      stwbrx r3, r0, r5
      sth r3, 0(r5)
      sthbrx r3, r0, r5
      std r3, 0(r5)
      lwz r6, 0(r5)
      lwbrx r7, r0, r5
      lhz r8, 0(r5)
      ld r9, 0(r5)
      .long 0`,
    ],
  ];
  for (const [option, source] of options) {
    const vm = guest(source, option);
    vm.devices.add({
      name: "d",
      read: (_offset, size) => size === 8 ? 0x0807_0605_0403_0201n : 0x0403_0201,
      write: (_offset, size, value) =>
        void seen.push(`${size}:${value.toString(16)}${typeof value === "bigint" ? "n" : ""}`),
    });
    await vm.run();
    const get = (name: string) => vm.vcpu.registers.get(name).toString(16);
    if (option.arch === "x86") assertEquals(get("eax"), "4030201");
    else assertEquals(["r6", "r7", "r8", "r9"].map(get), ["1020304", "4030201", "102", "102030405060708"]);
  }
  assertEquals(seen, ["4:1", "2:1", "8:1n", "4:1000000", "4:1", "2:100", "2:1", "8:100000000000000n"]);
});

Deno.test("what nobody claims reads as ones and swallows stores", async () => {
  const vm = guest(
    "mov ebx, 0xf0000000\nmov rax, [rbx]\nmov ecx, [rbx]\nmovzx edx, word ptr [rbx]\nmov [rbx], rax\nin al, 0x99\nout 0x99, eax\nhlt",
  );
  assertEquals((await vm.run()).reason, "HLT");
  const get = (name: string) => vm.vcpu.registers.get(name);
  assertEquals([get("rax"), get("rcx"), get("rdx")], [2n ** 64n - 1n, 0xffff_ffffn, 0xffffn]);
  assertEquals(vm.exits.count, 7);
});

Deno.test("an access that only partly belongs to a range belongs to nobody", async () => {
  const vm = guest("in eax, 0x22\nhlt");
  vm.ports.add({ base: 0x20, size: 4, name: "d" }, { read: () => 1, write: () => {} });
  await vm.run();
  assertEquals(vm.vcpu.registers.get("eax"), 0xffff_ffffn);
});

Deno.test("stores to read-only memory leave the guest and change nothing", async () => {
  const vm = guest("mov ebx, 0x100000\nmov eax, [rbx]\nmov [rbx], ecx\nadd [rbx], ecx\nmov edx, [rbx]\nhlt");
  vm.memory.addSlot({ name: "rom", gpa: 0x10_0000, size: 0x1000, readOnly: true });
  vm.memory.write(0x10_0000, Uint8Array.of(1, 2, 3, 4));
  vm.vcpu.registers.set("ecx", 99);
  assertEquals((await vm.run()).reason, "HLT");
  assertEquals([vm.vcpu.registers.get("eax"), vm.vcpu.registers.get("edx")], [0x0403_0201n, 0x0403_0201n]);
  assertEquals(exitsOf(vm).slice(0, 2).map((text) => text.split(" ").slice(0, 4).join(" ")), [
    "MMIO EPT_VIOLATION 0x100000 out",
    "MMIO EPT_MISCONFIG 0x100000 out",
  ]);
});

Deno.test("who completes an access is what its device says", async () => {
  const vm = guest("in al, 0x20\nvmcall\nhlt");
  vm.ports.add({ base: 0x20, size: 1, name: "pit" }, { handledIn: "kernel", read: () => 1, write: () => {} });
  vm.hypercalls.register(1, {
    name: "one",
    handledIn: () => "kernel",
    call: (vcpu) => vcpu.registers.set("rax", 5),
  });
  assertEquals((await vm.run()).reason, "HLT");
  assertEquals(vm.exits.rows.map(({ handledIn, returns }) => [handledIn, returns]), [
    ["kernel", 0],
    ["kernel", 0],
    ["kernel", 0],
  ]);
  assertEquals(vm.vcpu.registers.get("rax"), 5n);
});
