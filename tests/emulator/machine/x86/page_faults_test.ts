/** Error codes of page faults, section by section; what the processor reads and writes itself; canonical addresses. */
import { assert, assertEquals, AssertionError } from "@std/assert";
import { REACH } from "../../../../emulator/machine/processor.ts";
import { Fault } from "../../../../emulator/machine/x86/fault.ts";
import { readLinear, setBits, writeLinear } from "../../../../emulator/machine/x86/linear.ts";
import { PageFault } from "../../../../emulator/machine/x86/page_fault.ts";
import { pagingOf } from "../../../../emulator/machine/x86/paging.ts";
import { reachesStack } from "../../../../emulator/machine/x86/stack_reach.ts";
import type { Vcpu } from "../../../../emulator/machine/vcpu.ts";
import { createVm, type Vm } from "../../../../emulator/machine/vm.ts";
import { CPL, CR, EFER, IDENTITY } from "../../../../emulator/x86/slots.ts";
import { vcpuOf } from "../../../support/vcpu.ts";

/** Tables from the outermost at 0x1000 to the innermost at 0x4000; the linear address goes by entry 1 of each. */
const LINEAR = 0x80_4020_1000n, PTE = 0x4008, PAGE = 0x8000;
const P = 1n, RW = 2n, US = 4n, XD = 1n << 63n, LINK = P | RW | US;
const WP = 1n << 16n, NXE = 0x800n;

interface Case {
  /** What the manual's section says. */
  readonly name: string;
  readonly pte: bigint;
  readonly reach: keyof typeof REACH;
  readonly cpl?: number;
  readonly wp?: boolean;
  readonly nxe?: boolean;
  /** Error code, or undefined where it is allowed. */
  readonly code?: number;
}

/** SDM vol. 3A, 4.6.1 (access rights) and 4.7 (error codes). */
const CASES: readonly Case[] = [
  { name: "P: not present, supervisor", pte: 0n, reach: "load", code: 0 },
  { name: "W/R: a store", pte: 0n, reach: "store", code: 2 },
  { name: "U/S: the user", pte: 0n, reach: "load", cpl: 3, code: 4 },
  { name: "U/S: CPL 1 and 2 are the supervisor", pte: 0n, reach: "load", cpl: 2, code: 0 },
  { name: "I/D: not without NXE", pte: 0n, reach: "fetch", code: 0 },
  { name: "I/D: a fetch with NXE", pte: 0n, reach: "fetch", nxe: true, code: 0x10 },
  { name: "RSVD: address bit 40", pte: LINK | 1n << 40n, reach: "load", code: 9 },
  { name: "RSVD: address bit 51", pte: LINK | 1n << 51n, reach: "store", cpl: 3, code: 15 },
  { name: "RSVD: XD without NXE", pte: LINK | XD, reach: "load", code: 9 },
  { name: "bits 62 to 52 are ignored", pte: LINK | 0x7ffn << 52n, reach: "load" },
  { name: "the PAT bit of a PTE is allowed", pte: LINK | 0x80n, reach: "load" },
  { name: "user page, user store", pte: LINK, reach: "store", cpl: 3 },
  { name: "supervisor page, user load", pte: P | RW, reach: "load", cpl: 3, code: 5 },
  { name: "supervisor page, user store", pte: P | RW, reach: "store", cpl: 3, code: 7 },
  { name: "supervisor page, user fetch", pte: P | RW, reach: "fetch", cpl: 3, nxe: true, code: 0x15 },
  { name: "user page, supervisor fetch", pte: LINK, reach: "fetch" },
  { name: "read-only, supervisor store, WP clear", pte: P | US, reach: "store" },
  { name: "read-only, supervisor store, WP set", pte: P | US, reach: "store", wp: true, code: 3 },
  { name: "read-only, user store, WP clear", pte: P | US, reach: "store", cpl: 3, code: 7 },
  { name: "XD, fetch", pte: LINK | XD, reach: "fetch", nxe: true, code: 0x11 },
  { name: "XD, load", pte: LINK | XD, reach: "load", nxe: true },
];

/** A VM in 4-level paging; the page at LINEAR is the one at 0x8000. */
function paged(pte = LINK | BigInt(PAGE), registers: Omit<Case, "name" | "pte" | "reach"> = {}): [Vm, Vcpu] {
  const vm = createVm({ arch: "x86", mode: 64, memory: 0x1_0000 }), vcpu = vcpuOf(vm), { state } = vcpu;
  const entry = (at: number, value: bigint) =>
    vm.memory.write(at, new Uint8Array(BigUint64Array.of(value).buffer));
  for (const at of [0x1008, 0x2008, 0x3008]) entry(at, LINK | BigInt((at & 0xf000) + 0x1000));
  entry(PTE, pte);
  state.set64(IDENTITY, 0n);
  state.set64(CR + 24, 0x1000n);
  state.set64(CR, 0x8000_0011n | (registers.wp ? WP : 0n));
  state.set64(EFER, 0x500n | (registers.nxe ? NXE : 0n));
  state.set64(CPL, BigInt(registers.cpl ?? 0));
  return [vm, vcpu];
}

Deno.test("page faults have the error codes of SDM vol. 3A, 4.7", () => {
  for (const { name, pte, reach, code, ...registers } of CASES) {
    const [vm, vcpu] = paged(pte | (pte & P ? BigInt(PAGE) : 0n), registers), paging = pagingOf(vcpu);
    const gpa = paging.translate(Number(LINEAR & 0xffff_ffffn), Number(LINEAR >> 32n), REACH[reach]);
    const flags = vm.memory.read(PTE, 1)[0] & 0x60;
    if (code === undefined) {
      assertEquals([gpa, flags], [PAGE, reach === "store" ? 0x60 : 0x20], name);
    } else {
      assertEquals([gpa, flags], [-1, 0], name);
      assertEquals(paging.fault(() => new Fault(13, 0, "")).code, code, name);
      assertEquals(vcpu.state.get64(CR + 16), LINEAR, name);
    }
  }
});

Deno.test("a table outside of memory has no entries, one in read-only memory keeps its flags", () => {
  const [vm, vcpu] = paged(), paging = pagingOf(vcpu);
  const at = [Number(LINEAR & 0xffff_ffffn), Number(LINEAR >> 32n)] as const;
  vm.memory.write(0x3008, new Uint8Array(BigUint64Array.of(LINK | 0x10_0000n).buffer));
  assertEquals(paging.translate(...at, REACH.load), -1);
  assertEquals(paging.fault(() => new Fault(13, 0, "")).code, 0);
  vm.memory.addSlot({ name: "rom", gpa: 0x10_0000, size: 0x1000, readOnly: true });
  vm.memory.write(0x10_0008, new Uint8Array(BigUint64Array.of(LINK | BigInt(PAGE)).buffer));
  assertEquals([paging.translate(...at, REACH.store), paging.storable], [PAGE, false]);
  assertEquals(vm.memory.read(0x10_0008, 1)[0], Number(LINK));
  assertEquals(vm.memory.read(0x3008, 1)[0], Number(LINK) | 0x20);
});

Deno.test("readLinear() and writeLinear() go across pages, as supervisor if not told otherwise", () => {
  const [vm, vcpu] = paged(P | RW | BigInt(PAGE), { cpl: 3 });
  vm.memory.write(PTE + 8, new Uint8Array(BigUint64Array.of(P | RW | 0xa000n).buffer));
  const edge = LINEAR + 0xffcn;
  writeLinear(vcpu, [{ address: edge, size: 8, value: 0x1122_3344_5566_7788n }]);
  assertEquals([...vm.memory.read(PAGE + 0xffc, 4)], [0x88, 0x77, 0x66, 0x55]);
  assertEquals([...vm.memory.read(0xa000, 4)], [0x44, 0x33, 0x22, 0x11]);
  assertEquals(readLinear(vcpu, edge, 8), 0x1122_3344_5566_7788n);
  const user = fault(() => readLinear(vcpu, edge, 8, undefined, true));
  assertEquals([user.code, user.vector, vcpu.state.get64(CR + 16)], [5, 14, edge]);
  // The second page is gone: nothing of what comes before it is written.
  vm.memory.write(PTE + 8, new Uint8Array(8));
  const before = vm.memory.read(PAGE, 0x1000);
  const writes = [{ address: LINEAR, size: 4, value: 0n }, { address: edge, size: 8, value: 0n }];
  const second = fault(() => writeLinear(vcpu, writes));
  assertEquals([second.code, second.address], [2, LINEAR + 0x1000n]);
  assertEquals(vm.memory.read(PAGE, 0x1000), before);
});

Deno.test("setBits() needs a page that may be written only where it changes something", () => {
  const [vm, vcpu] = paged(P | BigInt(PAGE), { wp: true });
  vm.memory.write(PAGE, Uint8Array.of(3));
  setBits(vcpu, LINEAR, 1n);
  assertEquals(fault(() => setBits(vcpu, LINEAR, 4n)).code, 3);
});

Deno.test("addresses have to be canonical in long mode, also where they are guest-physical", () => {
  for (const identity of [0n, 1n]) {
    const [, vcpu] = paged(), paging = pagingOf(vcpu);
    vcpu.state.set64(IDENTITY, identity);
    assert(paging.active(REACH.load));
    for (const high of [0x8000, 0xffff_7fff, 0x1_0000, 0x8000_0000]) {
      assertEquals(paging.translate(0, high, REACH.load), -1);
      assertEquals(paging.fault(() => new Fault(12, 0, "")).vector, 12);
    }
    const gpa = paging.translate(0x1234, 0, REACH.load);
    assertEquals(gpa, identity ? 0x1234 : -1);
    assertEquals(fault(() => readLinear(vcpu, 1n << 47n, 1)).vector, 13);
  }
});

Deno.test("reachesStack() tells #SS from #GP", () => {
  const at = 1n << 60n,
    cases: [text: string, rsp: bigint, expected: boolean][] = [
      ["push rax", at + 8n, true],
      ["ret", at, true],
      ["leave", 0n, true],
      ["push qword ptr [rax]", at + 8n, true],
      ["push qword ptr [rax]", 0x1000n, false],
      ["call qword ptr [rbp+8]", 0x1000n, true],
      ["mov rax, qword ptr [rsp+8]", 0n, true],
      ["mov rax, qword ptr [rbp+rcx*4-0x10]", 0n, true],
      ["mov rax, qword ptr [rax+rbp]", 0n, false],
      ["mov rax, qword ptr [rbp*2]", 0n, false],
      ["mov rax, qword ptr fs:[rbp]", 0n, false],
      ["mov rax, qword ptr [rbx]", at, false],
      ["stosb", at, false],
    ];
  for (const [text, rsp, expected] of cases) assertEquals(reachesStack(text, at, rsp), expected, text);
});

/** The fault that `f` throws. */
function fault(f: () => void): Fault & Partial<PageFault> {
  try {
    f();
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown;
    throw thrown;
  }
  throw new AssertionError("no fault");
}
