/** Guests of the user's own at the bridge: descriptors out of RAM, at its end, changed in mid-call; errno, never a crash. */
import { assertEquals } from "@std/assert";
import type { Device } from "../../emulator/machine/device.ts";
import type { Vm } from "../../emulator/machine/vm.ts";
import { BRIDGE, bridgePlace, BUSCALL, DEVICE_CALL, VBUS_MAGIC } from "../../transports/vbus.ts";
import { CELLS, opened } from "./cells.ts";
import { recorder } from "./recorder.ts";

const CELL = CELLS[0];
const RAM = 0x10_0000, AT = 0x4000, CALL = 0x4100, BUFFER = 0x5000;
const { bar0, bar1 } = bridgePlace(64);

/** A machine whose bridge stands, with CPU 0's descriptor dropped so that the guest can register its own. */
async function bridged(device: Device, options = {}): Promise<Vm> {
  const { vm, handle } = await opened(
    { ...CELL, options: { ...CELL.options, ...options } },
    device,
    "pio",
    "fastcall",
  );
  await handle.call(0, 0);
  return vm;
}

function put(vm: Vm, at: number, ...words: (number | bigint)[]): void {
  const view = new DataView(new ArrayBuffer(4 * words.length));
  words.forEach((word, i) => view.setUint32(4 * i, Number(BigInt.asUintN(32, BigInt(word))), true));
  vm.memory.write(at, new Uint8Array(view.buffer));
}

async function run(vm: Vm, source: string): Promise<number> {
  vm.load(vm.assemble(`${source}\n hlt`, 0x1000n));
  const stop = await vm.run({ instructions: 1000 });
  assertEquals(stop.reason, "HLT", stop.message);
  return Number(BigInt.asIntN(32, vm.vcpu.registers.get("eax")));
}

/** A bridge call, as a guest makes it. */
function bridgeCall(vm: Vm, vector: number, len: number, datap: bigint | number): Promise<number> {
  const low = BigInt.asUintN(32, BigInt(datap)), high = BigInt(datap) >> 32n;
  return run(
    vm,
    `mov ebx, ${bar0}\n mov dword ptr [rbx], ${vector}\n mov dword ptr [rbx + 4], ${len}
     mov eax, ${low}\n mov [rbx + 8], eax\n mov eax, ${high}\n mov [rbx + 12], eax\n mov eax, [rbx]`,
  );
}

const EINVAL = -22, EFAULT = -14, ENODEV = -19, E2BIG = -7, ENOSYS = -38;

Deno.test("bridge calls of every wrong kind get their errno", async () => {
  const vm = await bridged(recorder(() => 1).device);
  put(vm, AT, VBUS_MAGIC, 2, 0xffff_ffff, 0xffff_ffff);
  assertEquals(await bridgeCall(vm, BRIDGE.NEGOTIATE, 16, AT), 0);
  assertEquals([...vm.memory.read(AT + 8, 8)], Array(8).fill(0));
  put(vm, AT, VBUS_MAGIC, 3);
  assertEquals(await bridgeCall(vm, BRIDGE.NEGOTIATE, 16, AT), EINVAL);
  assertEquals(await bridgeCall(vm, BRIDGE.NEGOTIATE, 15, AT), EINVAL);
  assertEquals(await bridgeCall(vm, BRIDGE.NEGOTIATE, 16, RAM - 8), EFAULT);
  assertEquals(await bridgeCall(vm, BRIDGE.NEGOTIATE, 16, (1n << 64n) - 8n), EFAULT);
  assertEquals(await bridgeCall(vm, BRIDGE.QREG, 16, AT), ENOSYS);
  assertEquals(await bridgeCall(vm, 5, 16, AT), EINVAL);
  assertEquals(await bridgeCall(vm, 0xffff_ffff, 16, AT), EINVAL);
  // CPU 0 has a descriptor; there is no CPU 1; one in no RAM, one of another size.
  put(vm, AT, 0, 24, CALL, 0);
  assertEquals(await bridgeCall(vm, BRIDGE.FASTCALL_ADD, 16, AT), EINVAL);
  put(vm, AT, 1, 24, CALL, 0);
  assertEquals(await bridgeCall(vm, BRIDGE.FASTCALL_ADD, 16, AT), EINVAL);
  assertEquals(await bridgeCall(vm, BRIDGE.FASTCALL_DROP, 16, AT), EINVAL);
  put(vm, AT, 0, 24, CALL, 0);
  assertEquals(await bridgeCall(vm, BRIDGE.FASTCALL_DROP, 16, AT), 0);
  for (
    const [len, datap, status] of [[23, CALL, EINVAL], [24, RAM - 23, EFAULT], [24, 0xe000_0000, EFAULT]]
  ) {
    put(vm, AT, 0, len, datap, 0);
    assertEquals(await bridgeCall(vm, BRIDGE.FASTCALL_ADD, 16, AT), status);
  }
  // At RAM's very end it fits.
  put(vm, AT, 0, 24, RAM - 24, 0);
  assertEquals(await bridgeCall(vm, BRIDGE.FASTCALL_ADD, 16, AT), 0);
});

/** Registers a descriptor at the end of RAM, opens the device, and rings with what `call` puts into both. */
async function ringing(vm: Vm, vector: number, len: number, datap: number | bigint): Promise<number> {
  const at = RAM - 24;
  put(vm, AT, 0, 24, CALL, 0);
  await bridgeCall(vm, BRIDGE.FASTCALL_DROP, 16, AT);
  put(vm, AT, 0, 24, at, 0);
  assertEquals(await bridgeCall(vm, BRIDGE.FASTCALL_ADD, 16, AT), 0);
  put(vm, at, vector, len, BigInt(datap), BigInt(datap) >> 32n, 0x7777, 0);
  return await run(vm, `mov edx, ${bar1.ports + 4}\n mov eax, 0\n out dx, eax\n mov eax, [${at + 16}]`);
}

Deno.test("fast calls with descriptors and buffers of every wrong kind get their errno, and no handler", async () => {
  const { device, asked } = recorder(() => new Uint8Array(32).fill(9));
  const vm = await bridged(device);
  asked.splice(0);
  /** devh u64, func, len, flags, -, datap u64 */
  const call = (devh: number, len: number, flags: number, datap: number | bigint) =>
    put(vm, CALL, devh, 0, 7, len, flags, 0, BigInt(datap), BigInt(datap) >> 32n);
  const cases: readonly [string, () => void, number][] = [
    ["a handle that is not open", () => call(99, 8, 8, BUFFER), ENODEV],
    ["a payload past the buffer", () => call(1, 8, 9, BUFFER), EINVAL],
    ["a buffer outside of RAM", () => call(1, 8, 8, RAM - 7), EFAULT],
    ["a buffer that wraps", () => call(1, 8, 8, (1n << 64n) - 4n), EFAULT],
    ["a buffer of 2 GiB", () => call(1, 0x8000_0000, 0, 0), E2BIG],
    ["flags that are none", () => call(1, 8, 0x4000_0000, BUFFER), EINVAL],
  ];
  for (const [what, spoil, status] of cases) {
    spoil();
    assertEquals(await ringing(vm, BUSCALL.DEVCALL, 32, CALL), status, what);
  }
  call(1, 8, 4, BUFFER);
  assertEquals(await ringing(vm, BUSCALL.DEVCALL, 31, CALL), EINVAL);
  assertEquals(await ringing(vm, BUSCALL.DEVCALL, 32, RAM - 31), EFAULT);
  assertEquals(await ringing(vm, BUSCALL.DEVSHM, 48, CALL), ENOSYS);
  assertEquals(await ringing(vm, 77, 32, CALL), EINVAL);
  assertEquals(asked, []);
  assertEquals(await ringing(vm, BUSCALL.DEVCALL, 32, CALL), 32);
  assertEquals(asked, [{ verb: "call", at: [7], data: [0, 0, 0, 0] }]);
  // No more than the buffer holds.
  assertEquals([...vm.memory.read(BUFFER, 10)], [9, 9, 9, 9, 9, 9, 9, 9, 0, 0]);
});

Deno.test("a doorbell for a CPU without a descriptor does nothing, nor does one of another size", async () => {
  const { device, asked } = recorder(() => 1);
  const vm = await bridged(device);
  asked.splice(0);
  await run(
    vm,
    `mov edx, ${bar1.ports + 4}\n mov eax, 5\n out dx, eax\n mov eax, -1\n out dx, eax\n out dx, al
    mov edx, ${bar1.ports}\n out dx, eax\n in eax, dx`,
  );
  assertEquals(asked, []);
});

Deno.test("a descriptor that is changed in mid-call, as another CPU might: the call is the one that was rung for", async () => {
  const seen: number[][] = [];
  let vm: Vm | undefined = undefined;
  const device: Device = {
    name: "dut",
    async call(_fn, data, { memory }) {
      seen.push([...data]);
      if (vm === undefined) return 0;
      await Promise.resolve();
      // Buffer, length and handle now say something else.
      memory.write(CALL, new Uint8Array(DEVICE_CALL.size).fill(0xff));
      memory.write(RAM - 24, new Uint8Array(16).fill(0xff));
      return new Uint8Array(8).fill(0x11);
    },
  };
  vm = await bridged(device);
  put(vm, BUFFER, 0x0403_0201);
  put(vm, CALL, 1, 0, 7, 8, 4, 0, BUFFER, 0);
  assertEquals(await ringing(vm, BUSCALL.DEVCALL, 32, CALL), 8);
  assertEquals(seen.at(-1), [1, 2, 3, 4]);
  assertEquals([...vm.memory.read(BUFFER, 8)], Array(8).fill(0x11));
});

Deno.test("two CPUs ring with descriptors of their own; each gets its own result, the same each time", async () => {
  const outcomes = [];
  for (let i = 0; i < 2; i++) {
    const vm = await bridged(recorder((_fn, data) => data).device, { vcpus: 2, turn: 100 });
    put(vm, AT, 1, 24, 0x6000, 0);
    assertEquals(await bridgeCall(vm, BRIDGE.FASTCALL_ADD, 16, AT), 0);
    put(vm, 0x6000, BUSCALL.DEVCALL, 32, CALL, 0, 0, 0);
    put(vm, CALL, 1, 0, 7, 64, 3, 0, BUFFER, 0);
    vm.exits.reset();
    vm.load(vm.assemble(
      `mov edx, ${bar1.ports + 4}\n mov eax, 1\n mov ecx, 20\nagain: out dx, eax\n dec ecx\n jnz again\n hlt`,
      0x1000n,
    ));
    vm.vcpus[1].start(0x1000n);
    await vm.run();
    outcomes.push([vm.exits.count, vm.exits.cycles, ...vm.memory.read(0x6010, 4)]);
  }
  assertEquals(outcomes[0].slice(2), [3, 0, 0, 0]);
  assertEquals(outcomes[1], outcomes[0]);
});
