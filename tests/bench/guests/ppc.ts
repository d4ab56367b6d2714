/** The PowerPC twins of the x86 programs. */
import {
  AT,
  type ExitLoop,
  EXITS,
  HYPERCALL,
  type Outcome,
  type Places,
  SIZE,
  type Workload,
} from "./guest.ts";
import {
  crcResult,
  dispatchResult,
  DIVISOR,
  fibResult,
  integerResult,
  patchResult,
  quotientsResult,
  sampleBytes,
  sieveResult,
} from "./results.ts";

type Bits = 32 | 64;

/** Rounds of the dispatch, so that it is as long as the other programs. */
export const ROUNDS = { dispatch: 32 } as const;

/** KVM_SC_MAGIC_R0: marks a hypercall among the system calls of a guest without hypervisor mode. */
const MAGIC = 0x4b56_4d21;

/** Loads a 32-bit constant, zero-extended. */
export function load(register: string, value: number): string {
  const high = value >>> 16;
  if (high === 0 && value < 0x8000) return `li ${register}, ${value}`;
  if (high < 0x8000) return `lis ${register}, ${high}\n ori ${register}, ${register}, ${value & 0xffff}`;
  return `li ${register}, 0\n oris ${register}, ${register}, ${high}\n ori ${register}, ${register}, ${
    value & 0xffff
  }`;
}

function constant64(register: string, value: bigint): string {
  const [high, low] = [Number(value >> 32n), Number(value & 0xffff_ffffn)];
  return `${load(register, high)}
        sldi ${register}, ${register}, 32
        oris ${register}, ${register}, ${low >>> 16}
        ori ${register}, ${register}, ${low & 0xffff}`;
}

const r3 = (value: bigint, bits?: 32): Outcome => ({ register: "r3", value, bits });

export function ppcWorkloads(bits: Bits, at: Places = AT): readonly Workload[] {
  const bytes = bits / 8;
  const input = sampleBytes(SIZE.copy);
  /** The same instruction by width. */
  const wide = (narrow: string, doubleword: string) => bits === 32 ? narrow : doubleword;
  const loadWord = wide("lwz", "ld"), storeWord = wide("stw", "std"), push = wide("stwu", "stdu");
  const frame = 4 * bytes;
  return [
    {
      name: "integer",
      source: `
        ${load("r5", SIZE.integer)}
        mtctr r5
        li r4, 1
        li r3, 0
hot:    add r3, r3, r5
        ${wide("slwi", "sldi")} r6, r3, 3
        xor r3, r3, r6
        subf r4, r3, r4
        addi r5, r5, -1
        bdnz hot
hot_end:
        xor r3, r3, r4`,
      outcome: r3(integerResult(bits)),
    },
    {
      name: "sieve",
      source: `
        ${load("r8", at.flags)}
        ${load("r9", SIZE.sieve)}
        mtctr r9
        li r7, 1
        mr r6, r8
fill:   stb r7, 0(r6)
        addi r6, r6, 1
        bdnz fill
fill_end:
        li r4, 0
        li r3, 0
        li r10, 0
next:   lbzx r7, r8, r4
        cmpwi r7, 0
        beq composite
        add r5, r4, r4
        addi r5, r5, 3
        addi r3, r3, 1
        add r6, r4, r5
        cmplw r6, r9
        bge composite
cross:  stbx r10, r8, r6
        add r6, r6, r5
        cmplw r6, r9
        blt cross
composite:
        addi r4, r4, 1
        cmplw r4, r9
        blt next`,
      outcome: r3(sieveResult()),
    },
    {
      name: "crc32",
      source: `
        ${load("r3", 0xffff_ffff)}
        ${load("r4", at.source)}
        ${load("r5", SIZE.crc)}
        ${load("r8", 0xedb8_8320)}
hot:    lbz r6, 0(r4)
        addi r4, r4, 1
        xor r3, r3, r6
        li r7, 8
        mtctr r7
bit:    andi. r6, r3, 1
        srwi r3, r3, 1
        beq even
        xor r3, r3, r8
even:   bdnz bit
        addi r5, r5, -1
        cmpwi r5, 0
        bne hot
hot_end:
        not r3, r3`,
      prepare: (vm) => vm.memory.write(at.source, input),
      outcome: r3(crcResult(), 32),
    },
    {
      name: "copy",
      source: `
        li r9, ${SIZE.copies}
again:  ${load("r4", at.source)}
        ${load("r5", at.target)}
        li r6, ${SIZE.copy / bytes}
        mtctr r6
hot:    ${loadWord} r7, 0(r4)
        ${storeWord} r7, 0(r5)
        addi r4, r4, ${bytes}
        addi r5, r5, ${bytes}
        bdnz hot
hot_end:
        addi r9, r9, -1
        cmpwi r9, 0
        bne again`,
      prepare(vm) {
        vm.memory.write(at.source, input);
        vm.memory.write(at.target, new Uint8Array(SIZE.copy));
      },
      outcome: { at: at.target, bytes: input },
    },
    {
      name: "calls",
      source: `
        ${load("r1", at.stack)}
        li r3, ${SIZE.fib}
        bl fib
        b end
fib:    cmpwi r3, 2
        bltlr
        mflr r0
        ${push} r1, -${frame}(r1)
        ${storeWord} r0, ${bytes}(r1)
        ${storeWord} r3, ${2 * bytes}(r1)
        addi r3, r3, -1
        bl fib
        ${storeWord} r3, ${3 * bytes}(r1)
        ${loadWord} r3, ${2 * bytes}(r1)
        addi r3, r3, -2
        bl fib
        ${loadWord} r4, ${3 * bytes}(r1)
        add r3, r3, r4
        ${loadWord} r0, ${bytes}(r1)
        mtlr r0
        addi r1, r1, ${frame}
        blr
fib_end:`,
      outcome: r3(fibResult()),
    },
    {
      // A byte code of four operations, each jumped to through a table, as an interpreter does.
      name: "dispatch",
      source: `
        li r3, 0
        li r9, ${ROUNDS.dispatch}
        b hot
        .balign 8
table:  ${wide(".long", ".quad")} op0, op1, op2, op3
hot:    ${load("r4", at.source)}
        li r6, ${SIZE.dispatch}
        lis r8, table@h
        ori r8, r8, table@l
fetch:  lbz r5, 0(r4)
        addi r4, r4, 1
        andi. r5, r5, 3
        ${wide("slwi r5, r5, 2", "sldi r5, r5, 3")}
        ${wide("lwzx", "ldx")} r7, r8, r5
        mtctr r7
        bctr
op0:    addi r3, r3, 7
        b next
op1:    xori r3, r3, 0x1234
        b next
op2:    rotlwi r3, r3, 3
        b next
op3:    addi r3, r3, -5
next:   addi r6, r6, -1
        cmpwi r6, 0
        bne fetch
        addi r9, r9, -1
        cmpwi r9, 0
        bne hot
hot_end:`,
      prepare: (vm) => vm.memory.write(at.source, input),
      outcome: r3(dispatchResult(ROUNDS.dispatch), 32),
    },
    {
      name: "divide",
      source: `
        ${load("r5", SIZE.divide)}
        mtctr r5
        ${bits === 32 ? load("r8", Number(DIVISOR[32])) : constant64("r8", DIVISOR[64])}
        li r3, 1
hot:    ${wide("mullw", "mulld")} r3, r3, r8
        add r3, r3, r5
        ${wide("divwu", "divdu")} r6, r3, r5
        ${wide("mullw", "mulld")} r7, r6, r5
        subf r3, r7, r3
        xor r3, r3, r6
        addi r5, r5, -1
        bdnz hot
hot_end:`,
      outcome: r3(quotientsResult(bits)),
    },
    {
      // Self-modifying code: a constant is written anew each time before it is executed (Power ISA book II, 1.8).
      name: "patch",
      source: `
        li r3, 0
        ${load("r5", SIZE.patch)}
        mtctr r5
        lis r8, site@h
        ori r8, r8, site@l
        lwz r9, 0(r8)
        rlwinm r9, r9, 0, 0, 15
hot:    or r7, r9, r5
        stw r7, 0(r8)
        dcbst 0, r8
        sync
        icbi 0, r8
        sync
        isync
site:   li r6, 0
        add r3, r3, r6
        addi r5, r5, -1
        bdnz hot
hot_end:`,
      outcome: r3(patchResult()),
    },
  ];
}

/** Loops that make one exit an iteration; PowerPC has no port I/O. */
export function ppcExitLoops(bits: Bits, { window }: { window: number }): ExitLoop[] {
  const number = bits === 64 ? load("r3", HYPERCALL) : `${load("r0", MAGIC)}\n ${load("r11", HYPERCALL)}`;
  const loops: Partial<Record<ExitLoop["name"], { before: string; body: string }>> = {
    "mmio store": { before: load("r4", window), body: "stwbrx r5, 0, r4" },
    "mmio load": { before: `${load("r4", window)}\n li r3, 0`, body: "lwbrx r6, 0, r4\n add r3, r3, r6" },
    "hypercall": { before: number, body: bits === 64 ? "sc 1" : "sc" },
  };
  return Object.entries(loops).map(([name, { before, body }]) => ({
    name: name as ExitLoop["name"],
    source: `
      ${before}
      ${load("r5", EXITS)}
      mtctr r5
hot:  ${body}
      addi r5, r5, -1
      bdnz hot
hot_end:`,
  }));
}
