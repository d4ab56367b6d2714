/**
 * Guest code for rings whose completion is an interrupt: sets the controller up, lets interrupts in around a doorbell,
 * waits for one (HLT; on 32-bit PowerPC a nap), and ends each in a handler as a driver of that board does.
 */
import type { Vm } from "../../emulator/machine/vm.ts";
import { type Places, pointer } from "../places.ts";
import { closed, inByteOrder, type StubText } from "../stubs/stub_text.ts";
import { pointerRegister, wide } from "../stubs/x86_words.ts";

/** Offsets in the stub slot, behind a call descriptor's block: tables, their registers' images, and a stack. */
const PLACE = { gdt: 0x8100, gdtr: 0x8140, idtr: 0x8150, idt: 0x8200, stack: 0x9000 } as const;
/** First vector of the two 8259A, and how many there are. */
const VECTORS = 0x20, LINES = 16;
/** Where PowerPC takes external interrupts (2.07B Book III-S 6.5.7; Programming Environments Manual 6.4.5). */
const EXTERNAL = 0x500;
/** Where it takes the decrementer's, and what that is set to while interrupts are let in: a tick, if nothing else comes. */
const DECREMENTER = 0x900, TICK = 0x4_0000;
const OPEN_PIC = 0xfec0_0000;

/** Bytes that have to be in guest memory while a stub runs. */
export interface Patch {
  readonly gpa: number;
  readonly bytes: Uint8Array;
}

/** A machine's way with interrupts. */
export interface InterruptStubs {
  /** Sets the controller up for these lines; its exits are a driver's when it is loaded. */
  setup(lines: readonly number[]): StubText<never>;
  /**
   * From the label `call`: what comes `before`, which may go to `end`; then the trap with interrupts let in. From the label
   * `wait`: waits for one.
   */
  around(before: string, trap: string): string;
  /** Registers that these take, beside the doorbell's. */
  readonly registers: Readonly<Record<string, bigint>>;
  /** What has to be in memory; `handler` gives the addresses of the handler's labels, where there is one. */
  patches(handler: (label: string) => bigint): readonly Patch[];
  /** Ends an interrupt; undefined where it is among the patches. */
  readonly handler: StubText<never> | undefined;
}

export function interruptStubs(vm: Vm, places: Places): InterruptStubs {
  return vm.arch === "x86" ? x86Stubs(vm.mode, places) : ppcStubs(vm);
}

function x86Stubs(mode: 16 | 32 | 64, places: Places): InterruptStubs {
  const tables = pointerRegister("bp", mode);
  const open = `  mov ${tables}, ${
    pointer(places, PLACE.gdtr)
  }\n  lgdt [${tables}]\n  lidt [${tables}+16]\n  sti\n`;
  const out = (port: number, value: number) => `  mov al, ${value}\n  out ${port}, al\n`;
  const accumulator = wide("ax", mode), end = { 16: "iret", 32: "iretd", 64: "iretq" }[mode];
  const both = (first: (pic: number) => string) => first(0x20) + first(0xa0);
  return {
    setup(lines) {
      const mask = lines.reduce((bits, line) => bits & ~(1 << line), 0xffff) &
        ~(lines.some((n) => n > 7) ? 4 : 0);
      // ICW1 to ICW4, then the mask: Intel 8259A data sheet.
      const words = both((pic) => out(pic, 0x11)) + out(0x21, VECTORS) + out(0xa1, VECTORS + 8) +
        out(0x21, 4) +
        out(0xa1, 2) + out(0x21, 1) + out(0xa1, 1) + out(0x21, mask & 0xff) + out(0xa1, mask >> 8);
      return { name: `ring_setup_${mask}`, text: closed("x86", `call:\n${words}`), registers: {} };
    },
    around: (before, trap) =>
      closed("x86", `call:\n${before}${open}${trap}  nop\n  cli\n  jmp end\nwait:\n${open}  hlt\n  cli\n`),
    registers: { [wide("sp", mode)]: pointer(places, PLACE.stack) },
    // A line of the slave's is ended at both controllers.
    handler: {
      name: "ring_interrupt",
      text: closed(
        "x86",
        `slave:\n  push ${accumulator}\n${out(0xa0, 0x20)}  pop ${accumulator}
master:\n  push ${accumulator}\n${out(0x20, 0x20)}  pop ${accumulator}\n  ${end}\n`,
      ),
      registers: {},
    },
    patches: (handler) => x86Tables(mode, places, handler),
  };
}

/** A flat GDT and a table in which every line of the controllers leads to the handler; in real mode, vectors. */
function x86Tables(mode: 16 | 32 | 64, places: Places, handler: (label: string) => bigint): Patch[] {
  const at = (offset: number) => places.stubs + offset;
  const quads = (...values: bigint[]) => new Uint8Array(BigUint64Array.from(values).buffer);
  const image = (limit: number, base: number) => {
    const bytes = new Uint8Array(10), view = new DataView(bytes.buffer);
    view.setUint16(0, limit, true);
    view.setUint32(2, base, true);
    return bytes;
  };
  const each = { 16: 4, 32: 8, 64: 16 }[mode], table = new Uint8Array(each * (VECTORS + LINES));
  const view = new DataView(table.buffer), master = handler("master"), slave = handler("slave");
  for (let vector = VECTORS; vector < VECTORS + LINES; vector++) {
    const entry = each * vector, to = vector < VECTORS + LINES / 2 ? master : slave;
    view.setUint16(entry, Number(to & 0xffffn), true);
    view.setUint16(entry + 2, mode === 16 ? places.segment! : 8, true);
    if (mode === 16) continue;
    // A present interrupt gate of level 0: SDM vol. 3A, 6.11 and 6.14.1.
    view.setUint16(entry + 4, 0x8e00, true);
    view.setUint16(entry + 6, Number(to >> 16n), true);
  }
  const code = mode === 64 ? 0x00af_9a00_0000_ffffn : 0x00cf_9a00_0000_ffffn;
  return [
    { gpa: at(PLACE.gdt), bytes: quads(0n, code, 0x00cf_9200_0000_ffffn) },
    { gpa: at(PLACE.gdtr), bytes: image(3 * 8 - 1, at(PLACE.gdt)) },
    { gpa: at(PLACE.idtr), bytes: image(table.length - 1, at(PLACE.idt)) },
    { gpa: at(PLACE.idt), bytes: table },
  ];
}

function ppcStubs(vm: Vm): InterruptStubs {
  const wide = vm.mode === 64;
  const base = `  li r14, 0\n  oris r14, r14, ${OPEN_PIC >>> 16}\n`;
  const store = (offset: number, value: string) =>
    `  lis r15, ${offset >>> 16}\n  ori r15, r15, ${
      offset & 0xffff
    }\n  add r15, r15, r14\n${value}  stwbrx r16, 0, r15\n`;
  const enable = (nap: boolean) =>
    `  mfmsr r14\n${nap ? "  oris r14, r14, 4\n" : ""}  ori r14, r14, 0x8000\n  ${
      wide ? "mtmsrd" : "mtmsr"
    } r14\n`;
  const handler = `${base}  li r15, 0xa0\n  add r15, r15, r14\n  lwbrx r16, 0, r15\n  li r15, 0xb0
  add r15, r15, r14\n  li r16, 0\n  stwbrx r16, 0, r15\n  ${wide ? "rfid" : "rfi"}\n`;
  let patches: readonly Patch[] | undefined;
  return {
    setup(lines) {
      const each = lines.map((line) =>
        // Vector and priority 5, to processor 0: OpenPIC 1.2, interrupt source registers.
        store(0x1_0000 + 0x20 * line, `  lis r16, 5\n  ori r16, r16, ${0x40 + line}\n`) +
        store(0x1_0010 + 0x20 * line, "  li r16, 1\n")
      ).join("");
      const text = `call:\n${base}${each}${store(0x80, "  li r16, 0\n")}`;
      return { name: `ring_setup_${lines.join("_")}`, text: closed("ppc", text), registers: {} };
    },
    around: (before, trap) =>
      closed("ppc", `call:\n${before}${enable(false)}${trap}  nop\n  b end\nwait:\n${enable(!wide)}  nop\n`),
    registers: { dec: BigInt(TICK) },
    handler: undefined,
    patches: () =>
      patches ??= [
        {
          gpa: EXTERNAL,
          bytes: vm.assemble(inByteOrder(vm.isa.order, handler), BigInt(EXTERNAL)).bytes,
        },
        {
          gpa: DECREMENTER,
          bytes:
            vm.assemble(`lis r14, 0x7fff\nmtdec r14\n${wide ? "rfid" : "rfi"}`, BigInt(DECREMENTER)).bytes,
        },
      ],
  };
}
