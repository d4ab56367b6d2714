/** Interrupts and the MSR by the manuals: Power ISA 2.07B Book III-S, and for 32 bits the Programming Environments Manual. */
import { assertEquals } from "@std/assert";
import type { VmOptions } from "../../../../emulator/machine/vm_options.ts";
import { exitsOf, guest } from "../guests.ts";

const PR = 0x4000n, IP = 0x40n, ILE = 0x1_0000n, LE = 1n, ME = 0x1000n, SF = 1n << 63n;

interface Setting {
  readonly options: Partial<VmOptions>;
  readonly registers?: Readonly<Record<string, bigint>>;
}

/** Runs a program until it arrives at an address, at most 20 instructions. */
async function until(address: bigint, source: string, { options, registers = {} }: Setting) {
  const vm = guest(source, { arch: "ppc", ...options });
  for (const [name, value] of Object.entries(registers)) vm.vcpu.registers.set(name, value);
  const stop = await vm.run({ instructions: 20, until: address });
  assertEquals([stop.reason, vm.vcpu.pc], ["UNTIL", address], stop.message);
  return { vm, get: (name: string) => vm.vcpu.registers.get(name) };
}

const PR32: Setting = { options: { mode: 32 } }, HV64: Setting = { options: { mode: 64 } };

Deno.test("32-bit: MSR[IP] moves the vectors to 0xfff00000 and stays; ILE becomes LE", async () => {
  const high = guest("sc", { arch: "ppc", mode: 32 });
  high.memory.addSlot({ name: "high", gpa: 0xfff0_0000, size: 0x1000 });
  high.vcpu.registers.set("msr", ME | IP);
  await high.run({ instructions: 1 });
  assertEquals([high.vcpu.pc, high.vcpu.registers.get("msr")], [0xfff0_0c00n, ME | IP]);
  const { vm, get } = await until(0xc00n, "sc", { ...PR32, registers: { msr: ME | ILE } });
  assertEquals([get("msr"), get("srr1"), vm.isa.name], [ME | ILE | LE, ME, "ppc32le"]);
});

Deno.test("32-bit: rfi takes SRR1's bits 0, 5 to 9, 16 to 23, 25 to 27, 30 and 31", async () => {
  const registers = { srr0: 0x2003n, srr1: 0xffff_ff82n, msr: ME | ILE };
  const { get } = await until(0x2000n, "rfi", { ...PR32, registers });
  // Of those bits the processor has EE to FE1, IP, IR, DR, RI, LE; ILE stays as it is.
  assertEquals(get("msr"), ILE | 0xff02n);
});

Deno.test("64-bit: mtmsrd writes neither HV nor ME nor LE; rfid neither HV nor ME", async () => {
  const all = (1n << 64n) - 1n & ~0x3fn & ~PR & ~0x6000_0000_00n & ~(7n << 32n) & ~0x600n;
  const one = await until(0x1004n, "mtmsrd r3\nnop", { ...HV64, registers: { r3: all, msr: SF } });
  assertEquals(one.get("msr"), SF | 0x0280_a900n);
  const two = await until(0x2000n, "rfid", { ...HV64, registers: { srr0: 0x2000n, srr1: all, msr: SF } });
  assertEquals(two.get("msr"), SF | 0x0280_a900n);
});

Deno.test("64-bit: problem state implies translation, which is not implemented", async () => {
  const vm = guest("rfid", { arch: "ppc", mode: 64 });
  vm.vcpu.registers.set("srr1", SF | PR);
  const stop = await vm.run();
  assertEquals(stop.reason === "UNIMPLEMENTED" && stop.what, "address translation (MSR[IR], MSR[DR])");
});

Deno.test("64-bit little-endian: interrupts keep the order that LPCR[ILE] says", async () => {
  const { vm, get } = await until(0x700n, "trap", { options: { mode: 64, order: "le" } });
  assertEquals([get("msr") & LE, vm.isa.name], [LE, "ppc64le"]);
  const big = await until(0x700n, "trap", { options: { mode: 64, order: "le" }, registers: { lpcr: 0n } });
  assertEquals([big.get("msr") & LE, big.get("srr1") & LE, big.vm.isa.name], [0n, LE, "ppc64"]);
});

Deno.test("a floating-point exception that was held off comes with MSR[FE0], SRR1 bit 47 set", async () => {
  // FEX, VX, VXSNAN and VE.
  const registers = { fpscr: 0xe100_0080n, r3: 0x1800n };
  const { get } = await until(0x700n, "nop\nmtmsr r3\nnop", { ...PR32, registers });
  assertEquals([get("srr0"), get("srr1")], [0x1008n, 0x11_1800n]);
  const back = { fpscr: 0xe100_0080n, srr0: 0x3000n, srr1: SF | 0x1900n };
  const returned = await until(0x700n, "rfid", { ...HV64, registers: back });
  assertEquals([returned.get("srr0"), returned.get("srr1")], [0x3000n, SF | 0x11_1900n]);
});

Deno.test("what SPRs that the processor has not come to: Book III-S 4.4.4", async () => {
  for (const setting of [PR32, HV64]) {
    const supervisor = setting === HV64 ? SF | ME : ME;
    const to = async (source: string, msr: bigint) => {
      const { get } = await until(0x700n, source, { ...setting, registers: { msr } });
      return get("srr1") & 0x783f_0000n;
    };
    for (const spr of [0, 4, 5, 6]) {
      assertEquals(await to(`mfspr r3, ${spr}`, supervisor), 0x8_0000n);
      assertEquals(await to(`mtspr ${spr}, r3`, supervisor), 0x8_0000n);
    }
    for (const source of ["mfspr r3, 100", "mtspr 100, r3", "mtspr 268, r3"]) {
      assertEquals(await to(source, supervisor | PR), 0x8_0000n);
      await until(0x1004n, `${source}\nnop`, setting);
    }
    for (const source of ["mfspr r3, 55", "mtspr 287, r3", "mfsrr0 r3", "mfspr r3, 310"]) {
      assertEquals(await to(source, supervisor | PR), 0x4_0000n);
    }
    await until(0x1004n, "mtspr 287, r3\nnop", setting);
  }
});

Deno.test("under KVM an illegal instruction, a page fault and a step reach the host first", async () => {
  const hv = await until(0x700n, "nop\n.long 0x7c0003fe", HV64);
  assertEquals(exitsOf(hv.vm), ["INSTRUCTION HV_EMUL_ASSIST 0x0 none 0 1/0"]);
  const pr = await until(0x700n, "nop\n.long 0x7c0003fe", PR32);
  assertEquals(exitsOf(pr.vm), ["EXCEPTION PROGRAM 0x700 none 0 1/0"]);
  const data = await until(0x300n, "lwz r3, 4(r4)", {
    ...PR32,
    registers: { msr: ME | 0x10n, r4: 0x5000_0000n },
  });
  assertEquals(exitsOf(data.vm), ["EXCEPTION DATA_STORAGE 0x300 none 0 1/0"]);
  assertEquals([data.get("dar"), data.get("dsisr"), data.get("srr0")], [0x5000_0004n, 0x4000_0000n, 0x1000n]);
  const fetched = await until(0x400n, "nop", { ...PR32, registers: { msr: ME | 0x20n } });
  assertEquals(exitsOf(fetched.vm), ["EXCEPTION INST_STORAGE 0x400 none 0 1/0"]);
  assertEquals([fetched.get("srr0"), fetched.get("srr1")], [0x1000n, 0x4000_1020n]);
  const step = await until(0xd00n, "nop\nnop", { ...PR32, registers: { msr: ME | 0x400n } });
  assertEquals(exitsOf(step.vm), ["EXCEPTION TRACE 0xd00 none 0 1/0"]);
  assertEquals([step.get("srr0"), step.vm.vcpu.instructions], [0x1004n, 1]);
});

Deno.test("a guest without a handler for program interrupts is stopped at its first word", async () => {
  const vm = guest("nop\n.long 0", { arch: "ppc", mode: 64 });
  const stop = await vm.run();
  assertEquals([stop.reason, stop.pc, vm.exits.count, vm.vcpu.instructions], [
    "INTERNAL_ERROR",
    0x700n,
    1,
    1,
  ]);
  assertEquals(stop.message, "no instruction at 0x700, where program interrupts are handled (SRR0 0x1004)");
});

Deno.test("multiples want their alignment in mode 32, and DSISR tells the instruction (6.4.6)", async () => {
  const { get } = await until(0x600n, "stmw r29, 2(r4)", { ...PR32, registers: { r4: 0x2000n } });
  // D-form: bits 5 and 1 to 4 of the opcode 47, then RS and RA.
  assertEquals([get("dar"), get("dsisr")], [0x2002n, BigInt(0b10111 << 10 | 29 << 5 | 4)]);
});
