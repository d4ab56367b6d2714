/** Packets and their answers, without a socket: GDB manual, "Packets", "Stop Reply Packets", "General Query Packets". */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { client } from "./client.ts";
import { GUESTS, inOrder } from "./guests.ts";
import { registersOf } from "../../../shell/gdb/layout.ts";
import { PACKET_SIZE } from "../../../shell/gdb/packets.ts";

const BE = GUESTS.ppc, LE = GUESTS.ppc64le;
const hex = (text: string) => new TextEncoder().encode(text).toHex();

for (const [name, guest] of Object.entries(GUESTS)) {
  Deno.test(`${name}: breaks, watches, steps, and goes on to its exit status`, async () => {
    const { vm, ask } = client(guest);
    const more = vm.symbols.lookup("more")!, ended = vm.symbols.lookup("ended")!;
    assertMatch(await ask("?"), /^T05thread:1;/);
    assertEquals(await ask(`Z0,${more.toString(16)},1`), "OK");
    assertMatch(await ask("vCont;c"), /^T05thread:1;swbreak:;/);
    assertEquals(vm.vcpu.pc, more);
    assertEquals(await ask(`z0,${more.toString(16)},1`), "OK");
    const before = vm.vcpu.instructions;
    assertMatch(await ask("vCont;s:1"), /^T05thread:1;[0-9a-f]+:/);
    assertEquals(vm.vcpu.instructions, before + 1);
    assertEquals(await ask("Z2,2000,4"), "OK");
    assertMatch(await ask("c"), /^T05thread:1;watch:2000;/);
    assertEquals(await ask("m2000,4"), inOrder(vm, "00000003"));
    assertEquals(await ask("z2,2000,4"), "OK");
    assertEquals(await ask(`Z1,${ended.toString(16)},1`), "OK");
    assertMatch(await ask("vCont;c:1"), /^T05thread:1;hwbreak:;/);
    assertEquals(await ask("m2000,4"), inOrder(vm, "00000006"));
    assertEquals(await ask("vCont;c"), "W05");
    assertEquals(await ask("?"), "W05");
    assertEquals(await ask("qfThreadInfo"), "l");
  });

  Deno.test(`${name}: g is all registers of the description, and G puts them back`, async () => {
    const { vm, stub, ask } = client(guest);
    const all = await ask("g");
    const bits = registersOf(stub.layout).reduce((sum, it) => sum + it.bits, 0);
    assertEquals(all.length, bits / 4);
    const before = vm.vcpu.saveState();
    assertEquals(await ask(`G${all}`), "OK");
    assertEquals(vm.vcpu.saveState(), before);
    const xml = await ask(`qXfer:features:read:target.xml:0,${PACKET_SIZE.toString(16)}`);
    const named = [...xml.matchAll(/<reg name="(\w+)" bitsize="(\d+)"/g)].map(([, name, bits]) => [
      name,
      Number(bits),
    ]);
    assertEquals(named.slice(0, 10), registersOf(stub.layout).slice(0, 10).map((it) => [it.name, it.bits]));
    assertEquals(new Set(named.map(([name]) => name)).size, named.length);
  });

  Deno.test(`${name}: every register can be read, and what was read can be written`, async () => {
    const { stub, ask } = client(guest);
    for (const { name, source, isPc } of registersOf(stub.layout)) {
      const number = registersOf(stub.layout).findIndex((it) => it.name === name).toString(16);
      const value = await ask(`p${number}`);
      if (source.length === 0 && !isPc) {
        assertMatch(value, /^x+$/);
        assertStringIncludes(await ask(`P${number}=${"0".repeat(value.length)}`), name);
      } else {
        assertMatch(value, /^[0-9a-f]+$/, name);
        assertEquals(await ask(`P${number}=${value}`), "OK", name);
      }
    }
  });
}

Deno.test("registers are in the guest's byte order", async () => {
  const big = client(BE), little = client(LE);
  big.vm.vcpu.registers.set("r5", 0x12345678n);
  little.vm.vcpu.registers.set("r5", 0x12345678n);
  assertEquals(await big.register("r5"), "12345678");
  assertEquals(await little.register("r5"), "7856341200000000");
  assertEquals(await little.ask(`P${little.numberOf("r6")}=0100000000000080`), "OK");
  assertEquals(little.vm.vcpu.registers.get("r6"), 0x8000_0000_0000_0001n);
});

Deno.test("memory is read as far as it goes, and written all or not at all", async () => {
  const { vm, ask } = client(GUESTS["x86-64"]);
  assertEquals(await ask("M3000,4:01020304"), "OK");
  assertEquals(await ask("X3004,3:}#\x00"), "OK");
  assertEquals(await ask("m3000,7"), "010203047d2300");
  const end = (1 << 20) - 2;
  assertEquals(await ask(`m${end.toString(16)},10`), "0000");
  assertEquals(await ask("m100000,1"), "E0e");
  assertEquals(await ask(`M${end.toString(16)},4:01020304`), "E0e");
  assertEquals(vm.memory.read(end, 2), new Uint8Array(2));
  assertEquals(await ask("m0,ffffffffffffffff"), await ask("m0,2000"));
  assertEquals(await ask("mffffffffffffffff,2"), "E0e");
});

Deno.test("code that the debugger writes is executed", async () => {
  const { vm, ask } = client(GUESTS["x86-64"]);
  await ask("vCont;s:1");
  // mov edx, 0 becomes mov edx, 7.
  assertEquals(await ask(`M${(vm.vcpu.pc + 1n).toString(16)},1:07`), "OK");
  await ask("vCont;s:1");
  assertEquals(vm.vcpu.registers.get("edx"), 7n);
});

Deno.test("malformed packets change nothing and are told", async () => {
  const { vm, ask } = client(GUESTS["x86-64"]);
  const before = vm.vcpu.saveState();
  const bad = [
    "m",
    "m1",
    "m1,",
    "m,1",
    "mzz,1",
    "m1,2,3",
    "M0,4:00",
    "M0,1:0",
    "X0,2:a",
    "M0",
    "p",
    "pffff",
    "pzz",
    "P0",
    "P0=",
    "P0=00",
    "Pffff=00",
    "P0=0000000000000000=0",
    "G00",
    "G",
    "H",
    "Hg",
    "Hgzz",
    "Hg2",
    "Hx1",
    "T",
    "T2",
    "T0",
    "c zz",
    "vCont;",
    "vCont;x",
    "vCont;c:9",
    "vCont;r1",
    "vCont;c:1:2",
    "qRcmd,zz",
    "qThreadExtraInfo,9",
    "Z2,0,2000",
    "Z2,0,0",
  ];
  for (const packet of bad) assertMatch(await ask(packet), /^E/, packet);
  for (
    const packet of [
      "",
      "x",
      "vFoo",
      "qFoo",
      "QFoo",
      "Z5,0,1",
      "Z0",
      "Z0,1",
      "qXfer:auxv:read::0,1",
      "vRun;61",
    ]
  ) {
    assertEquals(await ask(packet), "", packet);
  }
  assertEquals(vm.vcpu.saveState(), before);
  assertEquals(vm.vcpu.instructions, 0);
});

Deno.test("what the guest ends with is told before the stop", async () => {
  const { ask } = client({ vm: { arch: "x86" }, source: "hlt" });
  assertMatch(await ask("c"), new RegExp(`^O${hex("HLT: ")}[0-9a-f]+ T05thread:1;`));
});

Deno.test("a guest that cannot go on has the signal of its kind", async () => {
  const nowhere = client({
    vm: { arch: "x86" },
    source: "mov eax, 0x40000000 ;; jmp rax".replace(";;", "\n"),
  });
  assertMatch(await nowhere.ask("c"), /^O[0-9a-f]+ T0bthread:1;/);
  const shut = client({ vm: { arch: "x86" }, source: "ud2" });
  assertMatch(await shut.ask("c"), /^O[0-9a-f]+ T06thread:1;/);
});

Deno.test("an interrupt stops a guest that would never end", async () => {
  const { ask, stub } = client({ vm: { arch: "x86" }, source: "again: jmp again" });
  const stop = ask("vCont;c");
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert(stub.running);
  stub.interrupt();
  assertMatch(await stop, /^T02thread:1;/);
  // Steps within a range go on alike.
  const stepping = ask("vCont;r0,ffffffffffffffff:1");
  await new Promise((resolve) => setTimeout(resolve, 5));
  stub.interrupt();
  assertMatch(await stepping, /^T02thread:1;/);
});

Deno.test("a range is stepped until it is left, or a breakpoint in it is met", async () => {
  const { vm, ask } = client(GUESTS["x86-64"]);
  const at = (name: string) => vm.symbols.lookup(name)!.toString(16);
  await ask(`vCont;r${at("start")},${at("ended")}:1`);
  assertEquals(vm.vcpu.pc, vm.symbols.lookup("ended"));
  vm.vcpu.pc = vm.symbols.lookup("start")!;
  await ask(`Z0,${at("more")},1`);
  await ask(`vCont;r${at("start")},${at("ended")}:1`);
  assertEquals(vm.vcpu.pc, vm.symbols.lookup("more"));
});

Deno.test("vCPUs are threads: one steps, the others go on or stand still", async () => {
  const guest = {
    vm: { arch: "x86", vcpus: 2 },
    source: "first: inc rax\n jmp first\n second: inc rbx\n jmp second",
  } as const;
  const { vm, ask } = client(guest);
  assertEquals(await ask("qfThreadInfo"), "m1,2");
  assertEquals(await ask("qsThreadInfo"), "l");
  assertStringIncludes(
    await ask("qXfer:threads:read::0,1000"),
    '<thread id="2" core="1" name="vCPU 1">parked',
  );
  vm.vcpus[1].start(vm.symbols.lookup("second")!);
  assertEquals(await ask("Hg2"), "OK");
  assertEquals(await ask("qC"), "QC2");
  const counts = () => vm.vcpus.map(({ instructions }) => instructions);
  assertMatch(await ask("vCont;s:2"), /^T05thread:2;/);
  assertEquals(counts(), [0, 1]);
  assertMatch(await ask("vCont;s:2;c"), /^T05thread:2;/);
  assertEquals(counts(), [2, 2], "the other one keeps up");
  assertEquals(await ask(`Z0,${vm.symbols.lookup("second")!.toString(16)},1`), "OK");
  assertMatch(await ask("vCont;c"), /^T05thread:2;swbreak:;/);
});

Deno.test("a parked vCPU cannot be stepped alone, which is told", async () => {
  const { ask } = client({ vm: { arch: "x86", vcpus: 2 }, source: "nop" });
  assertMatch(await ask("vCont;s:2"), /^E\./);
});

Deno.test("monitor's output comes in pieces, and its absence is told", async () => {
  const none = client(GUESTS.ppc);
  assertEquals(await none.ask(`qRcmd,${hex("regs")}`), "");
  const echo = client(GUESTS.ppc, { monitor: (line) => Promise.resolve(`did ${line}\n`) });
  assertEquals(await echo.ask(`qRcmd,${hex("regs")}`), `O${hex("did regs\n")} OK`);
  const long = client(GUESTS.ppc, { monitor: () => Promise.resolve("é".repeat(20_000)) });
  const answers = await long.stub.handle(`qRcmd,${hex("x")}`);
  assert(answers.every((it) => it.length <= PACKET_SIZE));
  assertEquals(answers.slice(0, -1).map((it) => it.slice(1)).join(""), hex("é".repeat(20_000)));
  const silent = client(GUESTS.ppc, { monitor: () => Promise.resolve("") });
  assertEquals(await silent.ask(`qRcmd,${hex("x")}`), "OK");
});

Deno.test("on PowerPC the step with which GDB looks at a watchpoint's access is done already", async () => {
  const { vm, ask } = client(GUESTS.ppc64);
  await ask("Z2,2000,4");
  assertMatch(await ask("vCont;c"), /watch:2000;/);
  const { pc } = vm.vcpu;
  await ask("z2,2000,4");
  assertMatch(await ask("vCont;s:1"), /^T05thread:1;[0-9]/);
  assertEquals(vm.vcpu.pc, pc);
  await ask("vCont;s:1");
  assertEquals(vm.vcpu.pc, pc + 4n);
});

Deno.test("a memory map is there where the guest cannot translate addresses", async () => {
  const ppc64 = client(GUESTS.ppc64), x86 = client(GUESTS["x86-64"]);
  assertStringIncludes(
    await ppc64.ask("qXfer:memory-map:read::0,1000"),
    '<memory type="ram" start="0x0" length="0x100000"/>',
  );
  assertStringIncludes(await ppc64.ask("qSupported:swbreak+"), "qXfer:memory-map:read+");
  assertEquals(await x86.ask("qXfer:memory-map:read::0,1000"), "");
});

Deno.test("a document is read in pieces", async () => {
  const { ask } = client(GUESTS.ppc64);
  const whole = await ask("qXfer:features:read:target.xml:0,4000");
  assertEquals(whole[0], "l");
  let text = "";
  for (let at = 0;; at += 100) {
    const piece = await ask(`qXfer:features:read:target.xml:${at.toString(16)},64`);
    text += piece.slice(1);
    if (piece[0] === "l") break;
  }
  assertEquals(text, whole.slice(1));
  assert(text.endsWith("</target>\n"));
  assertEquals(await ask("qXfer:features:read:other.xml:0,64"), "E00");
  assertMatch(await ask("qXfer:features:read:target.xml:fffff,64"), /^E/);
});

Deno.test("a debugger that goes takes its points along", async () => {
  const { vm, ask, stub } = client(GUESTS["x86-64"]);
  const mine = vm.breakpoints.add(0x5000n);
  await ask("Z0,1000,1");
  await ask("Z0,1000,1");
  await ask("Z2,2000,4");
  assertEquals([vm.breakpoints.list().length, vm.watchpoints.list().length], [2, 1]);
  assertEquals(await ask("D"), "OK");
  assertEquals(stub.end, "detached");
  stub.close();
  assertEquals(vm.breakpoints.list().map(({ id }) => id), [mine.id]);
  assertEquals(vm.watchpoints.list(), []);
});

Deno.test("R begins anew, by registers and devices", async () => {
  const { vm, ask, stub } = client(GUESTS["x86-64"]);
  await ask("vCont;s:1");
  assertEquals(await ask("!"), "OK");
  assertEquals(await ask("vKill;1"), "OK");
  assertEquals([stub.end, stub.silentEnd], [undefined, "killed"], "in extended mode it stays");
  assertEquals(await ask("R00"), "");
  assertEquals(stub.silentEnd, "closed");
  assertEquals(vm.vcpu.pc, 0n);
});

Deno.test("in real mode addresses are linear, whatever the segment", async () => {
  const { vm, ask, register } = client({
    vm: { arch: "x86", mode: 16 },
    // To 0x2000:0x0010, which is where 0x20010 is, then back into the first segment.
    source: "start: db 0xea, 0x10, 0x00, 0x00, 0x20",
  });
  vm.load(vm.assemble("inc ax\n inc ax\n db 0xea, 0x00, 0x7c, 0x00, 0x00", 0x20010n));
  vm.vcpu.pc = 0x7c00n;
  assertEquals(await ask("Z0,20011,1"), "OK");
  assertMatch(await ask("vCont;c"), /^T05thread:1;swbreak:;/);
  assertEquals(await register("eip"), "11000200");
  assertEquals(await register("ip"), "11000000");
  assertEquals(await register("cs"), "00200000");
  assertEquals(vm.vcpu.pc, 0x11n);
  assertMatch(await ask("vCont;s:1"), /^T05/);
  assertEquals(await register("eip"), "12000200");
  assertEquals(await ask("P8=10000200"), "OK");
  assertEquals(vm.vcpu.pc, 0x10n);
  // An offset that is the same in another segment is another place.
  assertEquals(await ask("z0,20011,1"), "OK");
  assertEquals(await ask("Z0,7c00,1"), "OK");
  assertMatch(await ask("vCont;c"), /^T05thread:1;swbreak:;/);
  assertEquals(await register("eip"), "007c0000");
});

Deno.test("linear addresses are translated as the guest's loads are", async () => {
  const { vm, ask } = client({ vm: { arch: "x86", mode: 32 }, source: "nop" });
  // A page directory at 0x4000 and a table at 0x5000: 0x40000000 is where 0x3000 is, the first 4 MiB where they are.
  const entry = (gpa: number, value: number) =>
    vm.memory.write(gpa, new Uint8Array(Uint32Array.of(value).buffer));
  entry(0x4000, 0x83);
  entry(0x4000 + 4 * 0x100, 0x5003);
  entry(0x5000, 0x3003);
  vm.vcpu.registers.set("cr4", 0x10);
  vm.vcpu.registers.set("cr3", 0x4000);
  vm.vcpu.registers.set("cr0", 0x8000_0011);
  assertEquals(await ask("M40000010,3:010203"), "OK");
  assertEquals(vm.memory.read(0x3010, 3), Uint8Array.of(1, 2, 3));
  assertEquals(await ask("m40000010,3"), "010203");
  // Its end is the end of what is mapped.
  assertEquals(await ask("m40000ffe,8"), "0000");
  assertEquals(await ask("m40001000,1"), "E0e");
  assertEquals(await ask("M40000ffe,4:01020304"), "E0e");
});

Deno.test("a layout wider than the guest's mode has what is there of its registers", async () => {
  const { vm, ask, register } = client(GUESTS.i386, { width: 64 });
  vm.vcpu.registers.set("eax", 0x12345678);
  assertEquals(await register("rax"), "7856341200000000");
  assertEquals(await register("r8"), "x".repeat(16));
  assertEquals(await ask("P0=0100000000000000"), "OK");
  assertEquals(vm.vcpu.registers.get("eax"), 1n);
  assertMatch(await ask("P8=0100000000000000"), /^E/);
});
