/** Guests with timers, lines and devices that ask for interrupts. */
import { assert, assertEquals } from "@std/assert";
import type { Vm } from "../../../../emulator/machine/vm.ts";
import { type GuestSource, vector } from "./guests.ts";

/** Both 8259A with vectors 8 and 0x70 on, everything but IRQ 0 and what `open` says masked. */
const PIC_SETUP = (mask: number, slaveMask = 0xff) =>
  [[0x20, 0x11], [0x21, 8], [0x21, 4], [0x21, 1], [0xa0, 0x11], [0xa1, 0x70], [0xa1, 2], [0xa1, 1]]
    .concat([[0x21, mask], [0xa1, slaveMask]])
    .map(([port, value]) => `mov al, ${value}\nout ${port}, al`).join("\n");
const PIT_SETUP = (mode: number, count: number) =>
  `mov al, ${0x30 | mode << 1}\nout 0x43, al\nmov al, ${count & 0xff}\nout 0x40, al\nmov al, ${
    count >> 8
  }\nout 0x40, al`;
const TICK = "push ax\ninc word ptr [0x600]\nmov al, 0x20\nout 0x20, al\npop ax\niret";
const X86 = { arch: "x86", mode: 16 } as const;
const stack = (vm: Vm) => vm.vcpu.registers.set("sp", 0x8000);

/** 603/750 and POWER8: a register is saved in SPRG0, the counter is in r20. */
const COUNT_AND_REARM = "addi r20, r20, 1\nmtdec r21\nrfi";
const loopUntil = (count: number) =>
  `loop: mullw r5, r5, r6\naddi r6, r6, 3\ncmpwi r20, ${count}\nblt loop\nafter:`;
export const ppc = (mode: 32 | 64, backend: string) => ({ arch: "ppc", mode, backend }) as const;
const rfi = (mode: 32 | 64, text: string) => mode === 64 ? text.replaceAll("rfi", "rfid") : text;
const enable = (mode: 32 | 64) => `mfmsr r9\nori r9, r9, 0x8000\n${mode === 64 ? "mtmsrd" : "mtmsr"} r9`;

function openPic(source: number, vectorNumber: number, priority: number): string {
  return `li r10, 0\noris r10, r10, 0xfec1\nlis r11, ${priority}\nori r11, r11, ${vectorNumber}\nli r12, ${
    0x20 * source
  }
stwbrx r11, r10, r12\nli r10, 0\noris r10, r10, 0xfec0\nli r11, 0\nli r12, 0x80\nstwbrx r11, r10, r12`;
}
/** Acknowledges, remembers the vector, ends. */
const EXTERNAL_HANDLER =
  `li r10, 0\noris r10, r10, 0xfec0\nli r12, 0xa0\nlwbrx r22, r10, r12\naddi r20, r20, 1
li r12, 0xb0\nstwbrx r22, r10, r12\nrfi`;

export const GUESTS: Readonly<Record<string, GuestSource & { readonly check: (vm: Vm) => void }>> = {
  "x86 timer, mode 2, busy loop": {
    options: X86,
    main: `${PIC_SETUP(0xfe)}\n${PIT_SETUP(2, 4)}\nmov bx, 7\nmov cx, 3\nsti
loop: mov ax, cx\nmul bx\ndiv bx\ninc si\ncmp word ptr [0x600], 7\njb loop\nafter: cli\nhlt`,
    region: "loop",
    handlers: { 0x2000: TICK },
    prepare: (vm) => (vector(vm, 8, 0x2000), stack(vm)),
    check: (vm) => {
      assertEquals(vm.memory.read(0x600, 1)[0], 7);
      assert(
        vm.exits.aggregates().some(({ native, count }) => native.name === "EXTERNAL_INTERRUPT" && count >= 6),
      );
    },
  },
  "x86 timer, mode 3, interrupts closed in between, on svm": {
    options: { ...X86, backend: "svm" },
    main: `${PIC_SETUP(0xfe)}\n${PIT_SETUP(3, 5)}\nsti
loop: cli\nmov cx, 60\ninner: dec cx\njnz inner\nafter: sti\ninc si\ncmp word ptr [0x600], 9\njb loop\ncli\nhlt`,
    region: "inner",
    handlers: { 0x2000: TICK },
    prepare: (vm) => (vector(vm, 8, 0x2000), stack(vm)),
    check: (vm) => {
      const windows = vm.exits.aggregates().find(({ native }) => native.name === "VINTR");
      assert(windows!.count > 0);
    },
  },
  "x86 timer with exits all the time": {
    options: X86,
    main: `${PIC_SETUP(0xfe)}\n${PIT_SETUP(2, 23)}\nsti
loop: in al, 0x40\nmov dx, 0x1000\nout dx, al\nout 0x80, al\ninc si\ncmp word ptr [0x600], 20\njb loop\nafter: cli\nhlt`,
    region: "loop",
    handlers: { 0x2000: TICK },
    prepare(vm) {
      vector(vm, 8, 0x2000);
      stack(vm);
      vm.devices.add({
        name: "busy",
        stateless: true,
        write: (_o, _s, value, c) => c.charge(Number(value) * 7),
      });
    },
    check: (vm) => assertEquals(vm.memory.read(0x600, 1)[0], 20),
  },
  "x86 halted between ticks": {
    options: X86,
    main: `${PIC_SETUP(0xfe)}\n${PIT_SETUP(2, 1000)}
loop: sti\nhlt\ninc si\ncmp word ptr [0x600], 5\njb loop\nafter: cli\nhlt`,
    handlers: { 0x2000: TICK },
    prepare: (vm) => (vector(vm, 8, 0x2000), stack(vm)),
    check(vm) {
      assertEquals(vm.vcpu.registers.get("si"), 5n);
      assert(vm.vcpu.idleCycles > 4 * 1000 * 2011 - 5 * 30_000 && vm.vcpu.idleCycles < vm.vcpu.cycles);
      const names = new Set(vm.exits.rows.map(({ native }) => native.name));
      assertEquals([...names].sort(), ["HLT", "IO_INSTRUCTION"]);
    },
  },
  "x86 one-shot timer": {
    options: X86,
    main: `${PIC_SETUP(0xfe)}\n${PIT_SETUP(0, 300)}\nsti\nhlt\ninc si\nhlt`,
    handlers: { 0x2000: TICK },
    prepare: (vm) => (vector(vm, 8, 0x2000), stack(vm)),
    check: (vm) => assertEquals([vm.memory.read(0x600, 1)[0], vm.vcpu.registers.get("si")], [1, 1n]),
  },
  "x86 asynchronous device on the slave": {
    options: X86,
    main: `${PIC_SETUP(0xfb, 0xfb)}\nsti\nmov dx, 0x1000
loop: in al, dx\nmov bx, di\ninc si\ncmp si, 6\njb loop\nhlt`,
    handlers: { 0x2000: "push ax\ninc di\nmov al, 0x20\nout 0xa0, al\nout 0x20, al\npop ax\niret" },
    prepare(vm) {
      vector(vm, 0x72, 0x2000);
      stack(vm);
      vm.devices.add({
        name: "later",
        stateless: true,
        async read(_offset, _size, context) {
          await Promise.resolve();
          context.irq(10, true);
          await Promise.resolve();
          context.irq(10, false);
          context.irq(10, true);
          return 5;
        },
        write() {},
      });
    },
    check(vm) {
      const get = (name: string) => vm.vcpu.registers.get(name);
      // Right after the IN: the MOV that follows sees the handler's count.
      assertEquals([get("di"), get("bx"), get("si")], [6n, 6n, 6n]);
      assertEquals(vm.exits.rows.filter(({ reason }) => reason === "INTERRUPT").length, 0);
    },
  },
  ...Object.fromEntries(
    ([[32, "kvm-pr"], [64, "kvm-hv"], [64, "kvm-pr"]] as const).flatMap(([mode, backend]) => [
      [`ppc${mode} decrementer on ${backend}`, {
        options: ppc(mode, backend),
        main: rfi(mode, `li r21, 50\nmtdec r21\n${enable(mode)}\n${loopUntil(9)}\nmfdec r7\nloop2: b loop2`),
        region: "loop",
        handlers: { 0x900: rfi(mode, COUNT_AND_REARM) },
        check: (vm: Vm) => assert(vm.vcpu.registers.get("r20") >= 9n),
      }],
      [`ppc${mode} external interrupt on ${backend}`, {
        options: ppc(mode, backend),
        main: `${openPic(3, 0x41, 5)}\n${enable(mode)}\nli r13, 0\noris r13, r13, 0xfeb0
loop: stw r6, 0(r13)\nmr r7, r20\naddi r6, r6, 1\ncmpwi r6, 5\nblt loop\nafter:\nloop2: b loop2`,
        region: "loop",
        handlers: { 0x500: rfi(mode, EXTERNAL_HANDLER) },
        prepare: (vm: Vm) =>
          vm.devices.add({
            name: "bell",
            stateless: true,
            write(_offset: number, _size: number, _value: number | bigint, context) {
              context.irq(3, true);
              context.irq(3, false);
            },
          }),
        check(vm: Vm) {
          const get = (name: string) => vm.vcpu.registers.get(name);
          assertEquals([get("r20"), get("r7"), get("r22")], [5n, 5n, 0x41n]);
        },
      }],
    ]),
  ),
};
