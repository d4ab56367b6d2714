/** An exit that is made again goes the way that it went before, until anything changes that decides on it. */
import { assertEquals } from "@std/assert";
import type { Device } from "../../../emulator/machine/device.ts";
import type { Vm } from "../../../emulator/machine/vm.ts";
import { CPL } from "../../../emulator/x86/slots.ts";
import { exitsOf, guest, PORT, WINDOW } from "./guests.ts";

const LOOPS = {
  out: `mov edx, ${PORT}\n mov ecx, 10\nl: out dx, eax\n inc eax\n dec ecx\n jnz l\n hlt`,
  "mmio store": `mov ebx, ${WINDOW}\n mov ecx, 10\nl: mov [ebx], eax\n inc eax\n dec ecx\n jnz l\n hlt`,
  "mmio load": `mov ebx, ${WINDOW}\n mov ecx, 10\nl: mov eax, [ebx]\n dec ecx\n jnz l\n hlt`,
  vmcall: `mov eax, 5\n mov ecx, 10\nl: vmcall\n dec ecx\n jnz l\n hlt`,
} as const;
type Loop = keyof typeof LOOPS;

/** Runs a loop of ten exits whose device does `change` in the fifth one: the exits as texts, without numbers of loads. */
async function changed(
  loop: Loop,
  change: (vm: Vm, device: { handledIn?: "kernel" }) => void,
): Promise<string[]> {
  const vm = guest(LOOPS[loop], { mode: 32 });
  let calls = 0;
  const called = () => {
    if (++calls === 5) change(vm, device);
    return 0;
  };
  const device: Device & { handledIn?: "kernel" } = { name: "d", read: called, write: () => void called() };
  vm.devices.add(device);
  vm.hypercalls.register(5, { name: "five", call: () => void called() });
  const stop = await vm.run();
  const ways = vm.exits.rows.filter(({ native }) => native.name !== "HLT").map(({ handledIn }) =>
    handledIn[0]
  );
  return [stop.reason, ways.join(""), String(calls)];
}

Deno.test("without a change ten exits go one way", async () => {
  for (const loop of ["out", "mmio store", "mmio load", "vmcall"] as const) {
    assertEquals([loop, ...await changed(loop, () => {})], [loop, "HLT", "uuuuuuuuuu", "10"]);
  }
});

Deno.test("a device that is completed elsewhere from now on", async () => {
  for (const loop of ["out", "mmio store", "mmio load"] as const) {
    assertEquals(await changed(loop, (_vm, device) => device.handledIn = "kernel"), [
      "HLT",
      "uuuuukkkkk",
      "10",
    ]);
  }
});

Deno.test("a device that goes, and another in its place", async () => {
  for (const loop of ["out", "mmio store", "mmio load"] as const) {
    assertEquals(await changed(loop, (vm) => void vm.devices.remove("d")), ["HLT", "uuuuuuuuuu", "5"]);
    let others = 0;
    const other: Device = {
      name: "o",
      handledIn: "kernel",
      read: () => ++others,
      write: () => void others++,
    };
    const seen = await changed(loop, (vm) => {
      vm.devices.remove("d");
      vm.devices.add(other, { port: PORT, gpa: WINDOW });
    });
    assertEquals([seen, others], [["HLT", "uuuuukkkkk", "5"], 5]);
  }
});

Deno.test("a match, and a zone that gathers", async () => {
  for (const [loop, bus, address] of [["out", "pio", PORT], ["mmio store", "mmio", WINDOW]] as const) {
    let rung = 0;
    const matched = await changed(loop, (vm) => {
      vm.ioevents.add({ bus, address, length: 4, signal: () => void rung++ });
    });
    assertEquals([matched, rung], [["HLT", "uuuuukkkkk", "5"], 5]);
    // HLT leaves the kernel half as well, and what was gathered stays for the next run's end.
    const gathered = await changed(loop, (vm) => vm.coalesced.add({ bus, address, size: 4 }));
    assertEquals(gathered.slice(0, 2), ["HLT", "uuuuukkkkk"]);
  }
});

Deno.test("what is gathered between two hypercalls is taken by the second", async () => {
  const source =
    `mov ebx, ${WINDOW}\n mov ecx, 4\nl: mov eax, 5\n vmcall\n mov [ebx], ecx\n dec ecx\n jnz l\n hlt`;
  for (const recordRows of [true, false]) {
    const vm = guest(source, { mode: 32, regions: "first", recordRows });
    const seen: string[] = [];
    vm.devices.add({ name: "d", write: (_offset, _size, value) => void seen.push(`write ${value}`) });
    vm.coalesced.add({ bus: "mmio", address: WINDOW, size: 4 });
    vm.hypercalls.register(5, { name: "five", call: () => void seen.push("call") });
    await vm.run();
    assertEquals(seen, ["call", "write 4", "call", "write 3", "call", "write 2", "call", "write 1"]);
  }
});

Deno.test("a hypercall that nobody answers any more", async () => {
  const seen = await changed("vmcall", (vm) => void vm.hypercalls.unregister(5));
  // The number is in eax, where the answer goes: what follows are calls of no number at all.
  assertEquals(seen, ["HLT", "uuuuukkkkk", "5"]);
});

Deno.test("memory that comes to where a device was reached", async () => {
  const vm = guest(`mov ebx, 0x20000\n mov ecx, 10\nl: mov [ebx], ecx\n dec ecx\n jnz l\n hlt`, { mode: 32 });
  let stores = 0;
  const write = () => {
    if (++stores === 3) vm.memory.addSlot({ name: "late", gpa: 0x2_0000, size: 0x1000 });
  };
  vm.mmio.add({ base: 0x2_0000, size: 4, name: "early" }, { read: () => 0, write });
  await vm.run();
  assertEquals([stores, vm.memory.read(0x2_0000, 4)], [3, Uint8Array.of(1, 0, 0, 0)]);
});

Deno.test("a catchpoint that is set in an exit stops after the next one like it", async () => {
  for (const loop of ["out", "mmio store", "mmio load", "vmcall"] as const) {
    const [reason, ways] = await changed(loop, (vm) => void vm.catchpoints.add());
    assertEquals([loop, reason, ways], [loop, "DEBUG", "uuuuuu"]);
  }
});

Deno.test("the same instruction at other ports and sizes, and the same port by other instructions", async () => {
  const vm = guest(
    `mov edx, ${PORT}
     mov ecx, 6
l:   out dx, eax
     out dx, ax
     in al, dx
     xor edx, 4
     dec ecx
     jnz l
     hlt`,
    { mode: 32 },
  );
  const seen: string[] = [];
  vm.devices.add({
    name: "d",
    read: (offset, size) => seen.push(`in ${offset} ${size}`),
    write: (offset, size, value) => void seen.push(`out ${offset} ${size} ${value}`),
  });
  await vm.run();
  const offsets = [0, 4, 0, 4, 0, 4];
  assertEquals(
    seen,
    offsets.flatMap((offset, i) => {
      const eax = 3 * i;
      return [`out ${offset} 4 ${eax}`, `out ${offset} 2 ${eax}`, `in ${offset} 1`];
    }),
  );
  assertEquals(
    exitsOf(vm).slice(0, -1),
    offsets.flatMap((offset) =>
      [["out", 4], ["out", 2], ["in", 1]].map(([direction, size]) =>
        `IO IO_INSTRUCTION 0x${(PORT + offset).toString(16)} ${direction} ${size} 1/1`
      )
    ),
  );
});

Deno.test("big-endian loads and stores have their bytes in the order of their addresses, each time", async () => {
  const vm = guest(
    `lis r4, ${WINDOW >>> 16}
     li r5, 4
     mtctr r5
l:   lwz r6, 0(r4)
     stw r6, 4(r4)
     lhz r7, 0(r4)
     sth r7, 4(r4)
     bdnz l
     sc`,
    { arch: "ppc", mode: 32 },
  );
  const seen: (number | bigint)[] = [];
  vm.devices.add({
    name: "d",
    read: (_offset, size) => size === 4 ? 0x0403_0201 : 0x0201,
    write: (_offset, _size, value) => void seen.push(value),
  });
  await vm.run({ instructions: 24 });
  assertEquals(vm.vcpu.registers.get("r6"), 0x0102_0304n);
  assertEquals(vm.vcpu.registers.get("r7"), 0x0102n);
  assertEquals(seen, Array.from({ length: 4 }, () => [0x0403_0201, 0x0201]).flat());
});

Deno.test("privilege: a port is closed to level 3 after it was open to level 0", async () => {
  const vm = guest(
    `mov edx, ${PORT}
     mov ecx, 4
l:   out dx, eax
     dec ecx
     jnz l
     hlt`,
    { mode: 32 },
  );
  vm.devices.add({
    name: "d",
    // As if the guest had gone to level 3 between two accesses.
    write() {
      if (vm.exits.count === 2) vm.inside.vcpus[0].state.set32(CPL, 3);
    },
  });
  const stop = await vm.run();
  assertEquals([vm.exits.rows.filter(({ reason }) => reason === "IO").length, stop.reason], [2, "SHUTDOWN"]);
});
