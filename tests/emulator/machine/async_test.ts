/** Handlers that answer later: time stands still, nothing is repeated, and everything is as if they answered at once. */
import { assert, assertEquals } from "@std/assert";
import type { Device } from "../../../emulator/machine/device.ts";
import type { Vm } from "../../../emulator/machine/vm.ts";
import type { VmOptions } from "../../../emulator/machine/vm_options.ts";
import { guest, traceOf } from "./guests.ts";

/** Eight bytes of registers, in a device that charges, looks at the time and does DMA; `later` makes it asynchronous. */
function cell(later: boolean, log: string[]): Device {
  const bytes = new DataView(new ArrayBuffer(8));
  const settle = later ? () => new Promise<void>((resolve) => setTimeout(resolve, 0)) : undefined;
  const read = (offset: number, size: number) =>
    size === 8
      ? bytes.getBigUint64(0, true)
      : size === 4
      ? bytes.getUint32(offset, true)
      : size === 2
      ? bytes.getUint16(offset, true)
      : bytes.getUint8(offset);
  const write = (offset: number, size: number, value: number | bigint) => {
    for (let i = 0; i < size; i++) bytes.setUint8(offset + i, Number(BigInt(value) >> BigInt(8 * i) & 0xffn));
  };
  return {
    name: "cell",
    read(offset, size, context) {
      context.charge(7);
      log.push(`read ${offset} ${size} at ${context.cycles}`);
      if (!settle) return (log.push(`done at ${context.cycles + 3}`), context.charge(3), read(offset, size));
      return settle().then(() => {
        context.charge(3);
        log.push(`done at ${context.cycles}`);
        return read(offset, size);
      });
    },
    write(offset, size, value, context) {
      log.push(`write ${offset} ${size} ${value} at ${context.cycles}`);
      const finish = () => {
        write(offset, size, value);
        context.charge(5);
        log.push(`done at ${context.cycles}`);
        context.memory.write(0x4000, Uint8Array.of(Number(BigInt(value) & 0xffn)));
      };
      return settle ? settle().then(finish) : finish();
    },
  };
}

const PROGRAMS: readonly (Partial<VmOptions> & { source: string })[] = [
  {
    source: `mov edx, 0x1000
             mov ebx, 0xfeb00000
             mov esp, 0x8000
             mov eax, 0x11223344
             out dx, eax
             in al, dx
             add dx, 2
             in ax, dx
             mov [rbx + 4], ax
             add [rbx], eax
             add dword ptr [rbx], 0x1000
             inc byte ptr [rbx + 7]
             push [rbx]
             mov rcx, [rbx]
             mov [rbx], rcx
             movzx esi, byte ptr [0x4000]
             rdtsc
             hlt`,
  },
  {
    source: "mov edx, 0x1000\nmov al, 9\nagain: out dx, al\nin al, dx\ndec al\njne again\nhlt",
    backend: "svm",
    mode: 32,
  },
  {
    arch: "ppc",
    source: `oris r5, r0, 0xfeb0
             li r3, 0x123
             stw r3, 0(r5)
             sthbrx r3, r0, r5
             lwz r4, 0(r5)
             lwbrx r6, r0, r5
             std r4, 0(r5)
             ld r7, 0(r5)
             lhz r8, 2(r5)
             mftb r9
             mfspr r6, 1023`,
  },
];

for (const engine of ["interpreter", "oracle"] as const) {
  Deno.test(`an asynchronous device leaves the same trace as a synchronous one, ${engine}`, async () => {
    for (const { source, ...options } of PROGRAMS) {
      const traces = [];
      for (const later of [false, true]) {
        const log: string[] = [];
        const vm = guest(source, { ...options, engine });
        vm.devices.add(cell(later, log));
        const stop = await vm.run({ instructions: 10_000 });
        assert(["HLT", "UNIMPLEMENTED"].includes(stop.reason), stop.message);
        traces.push({ trace: traceOf(vm, stop), log });
      }
      assertEquals(traces[1], traces[0]);
    }
  });
}

Deno.test("an asynchronous device leaves the same trace in pieces, waited for between runs", async () => {
  const { source, ...options } = PROGRAMS[0];
  const traces = [];
  for (const later of [false, true]) {
    const log: string[] = [];
    const vm = guest(source, options);
    vm.devices.add(cell(later, log));
    let stop = await vm.run({ instructions: 1 });
    while (stop.reason === "BUDGET") {
      const between = await vm.run({ instructions: 1, signal: AbortSignal.abort() });
      assertEquals(between.reason, "INTERRUPTED");
      stop = await vm.run({ instructions: 1 });
    }
    traces.push({ trace: traceOf(vm, stop), log });
  }
  assertEquals(traces[1], traces[0]);
});

/** A device whose answer comes when the test says so. */
function slow(): {
  device: Device;
  calls: string[];
  answer: (value: number) => void;
  fail: (error: Error) => void;
} {
  const calls: string[] = [];
  let gate = Promise.withResolvers<number>();
  const wait = (what: string) => {
    calls.push(what);
    gate = Promise.withResolvers();
    return gate.promise;
  };
  return {
    calls,
    device: {
      name: "slow",
      read: (offset, size) => wait(`read ${offset} ${size}`),
      write: async (offset, size, value) => void await wait(`write ${offset} ${size} ${value}`),
    },
    answer: (value) => gate.resolve(value),
    fail: (error) => gate.reject(error),
  };
}

/** Runs until the device is waited for, and interrupts that. */
async function interrupted(vm: Vm) {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 2);
  const stop = await vm.run({ signal: controller.signal });
  assertEquals(stop.reason, "INTERRUPTED");
  return stop;
}

const LOAD = "mov edx, 0x1000\nmov ecx, 5\nin eax, dx\ninc eax\nhlt";

Deno.test("a device that never answers is interrupted, and waited for again", async () => {
  const vm = guest(LOAD);
  const { device, calls, answer } = slow();
  vm.devices.add(device);
  const stop = await interrupted(vm);
  assertEquals([stop.pc, vm.vcpu.inExit, vm.busy, vm.vcpu.instructions], [0x100an, true, true, 2]);
  const cycles = vm.vcpu.cycles;
  await interrupted(vm);
  assertEquals([calls, vm.vcpu.cycles], [["read 0 4"], cycles]);
  answer(41);
  assertEquals([(await vm.run()).reason, vm.vcpu.registers.get("eax"), calls.length], ["HLT", 42n, 1]);
  assertEquals([vm.exits.count, vm.busy], [2, false]);
});

Deno.test("an answer that comes between two runs counts", async () => {
  const vm = guest(LOAD);
  const { device, calls, answer } = slow();
  vm.devices.add(device);
  await interrupted(vm);
  answer(41);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals([vm.busy, (await vm.run()).reason, vm.vcpu.registers.get("eax")], [false, "HLT", 42n]);
  assertEquals(calls.length, 1);
});

Deno.test("a failure that comes between two runs is told by the next, once", async () => {
  const vm = guest(LOAD);
  const { device, calls, answer, fail } = slow();
  vm.devices.add(device);
  await interrupted(vm);
  fail(new Error("broken"));
  await new Promise((resolve) => setTimeout(resolve, 0));
  const stop = await vm.run();
  assertEquals([stop.reason, stop.message, calls.length], [
    "DEVICE_ERROR",
    "device slow failed: Error: broken",
    1,
  ]);
  await interrupted(vm);
  answer(1);
  assertEquals([(await vm.run()).reason, calls.length], ["HLT", 2]);
});

Deno.test("a rejection is a DEVICE_ERROR with the error as it is", async () => {
  for (const error of [new RangeError("too much"), "text", undefined]) {
    const vm = guest(LOAD);
    vm.devices.add({ name: "d", read: () => Promise.reject(error) });
    const stop = await vm.run();
    assert(stop.reason === "DEVICE_ERROR");
    assertEquals([stop.error, vm.vcpu.pc], [error, 0x100an]);
  }
});

Deno.test("what is waited for is abandoned when the guest is moved", async () => {
  const moves: Record<string, (vm: Vm) => void> = {
    "restoreState()": (vm) => vm.vcpu.restoreState(vm.vcpu.resetState()),
    "pc": (vm) => vm.vcpu.pc = 0x100bn,
    "registers.set(rip)": (vm) => vm.vcpu.registers.set("rip", 0x100b),
    "registers.set(pc)": (vm) => vm.vcpu.registers.set("pc", 0x100b),
    "load()": (vm) => void vm.load(vm.assemble("out dx, al\nhlt", 0x100bn)),
    "reset()": (vm) => vm.reset(),
  };
  for (const [name, move] of Object.entries(moves)) {
    const vm = guest(LOAD);
    const { device, calls, answer } = slow();
    vm.devices.add(device);
    vm.ports.add({ base: 0x20, size: 1, name: "fast" }, { read: () => 0x77, write: () => {} });
    await interrupted(vm);
    move(vm);
    assertEquals([vm.busy, vm.vcpu.inExit], [false, false], name);
    // The same instruction number, another access: it is made, not taken from the one before.
    vm.load(vm.assemble("in al, 0x20\nhlt", 0x2000n));
    answer(0x55);
    await new Promise((resolve) => setTimeout(resolve, 0));
    const stop = await vm.run();
    assertEquals([stop.reason, stop.pc, vm.vcpu.registers.get("al")], ["HLT", 0x2003n, 0x77n], name);
    assertEquals(calls.length, 1);
  }
});

Deno.test("a read-modify-write whose write fails does not repeat its read", async () => {
  const vm = guest("mov ebx, 0xfeb00000\nmov eax, 2\nadd [rbx], eax\nhlt");
  const calls: string[] = [];
  let fail = true;
  vm.devices.add({
    name: "d",
    read: () => (calls.push("read"), 40),
    write: (_o, _s, value) => {
      calls.push(`write ${value}`);
      if (fail) throw new Error("not yet");
    },
  });
  assertEquals((await vm.run()).reason, "DEVICE_ERROR");
  fail = false;
  assertEquals((await vm.run()).reason, "HLT");
  assertEquals(calls, ["read", "write 42", "write 42"]);
});

Deno.test("a page-crossing access calls each side once, whether they answer now or later", async () => {
  for (const later of [false, true]) {
    const vm = guest("mov ebx, 0xfeb00ffd\nmov rax, [rbx]\nmov [rbx], rax\nadd [rbx], eax\nhlt");
    const calls: string[] = [];
    const answer = <T>(value: T) => later ? Promise.resolve(value) : value;
    for (const [name, base] of [["low", 0xfeb0_0000], ["high", 0xfeb0_1000]] as const) {
      vm.mmio.add({ base, size: 0x1000, name }, {
        read: (
          offset,
          size,
        ) => (calls.push(`${name} read ${offset} ${size}`), answer(name === "low" ? 0x11 : 0x22)),
        write: (offset, size, value) => {
          calls.push(`${name} write ${offset} ${size} ${value.toString(16)}`);
          return answer(undefined) as undefined;
        },
      });
    }
    assertEquals((await vm.run()).reason, "HLT");
    assertEquals(vm.vcpu.registers.get("rax"), 0x22_0000_0022_0011_11n);
    assertEquals(calls.slice(0, 8), [
      "low read 4093 1",
      "low read 4094 2",
      "high read 0 4",
      "high read 4 1",
      "low write 4093 1 11",
      "low write 4094 2 11",
      "high write 0 4 22",
      "high write 4 1 22",
    ]);
    assertEquals(calls.length, 8 + 2 * 3);
    assertEquals(vm.exits.rows.map(({ accesses, returns }) => [accesses, returns]), [[4, 4], [4, 4], [6, 6], [
      1,
      0,
    ]]);
  }
});

Deno.test("a page-crossing access between RAM and a device takes each part from its side", async () => {
  for (const later of [false, true]) {
    const vm = guest(
      "mov ebx, 0xfffe\nmov dword ptr [0xfffc], 0x44332211\nmov eax, [rbx]\nmov [rbx], ecx\nhlt",
    );
    const seen: unknown[] = [];
    vm.mmio.add({ base: 0x1_0000, size: 16, name: "d" }, {
      read: () => later ? Promise.resolve(0x6655) : 0x6655,
      write: (...args) => (seen.push(args), later ? Promise.resolve() : undefined),
    });
    vm.vcpu.registers.set("ecx", 0xddccbbaa);
    assertEquals((await vm.run()).reason, "HLT");
    assertEquals(vm.vcpu.registers.get("eax"), 0x6655_4433n);
    assertEquals([...vm.memory.read(0xfffc, 4)], [0x11, 0x22, 0xaa, 0xbb]);
    assertEquals(seen, [[0, 2, 0xddcc]]);
  }
});

Deno.test("an asynchronous hypercall is made once, and may set registers that tell what it is", async () => {
  for (const later of [false, true]) {
    const vm = guest("sc 1\nmr r31, r3\nmfspr r6, 1023", { arch: "ppc", mode: 64, backend: "kvm-pr" });
    let calls = 0;
    vm.hypercalls.register(9, {
      name: "nine",
      call(vcpu) {
        calls++;
        for (const name of ["r0", "r11", "r3"]) vcpu.registers.set(name, 77);
        if (later) return Promise.resolve();
      },
    });
    vm.vcpu.registers.set("r0", 0x4b56_4d21);
    vm.vcpu.registers.set("r11", 9);
    const stop = await vm.run({ instructions: 5 });
    assertEquals([stop.reason, stop.pc, calls, vm.vcpu.registers.get("r31")], [
      "UNIMPLEMENTED",
      0x1008n,
      1,
      77n,
    ]);
  }
});

Deno.test("a hypercall that fails, or whose `handledIn` fails, is a DEVICE_ERROR", async () => {
  const fail = () => {
    throw new Error("no");
  };
  for (
    const call of [{ name: "h", call: fail }, {
      name: "h",
      handledIn: fail as () => "kernel",
      call: () => {},
    }]
  ) {
    const vm = guest("vmcall\nhlt");
    vm.hypercalls.register(0, call);
    const stop = await vm.run();
    assertEquals([stop.reason, stop.message], ["DEVICE_ERROR", "device h failed: Error: no"]);
  }
});
