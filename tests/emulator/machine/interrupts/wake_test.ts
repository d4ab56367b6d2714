/** Waiting for interrupts, raising them from a script, and what each costs. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createVm, type Vm } from "../../../../emulator/machine/vm.ts";
import { machine, vector } from "./guests.ts";

const X86 = { arch: "x86", mode: 16 } as const;
const ENGINES = ["interpreter", "oracle"] as const;
/** The master alone, vectors 8 on, one EOI by itself: handlers need not end anything. */
const AUTO_EOI = [[0x20, 0x13], [0x21, 8], [0x21, 3], [0x21, 0]]
  .map(([port, value]) => `mov al, ${value}\nout ${port}, al`).join("\n");
const COUNT = "inc di\niret";

function x86(main: string, engine: typeof ENGINES[number] = "interpreter", more = {}): Vm {
  const vm = machine({
    options: { ...X86, ...more },
    main: `${AUTO_EOI}\n${main}`,
    handlers: { 0x2000: COUNT },
  }, engine);
  for (let line = 0; line < 8; line++) vector(vm, 8 + line, 0x2000);
  vm.vcpu.registers.set("sp", 0x8000);
  return vm;
}
const names = (vm: Vm) => vm.exits.rows.slice(4).map(({ native }) => native.name);
const get = (vm: Vm, name: string) => vm.vcpu.registers.get(name);

for (const engine of ENGINES) {
  Deno.test(`a halted guest goes on when a script raises a line, ${engine}`, async () => {
    const vm = x86("sti\nhlt\ninc si\nhlt", engine);
    assertEquals([(await vm.run()).reason, vm.vcpu.halted, get(vm, "si")], ["HLT", true, 0n]);
    assertEquals((await vm.run()).reason, "HLT", "nothing has come");
    assertEquals(get(vm, "si"), 0n);
    vm.irq(3);
    assertEquals([(await vm.run()).reason, get(vm, "si"), get(vm, "di")], ["HLT", 1n, 1n]);
    // The line is still high: an edge asks once.
    assertEquals([(await vm.run()).reason, get(vm, "di")], ["HLT", 1n]);
    assertEquals(names(vm), ["HLT", "HLT"], "a halted vCPU is outside already");
  });

  Deno.test(`a line raised between two runs kicks the vCPU; with IF clear a window opens later, ${engine}`, async () => {
    const vm = x86("nop\nnop\nsti\nnop\nmov bx, di\ncli\nhlt", engine);
    await vm.run({ instructions: 9 });
    vm.irq(4);
    await vm.run({ instructions: 1 });
    assertEquals([names(vm), get(vm, "di")], [["EXTERNAL_INTERRUPT"], 0n]);
    const stop = await vm.run();
    assertEquals([stop.reason, get(vm, "di"), get(vm, "bx")], ["HLT", 1n, 1n]);
    assertEquals(names(vm), ["EXTERNAL_INTERRUPT", "INTERRUPT_WINDOW", "HLT"]);
    const { totals, rows } = { totals: vm.exits.totals(), rows: vm.exits.rows };
    assertEquals(rows.reduce((sum, { cycles }) => sum + cycles.total, 0), totals.cycles.total);
  });

  Deno.test(`STI and MOV SS hold interrupts off for one instruction, ${engine}`, async () => {
    // The instruction after STI still runs: it closes again, and nothing comes.
    const closed = x86("sti\ncli\nnop\nhlt", engine);
    closed.irq(1);
    await closed.run();
    assertEquals(get(closed, "di"), 0n);
    // MOV SP goes with MOV SS.
    const vm = x86("sti\nmov ax, ss\nmov dx, 0x1000\nout dx, al\nmov ss, ax\nmov sp, 0x7000\nhlt", engine);
    vm.devices.add({ name: "bell", write: (_o, _s, _v, c) => c.irq(2 + 1, true) });
    await vm.run({ instructions: 8 + 4 });
    assertEquals(get(vm, "di"), 0n);
    await vm.run();
    assertEquals([get(vm, "di"), get(vm, "sp")], [1n, 0x7000n]);
    const shadowed = x86("sti\nnop\nmov ax, ss\nnop\nmov ss, ax\nmov bx, di\nmov cx, di\nhlt", engine);
    await shadowed.run({ instructions: 8 + 4 });
    // Raised just before it, MOV SS is not begun: the interrupt comes first.
    shadowed.irq(5);
    await shadowed.run();
    assertEquals([get(shadowed, "bx"), get(shadowed, "cx")], [1n, 1n]);
  });

  Deno.test(`breakpoints and steps meet handlers, ${engine}`, async () => {
    const vm = x86("sti\nnop\nnop\nhlt", engine);
    vm.breakpoints.add(0x2000n);
    await vm.run({ instructions: 10 });
    vm.irq(5);
    const stop = await vm.run();
    assertEquals([stop.reason, stop.pc], ["DEBUG", 0x2000n]);
    assertEquals([(await vm.step()).pc, (await vm.run()).reason], [0x2001n, "HLT"]);
  });
}

Deno.test("HLT with interrupts disabled, or with the timer's line masked, cannot be woken", async () => {
  const timer = "mov al, 0x34\nout 0x43, al\nmov al, 50\nout 0x40, al\nmov al, 0\nout 0x40, al";
  for (const text of [`${timer}\ncli\nhlt`, `${timer}\nmov al, 0xff\nout 0x21, al\nsti\nhlt`]) {
    const vm = x86(text);
    assertEquals([(await vm.run()).reason, vm.vcpu.idleCycles], ["HLT", 0]);
  }
});

Deno.test("32- and 64-bit guests without a table shut down at an interrupt", async () => {
  for (const mode of [32, 64] as const) {
    const vm = createVm({ arch: "x86", mode, interrupts: true });
    vm.load(vm.assemble(`${AUTO_EOI}\nsti\nnop\nnop\nhlt`));
    await vm.run({ instructions: 10 });
    vm.irq(1);
    assertEquals((await vm.run()).reason, "SHUTDOWN");
  }
});

Deno.test("the timer's interrupt comes at the first boundary at or after its tick", async () => {
  const timer = "mov al, 0x30\nout 0x43, al\nmov al, 9\nout 0x40, al\nmov al, 0\nout 0x40, al";
  const vm = x86(`sti\nmov bx, 3\n${timer}\nloop: mov ax, 5\nmul bx\nadd cx, ax\njmp loop`);
  await vm.run({ instructions: 8 + 8 });
  const hz = BigInt(vm.profile.cyclesHz);
  const tick = BigInt(vm.vcpu.cycles) * 1_193_182n / hz + 9n + 1n;
  const due = Number((tick * hz + 1_193_181n) / 1_193_182n);
  let before = vm.vcpu.cycles;
  for (; vm.vcpu.cycles < due;) {
    before = vm.vcpu.cycles;
    await vm.step();
  }
  assert(before < due && get(vm, "di") === 0n);
  await vm.step();
  assertEquals([get(vm, "di"), vm.exits.rows.at(-1)?.native.name], [1n, "EXTERNAL_INTERRUPT"]);
  assertEquals(vm.exits.clockRead, true, "when it came depends on the prices");
});

Deno.test("a PowerPC 750 naps until its decrementer wakes it, and SRR1 has no POW", async () => {
  for (const engine of ENGINES) {
    const vm = machine({
      options: { arch: "ppc", mode: 32 },
      main:
        "lis r5, 1\nmtdec r5\nmfmsr r9\noris r9, r9, 4\nori r9, r9, 0x8000\nmtmsr r9\nli r7, 1\nloop: b loop",
      handlers: { 0x900: "mfsrr1 r8\nmfsrr0 r6\naddi r20, r20, 1\nrfi" },
    }, engine);
    await vm.run({ instructions: 12 });
    assertEquals([get(vm, "r20"), get(vm, "r7"), get(vm, "r6")], [1n, 1n, 0x1018n]);
    assertEquals(get(vm, "r8") & 0x4_8000n, 0x8000n);
    assert(vm.vcpu.idleCycles > 0);
    assert(!vm.exits.rows.some(({ native }) => native.name === "DECREMENTER"));
  }
});

Deno.test("a decrementer that is negative asks again on POWER8 and only once on a 750", async () => {
  for (const [mode, count] of [[32, 1n], [64, 3n]] as const) {
    const [set, back] = mode === 32 ? ["mtmsr", "rfi"] : ["mtmsrd", "rfid"];
    const vm = machine({
      options: { arch: "ppc", mode, backend: "kvm-pr" },
      main: `li r5, -1\nmfmsr r9\nori r9, r9, 0x8000\nmtdec r5\n${set} r9\nloop: b loop`,
      handlers: { 0x900: `addi r20, r20, 1\n${back}` },
    }, "interpreter");
    await vm.run({ instructions: mode === 32 ? 20 : 5 + 6 });
    assertEquals(get(vm, "r20"), count);
  }
});

Deno.test("a VM without a controller says so, and lines are checked", async () => {
  const vm = createVm({ arch: "x86", mode: 16 });
  assertThrows(() => vm.irq(1), Error, "interrupts: true");
  assertThrows(() => x86("hlt").irq(16), RangeError, "lines 0 to 15");
  vm.load(vm.assemble("mov dx, 0x1000\nout dx, al\nhlt"));
  vm.devices.add({ name: "bell", write: (_o, _s, _v, c) => c.irq(1, true) });
  const stop = await vm.run();
  assert(stop.reason === "DEVICE_ERROR" && stop.message.includes("interrupts: true"));
  await assertRejects(() => vm.run({ instructions: -1 }), RangeError);
});
