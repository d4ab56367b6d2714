/** Random guests of several vCPUs that share memory, a device and an interrupt controller. */
import type { Device } from "../../../../emulator/machine/device.ts";
import { createVm, type Vm } from "../../../../emulator/machine/vm.ts";
import { Random } from "../../../support/random.ts";

/** r4: shared memory, r10: the OpenPIC, r13: the device. */
const SETUP = `li r10, 0\noris r10, r10, 0xfec0\nli r13, 0\noris r13, r13, 0xfeb0\nli r4, 0x4000
li r12, 0x80\nli r11, 0\nstwbrx r11, r10, r12\nmfmsr r9\nori r9, r9, 0x8000\nmtmsrd r9
li r12, 0x10a0\nlis r11, 3\nori r11, r11, 0x40\nstwbrx r11, r10, r12
li r12, 0x10b0\nlis r11, 4\nori r11, r11, 0x41\nstwbrx r11, r10, r12
again:`;

/** Random numbers below a limit. */
export function numbers(seed: number): (below: number) => number {
  const random = new Random(seed);
  return (below) => random.below(below);
}

/** Parts of a guest; `n` gives random numbers below its argument, `id` makes labels unique. */
const PARTS: readonly ((n: (below: number) => number, id: number) => string)[] = [
  (n) => `stw r3, ${n(16) * 4}(r4)`,
  (n) => `lwz r3, ${n(16) * 4}(r4)\naddi r3, r3, 1`,
  (_n, id) => `l${id}: lwarx r5, r0, r4\nadd r5, r5, r3\nstwcx. r5, r0, r4\nbne l${id}`,
  (n) => `stw r3, ${n(4) * 4}(r13)`,
  () => "lwz r3, 0xffe(r13)",
  (n) => `li r12, ${0x40 + 16 * n(2)}\nli r11, ${1 + n(7)}\nstwbrx r11, r10, r12`,
  (n) => `li r8, ${100 + n(2000)}\nmtdec r8`,
  () => "mftb r3",
  (n, id) => `li r6, ${1 + n(300)}\nmtctr r6\nb${id}: addi r7, r7, 1\nbdnz b${id}`,
  () => "mullw r3, r3, r7",
];

const HANDLERS = {
  0x500: `mtspr 274, r12\nmtspr 275, r11\nli r12, 0xa0\nlwbrx r11, r10, r12\naddi r20, r20, 1
li r12, 0xb0\nstwbrx r11, r10, r12\nmfspr r12, 274\nmfspr r11, 275\nrfid`,
  0x900: "addi r21, r21, 1\nmtspr 274, r12\nlis r12, 1\nmtdec r12\nmfspr r12, 274\nrfid",
};

/** How it is executed. */
export interface How {
  readonly engine: "interpreter" | "region" | "oracle";
  /** Seed of the lengths of pieces; 0 for one run. */
  readonly pieces: number;
  readonly later: boolean;
}
/** The guest of a seed, ready to run: it does not end. */
export function guest(seed: number, vcpus: number, { engine, later }: How): Vm {
  const vm = createVm({
    arch: "ppc",
    interrupts: true,
    memory: 0x2_0000,
    vcpus,
    turn: 100 + seed * 37 % 900,
    recordRows: true,
    engine: engine === "oracle" ? "oracle" : "interpreter",
  });
  for (const [address, text] of Object.entries(HANDLERS)) {
    vm.memory.write(Number(address), vm.assemble(text, BigInt(address)).bytes);
  }
  for (const vcpu of vm.vcpus) {
    const n = numbers(seed * 100 + vcpu.index);
    const parts = Array.from({ length: 30 }, (_, id) => PARTS[n(PARTS.length)](n, id));
    const origin = BigInt(0x5000 + 0x2000 * vcpu.index);
    const program = vm.assemble(`${SETUP}\n${parts.join("\n")}\nb again`, origin);
    vm.memory.write(origin, program.bytes);
    vcpu.start(origin);
    const again = program.symbols.get("again")!, end = origin + BigInt(program.bytes.length);
    if (engine === "region" && vcpu.index === 0) vm.compileRegion(again, Number(end - again));
  }
  vm.devices.add(sharedDevice(later));
  return vm;
}

/** Answers by what it was given and by the time, charges, drives a line; `later` if it is to answer asynchronously. */
export function sharedDevice(later: boolean): Device {
  let value = 1;
  return {
    name: "shared",
    size: 0x1800,
    read(_offset, _size, context) {
      context.charge(value % 50);
      value = value * 5 + context.cycles % 7 & 0xff;
      return later ? Promise.resolve(value) : value;
    },
    write(_offset, _size, given, context) {
      value += Number(given) & 15;
      if (value % 5 === 0) context.irq(1, value % 2 === 0);
      if (later) return Promise.resolve();
    },
    save: () => value,
    load: (state) => void (value = Number(state)),
  };
}
