/** ePAPR's own hypercalls as guests in assembler meet them: byte channels, EV_IDLE, and the codes for wrong use. */
import { assertEquals, assertThrows } from "@std/assert";
import { type ByteChannels, createByteChannels } from "../../../../emulator/machine/byte_channels.ts";
import { restoreVm, saveVm } from "../../../../emulator/machine/snapshot/snapshot.ts";
import { createVm, type Vm } from "../../../../emulator/machine/vm.ts";
import type { VmOptions } from "../../../../emulator/machine/vm_options.ts";

const NOTES = 0x6000;
const CELLS: readonly VmOptions[] = [
  { arch: "ppc", mode: 32, backend: "kvm-pr" },
  { arch: "ppc", mode: 64, backend: "kvm-pr" },
  { arch: "ppc", mode: 64, backend: "kvm-pr", order: "le" },
];

/** The instructions that the device tree publishes. */
const call = (number: number) =>
  `lis r11, 1\n ori r11, r11, ${number}\n lis r0, 0x4b56\n ori r0, r0, 0x4d21\n sc\n nop\n`;
const send = (handle: number, count: number, ...words: number[]) =>
  `li r3, ${handle}\n li r4, ${count}\n${
    words.map((word, i) => `lis r${5 + i}, ${word >>> 16}\n ori r${5 + i}, r${5 + i}, ${word & 0xffff}\n`)
      .join("")
  }${call(1)}`;
const receive = (handle: number, most: number) => `li r3, ${handle}\n li r4, ${most}\n ${call(2)}`;
const poll = (handle: number) => `li r3, ${handle}\n ${call(3)}`;
const note = (...registers: number[]) =>
  registers.map((r) => `stw r${r}, 0(r31)\n addi r31, r31, 4\n`).join("");

function guest(source: string, options: VmOptions): Vm {
  const vm = createVm({ ...options, hypervisor: "epapr", memory: 2 ** 18, recordRows: true });
  vm.load(vm.assemble(`li r31, ${NOTES}\n${source}\nend: b end`, 0x2000n));
  return vm;
}

async function run(vm: Vm): Promise<void> {
  const stop = await vm.run({ instructions: 2000, until: vm.symbols.lookup("end") });
  assertEquals(stop.reason, "UNTIL", stop.message);
}

function notes(vm: Vm, count: number): number[] {
  const bytes = vm.memory.read(NOTES, 4 * count), view = new DataView(bytes.buffer);
  return Array.from({ length: count }, (_, i) => view.getUint32(4 * i, vm.isa.order === "le"));
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (text: string) => new TextEncoder().encode(text);

/** A channel whose sent bytes are kept. */
function consoleOf(vm: Vm, room?: () => number) {
  const channels: ByteChannels = createByteChannels(vm);
  let sent = "";
  const channel = channels.add({ handle: 5, depth: 40, room, transmit: (part) => void (sent += text(part)) });
  return { channels, channel, sent: () => sent };
}

for (const options of CELLS) {
  const name = `${options.mode} bits ${options.order ?? "be"}`;
  Deno.test(`bytes go out and come in by registers, big-endian in words of 32 bits: ${name}`, async () => {
    const vm = guest(
      `${send(5, 7, 0x68656c6c, 0x6f21_2120)} ${note(3, 4)} ${
        send(5, 16, 0x30313233, 0x34353637, 0x38396162, 0x63646566)
      }
       ${note(3, 4)} ${send(5, 0)} ${note(3, 4)} ${poll(5)} ${note(3, 4, 5)}
       ${receive(5, 16)} ${note(3, 4, 5, 6, 7, 8)} ${receive(5, 16)} ${note(3, 4, 5, 6)} ${receive(5, 4)} ${
        note(3, 4, 5)
      }`,
      options,
    );
    const { channel, sent } = consoleOf(vm);
    assertEquals(channel.feed(bytes("abcdefghijklmnopqr")), 18);
    await run(vm);
    assertEquals(sent(), "hello!!0123456789abcdef");
    assertEquals(notes(vm, 22), [
      ...[0, 7, 0, 16, 0, 0],
      ...[0, 18, 40],
      ...[0, 16, 0x61626364, 0x65666768, 0x696a6b6c, 0x6d6e6f70],
      ...[0, 2, 0x71720000, 0],
      // Nothing there is no failure.
      ...[0, 0, 0],
    ]);
    assertEquals(vm.exits.rows.map(({ reason, key }) => `${reason} ${key.toString(16)}`), [
      ...new Array(3).fill("HYPERCALL 10001"),
      "HYPERCALL 10003",
      ...new Array(3).fill("HYPERCALL 10002"),
    ]);
  });

  Deno.test(`wrong use gets ePAPR's codes: EV_EINVAL, EV_EAGAIN, EV_UNIMPLEMENTED: ${name}`, async () => {
    const source = `${send(6, 1, 0)} ${note(3)} ${receive(6, 1)} ${note(3)} ${poll(6)} ${note(3)}
      ${send(5, 17, 0)} ${note(3)} ${send(5, -1, 0)} ${note(3)} ${receive(5, 17)} ${note(3)}
      ${send(5, 4, 0x61626364)} ${note(3, 4)} ${send(5, 4, 0x63646566)} ${note(3, 4)} ${poll(5)} ${
      note(3, 4, 5)
    }`;
    const vm = guest(source, options);
    const { sent } = consoleOf(vm, () => 3);
    await run(vm);
    assertEquals(notes(vm, 13), [8, 8, 8, 8, 8, 8, 4, 3, 4, 3, 0, 0, 3]);
    assertEquals(sent(), "abccde");
    // Without channels they are numbers that nobody has.
    const bare = guest(source, options);
    await run(bare);
    assertEquals(notes(bare, 6), [12, 12, 12, 12, 12, 12]);
  });

  Deno.test(`EV_IDLE waits for an interrupt, and says success: ${name}`, async () => {
    const source = `li r3, 77\n ${call(16)} ${note(3)}`;
    // Where no interrupt can come it is the end.
    const alone = guest(source, options), stop = await alone.run({ instructions: 100 });
    assertEquals([stop.reason, alone.exits.rows[0].key], ["HLT", 0x1_0010]);
    assertEquals(alone.vcpu.registers.get("r3"), 0n);
    if (options.order === "le") return;
    // The decrementer wakes it: its handler runs first, then what is behind the call.
    const vm = guest(
      `li r9, 1000\n mtspr 22, r9\n mfmsr r9\n ori r9, r9, 0x8000\n mtmsr r9\n ${source}`,
      { ...options, interrupts: true },
    );
    const back = options.mode === 64 ? "rfid" : "rfi";
    vm.memory.write(
      0x900,
      vm.assemble(`lis r20, 0x7fff\n mtspr 22, r20\n mr r21, r3\n ${back}`, 0x900n).bytes,
    );
    await run(vm);
    assertEquals(vm.vcpu.registers.get("r21"), 0n);
    assertEquals(notes(vm, 1), [0]);
    assertEquals(vm.vcpu.idleCycles > 0, true);
    assertEquals(vm.exits.rows.filter(({ key }) => key === 0x1_0010).length, 1);
  });
}

Deno.test("what a channel has not delivered is in the snapshot, and comes with its handle", async () => {
  const vm = guest(`${receive(5, 3)} ${note(5)} ${receive(5, 3)} ${note(5)}`, CELLS[0]);
  consoleOf(vm).channel.feed(bytes("abcdef"));
  await vm.run({ instructions: 10 });
  const saved = saveVm(vm), there = restoreVm(saved);
  assertEquals(there.parts.waiting, ["byte channels"]);
  const { channel } = consoleOf(there);
  assertEquals([channel.waiting, saveVm(there).length], [3, saved.length]);
  await run(there);
  assertEquals(notes(there, 2), [0x61626300, 0x64656600]);
});

Deno.test("byte channels are ePAPR's; handles and depths are checked", () => {
  assertThrows(() => createByteChannels(createVm({ arch: "ppc" })), Error, "byte channels are ePAPR's");
  const vm = createVm({ ...CELLS[0], hypervisor: "epapr" }), channels = createByteChannels(vm);
  const transmit = () => {};
  channels.add({ handle: 0, transmit });
  assertThrows(() => channels.add({ handle: 0, transmit }), RangeError, "there is a byte channel 0");
  assertThrows(() => channels.add({ handle: 2 ** 32, transmit }), RangeError, "32 bits");
  assertThrows(() => channels.add({ handle: 1, depth: 0, transmit }), RangeError, "cannot hold 0 bytes");
  assertThrows(() => createByteChannels(vm), RangeError, "is taken");
});
