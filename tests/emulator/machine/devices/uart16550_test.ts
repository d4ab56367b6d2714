import { assertEquals } from "@std/assert";
import { Uart16550, type UartLine } from "../../../../emulator/machine/devices/uart16550.ts";
import { createVm } from "../../../../emulator/machine/vm.ts";

const DATA = 0, IER = 1, IIR = 2, FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6, SCR = 7;

function make(line: Partial<UartLine> = {}) {
  const sent: number[] = [];
  const uart = new Uart16550({ transmit: (byte) => void sent.push(byte), ...line });
  const write = (offset: number, value: number) => uart.write(offset, 1, value);
  return { uart, sent, write, read: (offset: number) => uart.read(offset, 1) };
}

Deno.test("Uart16550 sends what is written, and the divisor latch does not", () => {
  const { sent, write, read } = make();
  write(DATA, 0x41);
  write(LCR, 0x83);
  write(DATA, 0x0c);
  write(IER, 1);
  assertEquals([read(DATA), read(IER), read(LCR)], [0x0c, 1, 0x83]);
  write(LCR, 3);
  write(DATA, 0x42);
  write(SCR, 0x5a);
  assertEquals([sent, read(IER), read(SCR), read(LSR)], [[0x41, 0x42], 0, 0x5a, 0x60]);
});

Deno.test("Uart16550 gives what was fed, one byte or sixteen at a time, then drops the carrier", () => {
  const { uart, write, read } = make();
  uart.feed(Uint8Array.from({ length: 20 }, (_, i) => i + 1));
  uart.end();
  assertEquals([read(LSR), read(MSR), read(DATA), read(LSR)], [0x61, 0xb0, 1, 0x61]);
  // Turning the FIFOs on loses what stands in the receiver: one byte.
  write(FCR, 1);
  const rest = Array.from({ length: 18 }, () => read(DATA));
  assertEquals(rest, Array.from({ length: 18 }, (_, i) => i + 3));
  assertEquals([read(LSR), read(MSR), read(MSR), read(DATA)], [0x60, 0x38, 0x30, 0]);
});

Deno.test("Uart16550 takes much at once, and gives it all", () => {
  const { uart, write, read } = make();
  write(FCR, 1);
  for (let i = 0; i < 3; i++) uart.feed(new Uint8Array(100_000).fill(i + 1));
  const counts = [0, 0, 0, 0];
  while ((read(LSR) as number) & 1) counts[read(DATA) as number]++;
  assertEquals(counts, [0, 100_000, 100_000, 100_000]);
});

Deno.test("Uart16550 names its interrupts by priority", () => {
  const { uart, write, read } = make();
  assertEquals(read(IIR), 1, "none");
  write(IER, 2);
  assertEquals([read(IIR), read(IIR)], [2, 1], "transmitter empty, which reading clears");
  write(DATA, 0x41);
  write(IER, 0xf);
  uart.feed(Uint8Array.of(1, 2, 3, 4, 5));
  assertEquals(read(IIR), 4, "received data before transmitter empty");
  assertEquals(Array.from({ length: 5 }, () => read(DATA)), [1, 2, 3, 4, 5]);
  assertEquals([read(IIR), read(IIR)], [2, 1]);
  write(FCR, 0x81);
  uart.feed(new Uint8Array(7));
  assertEquals(read(IIR), 0xcc, "below the trigger level of 8: character timeout");
  uart.feed(new Uint8Array(1));
  assertEquals(read(IIR), 0xc4);
  write(FCR, 0x83);
  assertEquals(read(IIR), 0xc1, "cleared");
  uart.end();
  assertEquals([read(IIR), read(MSR), read(IIR)], [0xc0, 0x38, 0xc1], "modem status");
});

Deno.test("Uart16550 in loop-back hears itself and overruns", () => {
  const { uart, sent, write, read } = make();
  write(MCR, 0x1f);
  uart.feed(Uint8Array.of(0x99));
  assertEquals(read(MSR) as number & 0xf0, 0xf0);
  write(MCR, 0x10);
  assertEquals(read(MSR), 0x0f, "all four changed, the ring indicator at its trailing edge");
  write(DATA, 1);
  write(DATA, 2);
  write(IER, 4);
  assertEquals([read(IIR), read(LSR), read(LSR), read(IIR)], [6, 0x63, 0x61, 1]);
  assertEquals(read(DATA), 2, "the newer byte took the older one's place");
  write(FCR, 1);
  for (let i = 1; i <= 17; i++) write(DATA, i);
  assertEquals(read(LSR), 0x63);
  assertEquals(
    Array.from({ length: 17 }, () => read(DATA)),
    [...Array(16).keys()].map((i) => i + 1).concat(0),
  );
  assertEquals(sent, []);
  write(MCR, 0);
  assertEquals(read(DATA), 0x99, "what came meanwhile has waited");
});

Deno.test("Uart16550 takes a wide access as one to each byte", () => {
  const { uart, sent, write, read } = make();
  uart.write(LCR, 2, 0x1203);
  assertEquals([read(LCR), read(MCR), uart.read(LCR, 2)], [3, 0x12, 0x1203]);
  write(MCR, 0);
  uart.write(0, 8, 0x55_00_00_00_03_00_00_41n);
  assertEquals([sent, uart.read(0, 8)], [[0x41], 0x55_b0_60_00_03_01_00_00n]);
  uart.reset();
  assertEquals([read(LCR), read(SCR)], [0, 0]);
});

Deno.test("Uart16550 brings what it asks its line for byte by byte, and only to a guest that waits", async () => {
  let asked = 0;
  const { write, read } = make({
    receive: () => Promise.resolve(asked++ === 0 ? Uint8Array.of(1, 2) : undefined),
  });
  assertEquals([read(LSR), asked], [0x60, 0]);
  write(DATA, 0x41);
  assertEquals([read(LSR), asked], [0x60, 0], "it has written in between");
  assertEquals([await read(LSR), asked], [0x61, 1]);
  write(MCR, 3);
  assertEquals([read(DATA), read(LSR), read(LSR), read(DATA)], [1, 0x60, 0x61, 2]);
  assertEquals([read(MSR), read(LSR), await read(LSR), read(MSR), read(LSR)], [0xb0, 0x60, 0x60, 0x38, 0x60]);
});

/** Copies its input to its output until the carrier drops. */
const COPY = {
  x86: `
    poll: mov edx, 0x3fd ;; in al, dx ;; test al, 1 ;; jnz have
          inc edx ;; in al, dx ;; test al, 0x80 ;; jnz poll ;; hlt
    have: mov edx, 0x3f8 ;; in al, dx ;; out dx, al ;; jmp poll`,
  ppc: `
          lis r3, 0xfe00 ;; ori r3, r3, 0x3f8
    poll: lbz r4, 5(r3) ;; andi. r5, r4, 1 ;; bne have
          lbz r4, 6(r3) ;; andi. r5, r4, 0x80 ;; bne poll ;; lis r6, 0xfe00 ;; ori r6, r6, 0x501 ;; stb r5, 0(r6)
    have: lbz r4, 0(r3) ;; stb r4, 0(r3) ;; b poll`,
} as const;

async function copied(arch: "x86" | "ppc", pieces: readonly string[]) {
  const { uart, sent } = make({
    receive: () => Promise.resolve(parts.shift()),
  });
  const parts = pieces.map((text) => new TextEncoder().encode(text));
  const vm = createVm({ arch, mode: 32 });
  vm.devices.add(uart, arch === "x86" ? { port: 0x3f8 } : { gpa: 0xfe00_03f8 });
  vm.devices.add(
    { name: "end", write: (_offset, _size, value, context) => context.stop(Number(value)) },
    { gpa: 0xfe00_0501 },
  );
  vm.load(vm.assemble(COPY[arch].replaceAll(";;", "\n")));
  const { reason } = await vm.run({ instructions: 10_000 });
  return { reason, text: new TextDecoder().decode(Uint8Array.from(sent)), totals: vm.exits.totals() };
}

for (const arch of ["x86", "ppc"] as const) {
  Deno.test(`Uart16550 on ${arch}: a guest copies its input, whatever its pieces, in the same exits`, async () => {
    const one = await copied(arch, ["Hello, line"]);
    assertEquals([one.reason, one.text], [arch === "x86" ? "HLT" : "SYSTEM_EVENT", "Hello, line"]);
    assertEquals(await copied(arch, ["Hel", "", "lo, l", "ine"]), one);
    assertEquals((await copied(arch, [])).text, "");
  });
}
