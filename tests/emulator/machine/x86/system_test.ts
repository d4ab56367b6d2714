/** Descriptor tables, segments, far transfers, control and debug registers, MSRs in the flat modes. */
import { assertEquals } from "@std/assert";
import { makeVm, type Outcome, runEverywhere } from "../../engine/executors.ts";
import { FLAT_MODES, flatGuest, type FlatMode, type Gate, GDT_LIMIT, SELECTOR, STACK } from "./guest.ts";

/** Handler that leaves the error code in ebp. */
const H = "h: pop Rbp\nhlt",
  GATES: Record<number, Gate> = { 11: { to: "h" }, 12: { to: "h" }, 13: { to: "h" } };

function run(mode: FlatMode, code: string, backend: "vmx" | "svm" = "vmx"): Promise<Outcome> {
  return runEverywhere({ ...flatGuest(mode, code, H, GATES), backend });
}

const register = (outcome: Outcome, name: string) => BigInt(`0x${outcome.registers[name]}`);
/** Of a full register: rax or eax. */
const full = (outcome: Outcome, mode: FlatMode, name: string) =>
  register(outcome, `${mode === 64 ? "r" : "e"}${name}`);
async function faults(mode: FlatMode, code: string, error: bigint): Promise<void> {
  const outcome = await run(mode, `mov Rbp, -1\n${code}`);
  assertEquals(
    [outcome.stop.reason, full(outcome, mode, "bp")],
    ["HLT", error],
    `${code}: ${outcome.stop.message}`,
  );
}

async function lacks(mode: FlatMode, code: string, what: string): Promise<void> {
  const { stop } = await run(mode, code);
  assertEquals([stop.reason, stop.message.slice(0, what.length)], ["UNIMPLEMENTED", what], code);
}

for (const mode of FLAT_MODES) {
  const far = (name: string, selector: number) =>
    mode === 64
      ? `mov rax, to\nmov rbx, room\nmov [rbx], rax\nmov word ptr [rbx+8], ${selector}\n${name} far tbyte ptr [rbx]`
      : `mov ebx, room\nmov dword ptr [ebx], to\nmov word ptr [ebx+4], ${selector}\n${name} far fword ptr [ebx]`;
  const place = mode === 64 ? ".byte 0x48\n" : "";

  Deno.test(`SGDT and SIDT store what LGDT and LIDT loaded, x86-${mode}`, async () => {
    const code =
      "mov ebx, room\nsgdt [Rbx]\nlgdt [Rbx]\nsidt [Rbx+16]\nmov eax, [Rbx+2]\nmovzx ecx, word ptr [Rbx]";
    const outcome = await run(mode, code);
    const get = (name: string) => register(outcome, name);
    assertEquals([outcome.stop.reason, full(outcome, mode, "cx"), get("gdt_limit")], [
      "HLT",
      BigInt(GDT_LIMIT),
      BigInt(GDT_LIMIT),
    ]);
    assertEquals(full(outcome, mode, "ax"), get("gdt_base"));
    assertEquals(get("idt_limit"), BigInt(0x31 * (mode === 64 ? 16 : 8) - 1));
  });

  Deno.test(`segment registers take data segments, null and fs with a base, x86-${mode}`, async () => {
    const code = `mov eax, ${SELECTOR.userData}\nmov es, ax\nmov eax, ${SELECTOR.based}\nmov fs, ax\n` +
      `xor eax, eax\nmov gs, ax\nmov ds, ax\nmov eax, ${SELECTOR.data}\nmov ss, ax\nmov eax, ${SELECTOR.code}\nmov es, ax`;
    const outcome = await run(mode, code);
    const get = (name: string) => register(outcome, name);
    assertEquals([outcome.stop.reason, get("fs"), get("fs_base")], [
      "HLT",
      BigInt(SELECTOR.based),
      0x1234_5678n,
    ], outcome.stop.message);
    assertEquals([get("es"), get("ds"), get("gs_base"), get("ss")], [8n, 0n, 0n, 0x10n]);
    // 64-bit mode holds the base of ds too, and leaves it aside.
    const based = await run(mode, `mov eax, ${SELECTOR.based}\nmov ds, ax`);
    assertEquals(register(based, "ds_base"), 0x1234_5678n);
  });

  Deno.test(`loading a segment sets its descriptor's accessed bit, x86-${mode}`, async () => {
    const guest = flatGuest(mode, `mov eax, ${SELECTOR.data}\nmov ds, ax`);
    for (const executor of ["oracle", "interpreter"] as const) {
      const vm = makeVm(guest, executor);
      const at = Number(vm.symbols.lookup("gdt")) + SELECTOR.data + 5;
      assertEquals(vm.memory.read(at, 1)[0], 0x92);
      await vm.run({ instructions: 1000 });
      assertEquals(vm.memory.read(at, 1)[0], 0x93);
    }
  });

  Deno.test(`LLDT and LTR load, SLDT and STR store, x86-${mode}`, async () => {
    const code =
      `mov eax, ${SELECTOR.localTable}\nlldt ax\nmov eax, ${SELECTOR.task}\nltr ax\nsldt ecx\nstr edx\n` +
      "mov eax, 0xc\nmov fs, ax";
    const outcome = await run(mode, code);
    assertEquals(
      [outcome.stop.reason, full(outcome, mode, "cx"), full(outcome, mode, "dx"), register(outcome, "fs")],
      ["HLT", BigInt(SELECTOR.localTable), BigInt(SELECTOR.task), 0xcn],
      outcome.stop.message,
    );
    // A task state segment that is loaded is busy.
    await faults(mode, `mov eax, ${SELECTOR.task}\nltr ax\nltr ax`, BigInt(SELECTOR.task));
    await faults(mode, `mov eax, ${SELECTOR.data}\nlldt ax`, BigInt(SELECTOR.data));
    await faults(mode, "xor eax, eax\nltr ax", 0n);
    await faults(mode, "mov eax, 0xc\nmov fs, ax", 0xcn);
  });

  Deno.test(`far transfers within the mode, x86-${mode}`, async () => {
    for (const selector of [SELECTOR.code, SELECTOR.conforming, SELECTOR.conforming | 3]) {
      const outcome = await run(mode, `${far("jmp", selector)}\nmov esi, 1\nto: mov edi, 2`);
      assertEquals(outcome.stop.reason, "HLT", outcome.stop.message);
      assertEquals([full(outcome, mode, "si"), full(outcome, mode, "di")], [0n, 2n]);
      assertEquals(register(outcome, "cs"), BigInt(selector & ~3));
    }
    const call = await run(
      mode,
      `${far("call", SELECTOR.conforming)}\nmov esi, 1\nhlt\nto: mov edi, 2\n${place}retf`,
    );
    assertEquals(
      [call.stop.reason, full(call, mode, "si"), full(call, mode, "di")],
      ["HLT", 1n, 2n],
      call.stop.message,
    );
    assertEquals([register(call, "cs"), full(call, mode, "sp")], [BigInt(SELECTOR.code), STACK]);
    await faults(mode, `${far("jmp", 0)}\nto: hlt`, 0n);
    await faults(mode, `${far("jmp", SELECTOR.data)}\nto: hlt`, BigInt(SELECTOR.data));
    await faults(mode, `${far("jmp", SELECTOR.code | 3)}\nto: hlt`, BigInt(SELECTOR.code));
    await faults(mode, `${far("jmp", SELECTOR.absentCode)}\nto: hlt`, BigInt(SELECTOR.absentCode));
    await faults(mode, `${far("jmp", SELECTOR.userCode)}\nto: hlt`, BigInt(SELECTOR.userCode));
    const gate = await run(mode, `${far("jmp", SELECTOR.callGate)}\nto: hlt`);
    assertEquals([gate.stop.reason, full(gate, mode, "di"), register(gate, "cs")], ["HLT", 7n, 8n]);
    // From 64-bit mode to compatibility mode, from 32-bit code to 16-bit code.
    const other = await run(mode, `${far("jmp", SELECTOR.otherMode)}\nto: inc eax\nhlt`);
    assertEquals([other.stop.reason, register(other, "cs")], ["HLT", BigInt(SELECTOR.otherMode)]);
  });

  Deno.test(`control registers keep their bits, x86-${mode}`, async () => {
    const code = "mov Rax, cr0\nor Rax, 0x10008\nmov cr0, Rax\nmov ecx, 0x123\nmov cr2, Rcx\nmov Rax, cr4\n" +
      "or Rax, 4\nmov cr4, Rax\nmov Rax, cr3\nmov cr3, Rax\nclts\nmov Rsi, cr0\nmov Rdi, cr4\nmov Rbp, cr2";
    const outcome = await run(mode, code);
    const get = (name: string) => full(outcome, mode, name);
    assertEquals(outcome.stop.reason, "HLT", outcome.stop.message);
    assertEquals([get("si") & 0x1_001fn, get("di"), get("bp")], [
      0x1_0011n,
      mode === 64 ? 0x24n : 4n,
      0x123n,
    ]);
    const status = await run(mode, "mov eax, 0xe\nlmsw ax\nsmsw ecx");
    assertEquals(full(status, mode, "cx") & 0x1fn, 0x1fn);
    await faults(mode, "mov Rax, cr4\nor Rax, 0x2000\nmov cr4, Rax", 0n);
    await faults(
      mode,
      "mov Rax, cr0\nand Rax, 0xbfffffff\nmov cr0, Rax".replace("0xbfffffff", "-0x40000001"),
      0n,
    );
    // CR4.VME and PVI, whose feature is not there.
    await faults(mode, "mov Rax, cr4\nor Rax, 1\nmov cr4, Rax", 0n);
    await faults(mode, "mov Rax, cr4\nor Rax, 2\nmov cr4, Rax", 0n);
    if (mode === 64) {
      await faults(64, "mov rax, cr0\nbtr rax, 31\nmov cr0, rax", 0n);
      await faults(64, "xor eax, eax\nmov cr4, rax", 0n);
      await faults(64, "mov eax, 1\nshl rax, 40\nmov cr3, rax", 0n);
    }
  });

  Deno.test(`debug registers are kept, and arm nothing, x86-${mode}`, async () => {
    const code =
      "mov eax, 0x1234\nmov dr0, Rax\nmov eax, 0x400\nmov dr7, Rax\nmov Rsi, dr0\nmov Rdi, dr7\nmov Rbp, dr6";
    const outcome = await run(mode, code);
    assertEquals(["si", "di", "bp"].map((name) => full(outcome, mode, name)), [
      0x1234n,
      0x400n,
      0xffff_0ff0n,
    ]);
    await lacks(mode, "mov eax, 1\nmov dr7, Rax", "breakpoints of the processor");
  });

  Deno.test(`MSRs, x86-${mode}`, async () => {
    const outcome = await run(
      mode,
      "mov ecx, 0xc0000103\nmov eax, 5\nxor edx, edx\nwrmsr\nrdtscp\nmov esi, ecx\nmov ecx, 0x1b\nrdmsr\nmov edi, eax",
    );
    assertEquals([outcome.stop.reason, full(outcome, mode, "si"), full(outcome, mode, "di")], [
      "HLT",
      5n,
      0xfee0_0100n,
    ]);
    const clock = await run(
      mode,
      "mov ecx, 0x10\nxor eax, eax\nmov edx, 0x77\nwrmsr\nrdtsc\nmov esi, edx\nrdmsr",
    );
    assertEquals([full(clock, mode, "si"), full(clock, mode, "dx")], [0x77n, 0x77n]);
    await faults(mode, "mov ecx, 0x12345\nrdmsr", 0n);
    await faults(mode, "mov ecx, 0xc0000080\nmov eax, 2\nxor edx, edx\nwrmsr", 0n);
    const bases = await run(
      mode,
      "mov ecx, 0xc0000102\nmov eax, 9\nxor edx, edx\nwrmsr\nrdmsr\nmov edi, eax",
    );
    assertEquals([bases.stop.reason, full(bases, mode, "di")], ["HLT", 9n]);
    const pat = await run(mode, "mov ecx, 0x277\nrdmsr\nmov esi, edx\nmov al, 1\nwrmsr\nrdmsr\nmov edi, eax");
    assertEquals([full(pat, mode, "si"), full(pat, mode, "di")], [0x7_0406n, 0x7_0401n], pat.stop.message);
    await faults(mode, "mov ecx, 0x277\nmov eax, 2\nxor edx, edx\nwrmsr", 0n);
    const efer = await run(
      32,
      "mov ecx, 0xc0000080\nmov eax, 0x900\nxor edx, edx\nwrmsr\nrdmsr\nmov edi, eax",
    );
    assertEquals([efer.stop.reason, full(efer, 32, "di")], ["HLT", 0x900n]);
    await faults(64, "mov ecx, 0xc0000080\nxor eax, eax\nxor edx, edx\nwrmsr", 0n);
  });
}

Deno.test("FS_BASE, KERNEL_GS_BASE and SWAPGS in 64-bit mode", async () => {
  const write = (msr: string, high: number, low: number) =>
    `mov ecx, ${msr}\nmov edx, ${high}\nmov eax, ${low}\nwrmsr\n`;
  const outcome = await run(
    64,
    write("0xc0000100", 1, 0x10) + write("0xc0000101", 0, 0x20) + write("0xc0000102", 0, 0x30) +
      "swapgs\nrdmsr\nmov esi, eax",
  );
  const get = (name: string) => register(outcome, name);
  assertEquals([outcome.stop.reason, get("fs_base"), get("gs_base"), get("rsi")], [
    "HLT",
    0x1_0000_0010n,
    0x30n,
    0x20n,
  ]);
  await faults(64, write("0xc0000100", 0x8000, 0), 0n);
});

Deno.test("what leaves the guest: MSRs, CR0 and CR4, debug registers", async () => {
  const code = "mov ecx, 0xc0000100\nrdmsr\nmov ecx, 0xc0000080\nrdmsr\nwrmsr\nmov rax, cr0\nmov cr0, rax\n" +
    "or rax, 0x10000\nmov cr0, rax\nmov rax, cr3\nmov cr3, rax\nmov rax, cr4\nmov cr4, rax\nmov rax, dr7\nmov dr7, rax";
  const expected = {
    vmx: ["MSR_READ", "MSR_WRITE", "CR_ACCESS", "CR_ACCESS", "DR_ACCESS", "DR_ACCESS", "HLT"],
    svm: ["MSR", "MSR", "CR0_WRITE", "CR0_WRITE", "CR4_WRITE", "DR0_READ", "DR0_WRITE", "HLT"],
  };
  for (const backend of ["vmx", "svm"] as const) {
    const vm = makeVm({ ...flatGuest(64, code, H, GATES), backend }, "interpreter");
    const stop = await vm.run({ instructions: 1000 });
    assertEquals(stop.reason, "HLT", stop.message);
    // VT-x lets a write of CR0 pass that changes nothing, and KVM the bases of segments on both.
    assertEquals(vm.exits.rows.map(({ native }) => native.name), expected[backend]);
  }
});

Deno.test("real mode loads descriptor tables, and has MSRs", async () => {
  const tables = await runEverywhere({
    mode: 16,
    source: "mov bx, table\nlgdt [bx]\nmov bx, room\nsgdt [bx]\nmov ax, [bx]\nhlt\nend_of_region:\n" +
      "table: .word 0x27\n.long 0x12345678\nroom: .space 8",
  });
  const get = (name: string) => register(tables, name);
  // Operand size 16 takes 24 bits of the base.
  assertEquals([tables.stop.reason, get("gdt_base"), get("eax")], ["HLT", 0x34_5678n, 0x27n]);
  const msr = await runEverywhere({ mode: 16, source: "mov ecx, 0x1b\nrdmsr\nhlt" });
  assertEquals([msr.stop.reason, register(msr, "eax")], ["HLT", 0xfee0_0100n]);
});
