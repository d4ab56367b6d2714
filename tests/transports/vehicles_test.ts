/** The further ways that payloads travel: which cells have them and why the others do not, bytes, exits, and traps nulled. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DATA_MODES } from "../../transports/data_modes.ts";
import { CELLS, machine, opened, pattern, VIAS } from "./cells.ts";
import { recorder } from "./recorder.ts";

const MODES = DATA_MODES.filter((mode) => !["auto", "words", "descriptor"].includes(mode));

/** By mode and vehicle, on x86, on PowerPC: undefined where it works, else what the refusal has to say. */
function refusal(arch: string, backend: string, via: string, data: string): string | undefined {
  const ppc = arch === "ppc";
  switch (`${data} ${via}`) {
    case "registers pio":
      return ppc ? "pio_callX() is x86's alone (claim 8)" : undefined;
    case "registers mmio":
      return "one word";
    case "string pio":
      return ppc ? "(claim 8)" : undefined;
    case "string hypercall":
    case "string mmio":
      return "INS and OUTS are for ports";
    case "logical hypercall":
      return backend === "kvm-pr" ? "ePAPR defines no load or store" : undefined;
    case "logical pio":
    case "logical mmio":
      return "wants the hypercall vehicle";
    case "bridge pio":
    case "bridge hypercall":
      return "registers are in memory";
  }
  return undefined;
}

for (const cell of CELLS) {
  for (const via of VIAS) {
    for (const data of MODES) {
      const { arch, backend } = cell.options;
      const why = refusal(arch, backend!, via, data);
      if (why !== undefined) {
        Deno.test(`on ${cell.name} via ${via}, ${data} is refused with the reason`, async () => {
          const { io } = machine(cell, recorder().device);
          await assertRejects(() => io.open("dut", { via, data }), Error, why);
        });
        continue;
      }
      Deno.test(`call() on ${cell.name} via ${via}, ${data}: the device sees the bytes, the caller the reply`, async () => {
        const { device, asked } = recorder((fn, bytes) => Uint8Array.of(fn & 0xff, ...bytes.toReversed()));
        const { vm, handle } = await opened(cell, device, via, data);
        assertEquals(handle.data, data);
        for (const length of [0, 1, 3, 8, 9, 17, 63, 300, 0x3001]) {
          if (length > 300 && (data === "logical" || data === "registers")) continue;
          const bytes = pattern(length);
          const reply = await handle.call(0x8000_0001, bytes);
          assertEquals([...reply], [1, ...bytes.toReversed()], `${length} bytes`);
          assertEquals(asked.splice(0), [{ verb: "call", at: [0x8000_0001], data: [...bytes] }]);
        }
        await handle.write(4, 4, 0x1234);
        assertEquals(asked.splice(0), [{ verb: "write", at: [4, 4], data: 0x1234 }]);
        assertEquals(await handle.read(0, 8), 0n);
        const stubs = vm.memory.slots.find((slot) => slot.name === "transport stubs")!;
        const base = vm.mode === 16 ? 0 : stubs.gpa;
        for (const row of vm.exits.rows) {
          assert(row.pc >= BigInt(base) && row.pc < BigInt(base + 0x8000), `pc 0x${row.pc.toString(16)}`);
        }
      });

      Deno.test(`on ${cell.name} via ${via}, ${data}, a stub whose trap was overwritten by no-ops fails`, async () => {
        const { vm, handle } = await opened(cell, recorder().device, via, data);
        await handle.call(1, 5);
        vm.exits.reset();
        await handle.call(1, 5);
        const stubs = vm.memory.slots.find((slot) => slot.name === "transport stubs")!;
        // Each of the traps of a call, one at a time.
        for (const pc of new Set(vm.exits.rows.map((row) => row.pc))) {
          const at = Number(pc) + (vm.mode === 16 ? stubs.gpa : 0);
          const [line] = vm.disassemble(BigInt(at), 1);
          const nops = vm.arch === "x86"
            ? new Uint8Array(line.bytes.length).fill(0x90)
            : Uint8Array.of(...(vm.isa.order === "be" ? [0x60, 0, 0, 0] : [0, 0, 0, 0x60]));
          const before = vm.memory.read(at, nops.length);
          vm.memory.write(at, nops);
          await assertRejects(() => handle.call(1, 5), Error);
          vm.memory.write(at, before);
          assertEquals((await handle.call(1, 5))[0], 5, line.text);
        }
      });
    }
  }
}

/** Exits of one call with an 8-byte reply, after the first one. */
const EXITS: readonly (readonly [string, string, string, number, number])[] = [
  ["x86-64 vmx", "pio", "fastcall", 64, 1],
  ["x86-64 vmx", "mmio", "fastcall", 4096, 1],
  ["x86-64 svm", "hypercall", "fastcall", 4096, 1],
  ["ppc64 kvm-hv", "hypercall", "fastcall", 4096, 1],
  ["ppc64 kvm-hv", "pio", "fastcall", 64, 1],
  ["ppc32 kvm-pr", "mmio", "fastcall", 64, 1],
  ["x86-64 vmx", "mmio", "bridge", 64, 5],
  ["ppc64 kvm-hv", "mmio", "bridge", 4096, 5],
  // Two words of payload beside handle and fn; then three by three.
  ["x86-64 vmx", "pio", "registers", 16, 1],
  ["x86-64 vmx", "pio", "registers", 64, 3],
  ["x86-64 vmx", "hypercall", "registers", 16, 1],
  // FN and LENGTH, payload, RESULT, reply.
  ["x86-64 vmx", "hypercall", "logical", 64, 1 + 8 + 1 + 1],
  ["x86-32 vmx", "hypercall", "logical", 64, 2 + 16 + 1 + 2],
  ["ppc64 kvm-hv", "hypercall", "logical", 64, 1 + 8 + 1 + 1],
  // OUTSD: one each in userspace; the reply is read ahead.
  ["x86-64 vmx", "pio", "string", 64, 2 + 16 + 1 + 1],
];

for (const [name, via, data, size, exits] of EXITS) {
  Deno.test(`a call of ${size} bytes on ${name} via ${via}, ${data}, makes ${exits} exits`, async () => {
    const cell = CELLS.find((cell) => cell.name === name)!;
    const { vm, handle } = await opened(cell, recorder(() => 1).device, via as "pio", data as "string");
    await handle.call(1, pattern(size));
    vm.exits.reset();
    await handle.call(1, pattern(size));
    assertEquals(vm.exits.count, exits);
  });
}

Deno.test("string PIO to a device of the kernel's: 4,096 bytes go out in one exit", async () => {
  const { vm, handle } = await opened(
    CELLS[0],
    { ...recorder(() => 1).device, handledIn: "kernel" },
    "pio",
    "string",
  );
  await handle.call(1, pattern(4096));
  assertEquals(vm.exits.count, 2 + 1 + 1 + 1);
});

Deno.test("without via, a mode chooses the vehicle that can carry it, and says what was passed over", async () => {
  const { io } = machine(CELLS[0], recorder().device);
  const string = await io.open("dut", { data: "string" });
  assertEquals(string.via, "pio");
  assertStringIncludes(string.why[0], "hypercall passed over: string: INS and OUTS are for ports");
  assertEquals((await io.open("dut", { data: "bridge" })).via, "mmio");
  const ppc = machine(CELLS.find(({ name }) => name === "ppc32 kvm-pr")!, recorder().device);
  await assertRejects(() => ppc.io.open("dut", { data: "string" }), Error, "claim 8");
  await assertRejects(() => ppc.io.open("dut", { data: "logical" }), Error, "ePAPR");
});

Deno.test("replies longer than the buffer cost one exit more by fast call, and the handler is called once", async () => {
  for (const name of ["x86-64 vmx", "ppc64 kvm-hv"]) {
    const { device, asked } = recorder(() => pattern(500));
    const { vm, handle } = await opened(
      CELLS.find((cell) => cell.name === name)!,
      device,
      "hypercall",
      "fastcall",
    );
    await handle.call(1, 1);
    vm.exits.reset();
    asked.splice(0);
    assertEquals(await handle.call(1, 1, { reply: 100 }), pattern(500));
    assertEquals([vm.exits.count, asked.length], [2, 1]);
  }
});

Deno.test("two handles share the bridge; a device that comes in another's place is opened anew", async () => {
  const { vm, io } = machine(CELLS[0], recorder(() => 1).device);
  vm.devices.add({ ...recorder(() => 2).device, name: "other" });
  const one = await io.open("dut", { via: "pio", data: "fastcall" });
  const other = await io.open("other", { via: "mmio", data: "bridge" });
  assertEquals([(await one.call(0))[0], (await other.call(0))[0]], [1, 2]);
  vm.devices.remove("dut");
  vm.devices.add(recorder(() => 3).device);
  assertEquals((await one.call(0))[0], 3);
  io.close();
  assertEquals([...vm.ports.list, ...vm.mmio.list].filter(({ name }) => name.startsWith("vbus")), []);
});
