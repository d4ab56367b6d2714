/** Guests of several vCPUs, in our own assembler: the same program for each vCPU, which tells them apart by a register. */
import type { Stop } from "../../../../emulator/machine/stop.ts";
import { createVm, type Vm } from "../../../../emulator/machine/vm.ts";
import type { VmOptions } from "../../../../emulator/machine/vm_options.ts";
import { snapshot } from "../../../../emulator/exits/snapshot.ts";

export const ENGINES = ["interpreter", "region", "oracle"] as const;
export type EngineName = typeof ENGINES[number];

export interface ManyGuest {
  readonly options: VmOptions;
  /** Assembled at 0x1000; every vCPU begins there. */
  readonly source: string;
  /** Handlers by address. */
  readonly handlers?: Readonly<Record<number, string>>;
  /** Label of a loop to compile, up to the label `after`. */
  readonly region?: string;
  /** The register that has the vCPU's index, and one for its stack. */
  readonly index: string;
  readonly prepare?: (vm: Vm) => void;
}

/** The machine with all its vCPUs started, and a device: a write at offset 4 says that a vCPU is done. */
export function machine(guest: ManyGuest, vcpus: number, engine: EngineName = "interpreter"): Vm {
  const vm = createVm({
    memory: 0x2_0000,
    recordRows: true,
    ...guest.options,
    vcpus,
    engine: engine === "oracle" ? "oracle" : "interpreter",
  });
  for (const [address, text] of Object.entries(guest.handlers ?? {})) {
    vm.memory.write(Number(address), vm.assemble(text, BigInt(address)).bytes);
  }
  const program = vm.assemble(guest.source, 0x1000n);
  vm.load(program);
  for (const vcpu of vm.vcpus) {
    vcpu.start(0x1000n);
    vcpu.registers.set(guest.index, BigInt(vcpu.index));
  }
  let ended = 0;
  vm.devices.add({
    name: "desk",
    write(offset, _size, _value, context) {
      context.charge(100 + context.cycles % 7);
      if (offset === 4 && ++ended === vcpus) context.stop(0);
    },
  });
  guest.prepare?.(vm);
  const loop = guest.region === undefined ? undefined : program.symbols.get(guest.region);
  if (engine === "region" && loop !== undefined) {
    vm.compileRegion(loop, Number(program.symbols.get("after")! - loop));
  }
  return vm;
}

/** All that a run leaves. */
export function trace(vm: Vm, stop: Stop): unknown {
  const { message: _message, ...rest } = stop;
  return {
    stop: rest,
    vcpus: vm.vcpus.map((vcpu) => ({
      registers: vcpu.registers.list().map(({ name, value }) => `${name}=${value.toString(16)}`),
      instructions: vcpu.instructions,
      cycles: vcpu.cycles,
      idle: vcpu.idleCycles,
    })),
    memory: vm.memory.read(0x4000, 0x400).toString(),
    rows: vm.exits.rows.map((row) => ({ ...row, symbol: undefined })),
    ledger: snapshot(vm.exits),
  };
}

/** Runs to the end, or for `limit` instructions, in pieces whose lengths `next` gives. */
export async function inPieces(vm: Vm, next: () => number, limit = Infinity): Promise<Stop> {
  for (let pieces = 0; pieces < 200_000; pieces++) {
    const stop = await vm.run({ instructions: next() });
    const executed = vm.vcpus.reduce((sum, { instructions }) => sum + instructions, 0);
    if (stop.reason !== "BUDGET" || executed >= limit) return stop;
  }
  throw new Error("the guest does not end");
}

/** A ticket lock around a counter, with exits inside and outside of it; each vCPU adds its index + 1 16 times. */
export const X86_LOCK: ManyGuest = {
  options: { arch: "x86", mode: 64 },
  index: "rbp",
  source: `mov esi, 16
again: mov eax, 1
  lock xadd [0x4000], eax
spin: cmp [0x4004], eax
  jne spin
after: mov ecx, [0x4008]
  mov edx, esi
  and edx, 7
  jne quiet
  mov dx, 0x1000
  out dx, al
quiet: lea ecx, [rcx + rbp + 1]
  mov [0x4008], ecx
  inc dword ptr [0x4004]
  dec esi
  jne again
  mov edx, 0x1004
  out dx, al
done: jmp done`,
  region: "spin",
};

/** The same with a spinlock of lwarx and stwcx. */
export const PPC_LOCK: ManyGuest = {
  options: { arch: "ppc", mode: 64, backend: "kvm-hv" },
  index: "r30",
  source: `li r31, 16
  li r4, 0x4000
  li r12, 0
  oris r12, r12, 0xfeb0
again: lwarx r5, r0, r4
  cmpwi r5, 0
  bne again
after: li r5, 1
  stwcx. r5, r0, r4
  bne again
  isync
  lwz r6, 8(r4)
  andi. r7, r31, 7
  bne quiet
  stw r6, 0(r12)
quiet: add r6, r6, r30
  addi r6, r6, 1
  stw r6, 8(r4)
  sync
  li r5, 0
  stw r5, 0(r4)
  addi r31, r31, -1
  cmpwi r31, 0
  bne again
  stw r6, 4(r12)
done: b done`,
  region: "again",
};
