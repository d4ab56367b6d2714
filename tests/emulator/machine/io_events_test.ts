/** Writes that the kernel half matches: KVM's rules for what may be registered, and what each match costs. */
import { assertEquals, assertThrows } from "@std/assert";
import { type IoEventOptions, KernelIoError } from "../../../emulator/machine/io_events.ts";
import { createVm } from "../../../emulator/machine/vm.ts";
import type { VmOptions } from "../../../emulator/machine/vm_options.ts";
import { exitsOf, guest, traceOf } from "./guests.ts";

const PORT = 0x1000, GPA = 0xfeb0_0000;
const mmio = (options: Partial<IoEventOptions> = {}): IoEventOptions => ({
  bus: "mmio",
  address: GPA,
  length: 4,
  signal() {},
  ...options,
});

Deno.test("add() refuses what KVM refuses, with its errno", () => {
  const { ioevents } = createVm({ arch: "x86" });
  const errno = (options: Partial<IoEventOptions>) =>
    assertThrows(() => ioevents.add(mmio(options)), KernelIoError).errno;
  assertEquals(errno({ length: 3 as 4 }), "EINVAL");
  assertEquals(errno({ length: 0, datamatch: 1 }), "EINVAL");
  assertEquals(errno({ address: 2 ** 52 - 2 }), "EINVAL");
  assertEquals(errno({ address: -1 }), "EINVAL");
  assertEquals(errno({ address: 0.5 }), "EINVAL");
  assertEquals(errno({ datamatch: NaN }), "EINVAL");
  assertEquals(errno({ bus: "pio", address: 0x1_0000, length: 1 }), "EINVAL");
  assertEquals(errno({ bus: "pio", address: 0xffff, length: 2 }), "EINVAL");
  assertEquals(errno({ bus: "smoke" as "pio" }), "EINVAL");
  assertThrows(() => ioevents.add(mmio({ signal: 5 as unknown as () => void })), TypeError, "signal");
  assertEquals(ioevents.list, []);
  const ppc = createVm({ arch: "ppc" });
  assertThrows(() => ppc.ioevents.add(mmio({ bus: "pio", address: 0 })), KernelIoError, "no port I/O");
});

Deno.test("add() refuses a second event for the same writes: EEXIST, as ioeventfd_check_collision has it", () => {
  /** What is there, what comes, and whether some write would be of both. */
  const cases: readonly [Partial<IoEventOptions>, Partial<IoEventOptions>, boolean][] = [
    [{}, {}, true],
    [{}, { length: 2 }, false],
    [{}, { length: 0 }, true],
    [{ length: 0 }, { length: 8 }, true],
    [{ datamatch: 1 }, { datamatch: 1 }, true],
    [{ datamatch: 1 }, { datamatch: 2 }, false],
    [{ datamatch: 1 }, {}, true],
    [{ datamatch: 1 }, { datamatch: 1, length: 8 }, false],
    // Compared as the bytes that a write has.
    [{ datamatch: -1 }, { datamatch: 0xffff_ffff }, true],
    [{ datamatch: 1n << 32n }, { datamatch: 0 }, true],
    // Overlapping, but not at the same address: a match is of the first byte.
    [{}, { address: GPA + 2 }, false],
    [{ address: 0x10 }, { address: 0x10, bus: "pio" }, false],
  ];
  for (const [first, second, collides] of cases) {
    const { ioevents } = createVm({ arch: "x86" });
    const event = ioevents.add(mmio(first));
    if (collides) {
      assertEquals(assertThrows(() => ioevents.add(mmio(second)), KernelIoError).errno, "EEXIST");
    } else {
      ioevents.add(mmio(second));
    }
    assertEquals(ioevents.remove(event), true);
    assertEquals(ioevents.remove(event), false);
    if (collides) ioevents.add(mmio(second));
    assertEquals(ioevents.list.length, 1);
  }
});

Deno.test("add() takes any number of events; 1,000 zones on the bus leave none: ENOSPC", () => {
  const vm = createVm({ arch: "x86" });
  for (let i = 0; i < 2000; i++) vm.ioevents.add(mmio({ address: 8 * i, length: i % 2 ? 0 : 8 }));
  for (let i = 0; i < 1000; i++) vm.coalesced.add({ bus: "mmio", address: 8 * i, size: 8 });
  assertEquals(assertThrows(() => vm.ioevents.add(mmio()), KernelIoError).errno, "ENOSPC");
  const zone = { bus: "mmio", address: 0, size: 8 } as const;
  assertEquals(assertThrows(() => vm.coalesced.add(zone), KernelIoError).errno, "ENOSPC");
  vm.ioevents.add(mmio({ bus: "pio", address: 0 }));
});

Deno.test("a match is of address, length and data; what does not match goes to the device", async () => {
  const vm = guest(
    `mov ebx, ${GPA}
     mov eax, 5
     mov [rbx], eax
     mov [rbx], ax
     mov eax, 6
     mov [rbx], eax
     mov [rbx], rax
     mov eax, [rbx]
     mov [rbx + 2], ax
     mov edx, ${PORT}
     out dx, eax
     out dx, al
     hlt`,
  );
  const seen: string[] = [];
  vm.devices.add({
    name: "d",
    size: 16,
    read: () => 7,
    write: (offset, size, value) => void seen.push(`${offset} ${size} ${value}`),
  }, { gpa: GPA, port: PORT });
  const five = vm.ioevents.add(mmio({ datamatch: 5, signal: () => void seen.push("five") }));
  const wide = vm.ioevents.add(mmio({ length: 8, signal: () => void seen.push("wide") }));
  vm.ioevents.add(mmio({ bus: "pio", address: PORT, length: 1, signal: () => void seen.push("port") }));
  assertEquals((await vm.run()).reason, "HLT");
  assertEquals(seen, ["five", "0 2 5", "0 4 6", "wide", "2 2 7", "0 4 7", "port"]);
  assertEquals(vm.exits.rows.map((row) => row.handledIn), [
    "kernel",
    "userspace",
    "userspace",
    "kernel",
    "userspace",
    "userspace",
    "userspace",
    "kernel",
    "kernel",
  ]);
  assertEquals([five.count, wide.count], [1, 1]);
  assertEquals(vm.ioevents.find("mmio", GPA, 4, 5), five);
  assertEquals(vm.ioevents.find("mmio", GPA, 4, 6), undefined);
});

/** By backend: how each of three stores to one address is completed if its event matches any length. */
const FAST: readonly [string, VmOptions, readonly string[]][] = [
  ["the second touch on, EPT_MISCONFIG", { arch: "x86", backend: "vmx" }, [
    "kernel",
    "kernel-fast",
    "kernel-fast",
  ]],
  ["the second touch on", { arch: "x86", backend: "svm" }, ["kernel", "kernel-fast", "kernel-fast"]],
  ["every store", { arch: "ppc", backend: "kvm-hv" }, ["kernel-fast", "kernel-fast", "kernel-fast"]],
  ["no store", { arch: "ppc", backend: "kvm-pr" }, ["kernel", "kernel", "kernel"]],
  ["no store", { arch: "ppc", mode: 32, backend: "kvm-pr" }, ["kernel", "kernel", "kernel"]],
];
for (const [what, options, expected] of FAST) {
  Deno.test(`fast MMIO on ${options.backend}: ${what} is matched before the instruction is decoded`, async () => {
    const source = options.arch === "x86"
      ? `mov ebx, ${GPA}\n mov [rbx], eax\n mov [rbx], al\n mov [rbx], rax\n end: hlt`
      : `oris r3, r0, 0xfeb0\n stw r4, 0(r3)\n stb r4, 0(r3)\n sth r4, 0(r3)\n end: nop`;
    const vm = guest(source, options);
    const event = vm.ioevents.add(mmio({ length: 0 }));
    assertEquals((await vm.run({ until: vm.symbols.lookup("end") })).reason, "UNTIL");
    assertEquals(vm.exits.rows.map((row) => row.handledIn), expected);
    for (const [i, row] of vm.exits.rows.entries()) {
      const stages = vm.profile.stagesFor("MMIO", "out", "kernel");
      assertEquals(row.cycles.total, stages.total - (expected[i] === "kernel-fast" ? stages.decode : 0));
    }
    assertEquals(event.count, 3);
  });
}

Deno.test("a page-crossing store matches piece by piece, within one exit", async () => {
  const vm = guest(`mov ebx, ${GPA + 0xffe}\n mov eax, 0x00050006\n mov [rbx], eax\n hlt`);
  const seen: string[] = [];
  vm.ioevents.add(
    mmio({ address: GPA + 0xffe, length: 2, datamatch: 6, signal: () => void seen.push("low") }),
  );
  vm.ioevents.add(
    mmio({ address: GPA + 0x1000, length: 2, datamatch: 5, signal: () => void seen.push("high") }),
  );
  assertEquals((await vm.run()).reason, "HLT");
  assertEquals(seen, ["low", "high"]);
  assertEquals(exitsOf(vm)[0], "MMIO EPT_VIOLATION 0xfeb00ffe out 2 2/0");
});

Deno.test("a signal that throws ends the run, one that waits is waited for; the match is made once", async () => {
  const vm = guest(`mov edx, ${PORT}\n out dx, al\n out dx, ax\n hlt`);
  const seen: string[] = [];
  vm.ioevents.add(mmio({
    bus: "pio",
    address: PORT,
    length: 1,
    name: "slow",
    async signal() {
      await Promise.resolve();
      seen.push("slow");
    },
  }));
  vm.ioevents.add(mmio({
    bus: "pio",
    address: PORT,
    length: 2,
    name: "bad",
    signal() {
      throw new Error("no");
    },
  }));
  const stop = await vm.run();
  assertEquals([stop.reason, stop.message], ["DEVICE_ERROR", "device bad failed: Error: no"]);
  assertEquals(seen, ["slow"]);
  assertEquals(vm.exits.count, 2);
});

Deno.test("matches are the same on every engine", async () => {
  const source =
    `mov ebx, ${GPA}\n mov ecx, 50\nagain: mov [rbx], ecx\n mov edx, ${PORT}\n mov eax, ecx\n out dx, al
    dec ecx\n jnz again\n hlt`;
  const traces = [];
  for (const how of ["interpreter", "oracle", "region"] as const) {
    const vm = guest(source, { engine: how === "oracle" ? "oracle" : "interpreter" });
    if (how === "region") vm.compileRegion(0x1000n, 64);
    let signals = 0;
    const signal = () => void signals++;
    vm.ioevents.add(mmio({ length: 0, signal }));
    vm.ioevents.add(mmio({ bus: "pio", address: PORT, length: 1, datamatch: 7, signal }));
    const stop = await vm.run();
    traces.push({ signals, trace: traceOf(vm, stop) });
  }
  assertEquals(traces[0].signals, 51);
  assertEquals(traces[1], traces[0]);
  assertEquals(traces[2], traces[0]);
});
