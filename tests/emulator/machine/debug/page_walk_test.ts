/** Walks for people and lists of what is mapped, against what the processor's own accesses come to. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { REACH } from "../../../../emulator/machine/processor.ts";
import { pagingOf } from "../../../../emulator/machine/x86/paging.ts";
import { PageFault } from "../../../../emulator/machine/x86/page_fault.ts";
import { createVm } from "../../../../emulator/machine/vm.ts";
import { MSR, segment, SLOT } from "../../../../emulator/ppc/state.ts";
import { CPL, CR, EFER, IDENTITY, PDPTE } from "../../../../emulator/x86/slots.ts";
import { Random } from "../../../support/random.ts";
import { vcpuOf } from "../../../support/vcpu.ts";

const MEMORY = 0x1_0000, TABLES = 12;
const REACHES = ["load", "store", "fetch"] as const;

const MODES = [
  { name: "32-bit paging", entry: 4, cr4: 0n, efer: 0n },
  { name: "32-bit paging with 4 MiB pages", entry: 4, cr4: 0x10n, efer: 0n },
  { name: "PAE paging", entry: 8, cr4: 0x20n, efer: 0x800n },
  { name: "4-level paging", entry: 8, cr4: 0x20n, efer: 0xd00n },
] as const;

function machine({ entry, cr4, efer }: typeof MODES[number], random: Random) {
  const vm = createVm({ arch: "x86", memory: MEMORY }), vcpu = vcpuOf(vm), { state } = vcpu;
  const memory = new Uint8Array(MEMORY), view = new DataView(memory.buffer);
  for (let at = 0; at < TABLES * 4096; at += entry) {
    // Few entries lead anywhere: or the tables would map more pages than a test can look at.
    if (random.below(entry === 8 ? 40 : 12) !== 0) continue;
    let value = BigInt(random.below(TABLES + 4)) << 12n | BigInt(random.u32() & 0x66) | 1n;
    if (random.below(8) === 0) value |= 0x80n;
    if (random.below(6) === 0 && entry === 8) value |= 1n << 63n;
    if (random.below(20) === 0) value |= 0x1_e000n;
    if (entry === 4) view.setUint32(at, Number(value), true);
    else view.setBigUint64(at, value, true);
  }
  vm.memory.write(0, memory);
  state.set64(IDENTITY, 0n);
  state.set64(CR, 0x8001_0011n);
  state.set64(CR + 24, 0x1000n);
  state.set64(CR + 32, cr4);
  state.set64(EFER, efer);
  for (let i = 0; i < 4; i++) state.set64(PDPTE + 8 * i, BigInt(i + 1) << 12n | 1n);
  vcpu.modeChanged();
  return { vm, vcpu, memory };
}

for (const mode of MODES) {
  Deno.test(`walk() and mappings() agree with the processor's walks, ${mode.name}`, () => {
    const faults = new Set<string>();
    let mapped = 0;
    for (let seed = 1; seed < 8; seed++) {
      const random = new Random(seed), { vm, vcpu, memory } = machine(mode, random), paging = pagingOf(vcpu);
      const pages = vcpu.mappings(500).mappings;
      for (const { address } of pages) vcpu.walk(address, { reach: "store" });
      assertEquals(vm.memory.read(0, MEMORY), memory, "walks for people have changed a table");
      const ask = (address: bigint) => {
        const reach = REACHES[random.below(3)], user = random.below(2) === 0;
        const walk = vcpu.walk(address, { reach, user });
        const [low, high] = [Number(address & 0xffff_ffffn), Number(address >> 32n)];
        const gpa = paging.walk(low, high, REACH[reach], user);
        assertEquals(
          walk.physical,
          gpa < 0 ? undefined : BigInt(gpa),
          `${mode.name} 0x${address.toString(16)}`,
        );
        if (gpa >= 0) return;
        const fault = paging.fault(() => new PageFault(-1, 0n)),
          code = fault instanceof PageFault ? fault.code : 0;
        if (code < 0) assertEquals(walk.fault, "#GP: the address is not canonical");
        else assert(walk.fault!.startsWith(`#PF, error code 0x${code.toString(16)} (`), walk.fault);
        faults.add(walk.fault!.replaceAll(/\[\d+\]|0x\w+|\(.*\)/g, ""));
      };
      for (const { address, physical, size } of pages) {
        const offset = BigInt(random.below(Math.min(size, 2 ** 31))), at = address + offset;
        assertEquals(vcpu.walk(at).mode, mode.name);
        const walk = vcpu.walk(at, { user: false });
        assertEquals([walk.physical, walk.size], [physical + offset, size]);
        ask(at);
      }
      mapped += pages.length;
      for (let i = 0; i < 200; i++) {
        const address = random.u64();
        ask(
          mode.entry === 8 && mode.efer & 0x400n
            ? BigInt.asUintN(64, BigInt.asIntN(48, address))
            : address >> 32n,
        );
      }
    }
    assert(mapped > 100, `${mapped} pages mapped`);
    assert(faults.size > 4, [...faults].join("\n"));
  });
}

Deno.test("walk() names the entry that refuses, and the privilege matters", () => {
  const vm = createVm({ arch: "x86", mode: 32, memory: MEMORY }), { vcpu } = vm;
  const view = new DataView(new ArrayBuffer(8));
  const entry = (at: number, value: number) => {
    view.setUint32(0, value, true);
    vm.memory.write(at, new Uint8Array(view.buffer, 0, 4));
  };
  entry(0x1000, 0x2007);
  entry(0x2000, 0x3005);
  entry(0x2004, 0x4003);
  for (const [name, value] of [["cr3", 0x1000n], ["cr0", 0x8001_0011n]] as const) {
    vcpu.registers.set(name, value);
  }
  assertEquals(vcpu.walk(0x123n).physical, 0x3123n);
  assertEquals(
    vcpu.walk(0x123n, { reach: "store", user: false }).fault,
    "#PF, error code 0x3 (P W): PT[0] is read-only, and CR0.WP is set",
  );
  assertEquals(
    vcpu.walk(0x1123n, { user: true }).fault,
    "#PF, error code 0x5 (P U): PT[1] is the supervisor's",
  );
  assertEquals(vcpu.walk(0x2000n).fault, "#PF, error code 0x0 (none): PT[2] is not present");
  assertEquals(vcpu.walk(0x40_0000n).fault, "#PF, error code 0x0 (none): PD[1] is not present");
  assertThrows(() => vcpu.walk(1n << 32n), RangeError, "is no address");
  assertEquals(vcpu.readMemory(0xffen, 4).length, 4);
  assertThrows(() => vcpu.readMemory(0x1ffen, 4), RangeError, "nothing is mapped at 0x2000");
});

Deno.test("walk() and mappings() agree with the processor's translation on 32-bit PowerPC", () => {
  const vm = createVm({ arch: "ppc", mode: 32, memory: 2 ** 20 }), vcpu = vcpuOf(vm), { state } = vcpu;
  const faults = new Set<string>();
  let pages = 0, blocks = 0;
  for (let seed = 1; seed < 15; seed++) {
    const random = new Random(seed);
    vm.memory.write(0, new Uint8Array(2 ** 20));
    state.set32(SLOT.sdr1, 0x1_0000);
    for (let i = 0; i < 16; i++) {
      const top = random.below(6) === 0
        ? 0x1000_0000
        : random.below(8) === 0
        ? 0x8000_0000
        : random.u32() & 0x6000_0000;
      state.set32(segment(i), (top | random.below(4)) >>> 0);
    }
    for (let i = 0; i < 4; i++) {
      for (const first of [SLOT.dbat0u, SLOT.ibat0u]) {
        const upper = random.below(3) === 0
          ? random.u32() & 0xfffe_0000 | random.below(4) << 2 | random.below(4)
          : 0;
        state.set32(first + 16 * i, upper >>> 0);
        state.set32(first + 16 * i + 8, (random.u32() & 0xfffe_0000 | random.below(4)) >>> 0);
      }
    }
    const addresses: bigint[] = [];
    for (let i = 0; i < 200; i++) {
      const address = random.u32() & 0xf03f_f000, register = state.get32(segment(address >>> 28));
      const vsid = register & 0xff_ffff, page = address >>> 12 & 0xffff, second = random.below(2);
      const hash = (vsid ^ page) & 0x7_ffff, index = (second ? ~hash : hash) & 0x3ff;
      const at = 0x1_0000 + index * 64 + random.below(8) * 8, view = new DataView(new ArrayBuffer(8));
      view.setUint32(0, (0x8000_0000 | vsid << 7 | second << 6 | page >>> 10) >>> 0);
      view.setUint32(4, (random.below(256) << 12 | random.u32() & 0x1fb) >>> 0);
      vm.memory.write(at, new Uint8Array(view.buffer));
      addresses.push(BigInt(address >>> 0) + BigInt(random.below(4096)));
    }
    for (const msr of [0n, MSR.IR | MSR.DR, MSR.IR | MSR.DR | MSR.PR]) {
      state.set64(SLOT.msr, msr);
      vcpu.modeChanged();
      const { translation } = vcpu;
      for (const address of [...addresses, ...addresses.map(() => BigInt(random.u32()))]) {
        const reach = REACHES[random.below(3)], walk = vcpu.walk(address, { reach });
        const gpa = translation!.translate(Number(address), 0, REACH[reach]);
        assertEquals(
          walk.physical,
          gpa < 0 ? undefined : BigInt(gpa),
          `0x${address.toString(16)} ${walk.fault}`,
        );
        if (walk.fault) faults.add(walk.fault);
      }
    }
    state.set64(SLOT.msr, MSR.IR | MSR.DR);
    for (const { address, physical, via, size, writable, executable } of vcpu.mappings().mappings) {
      if (via) {
        blocks++;
        continue;
      }
      pages++;
      assertEquals(size, 4096);
      // A block or an earlier entry may come before it.
      const walk = vcpu.walk(address, {
        user: false,
        reach: executable ? "fetch" : writable ? "store" : "load",
      });
      if (walk.steps.some(({ name }) => /bat\d/.test(name)) || walk.physical === undefined) continue;
      if (walk.physical !== physical) assert(walk.steps.at(-1)!.name.startsWith("PTE"));
    }
  }
  assert(pages > 500 && blocks > 15, `${pages} pages, ${blocks} blocks`);
  assert(faults.size >= 5, [...faults].join("\n"));
});

Deno.test("privilege is the vCPU's own where none is asked for", () => {
  const vm = createVm({ arch: "x86", mode: 32, memory: MEMORY }), vcpu = vcpuOf(vm);
  vcpu.state.set64(CPL, 3n);
  assertEquals(vcpu.walk(0n).user, true);
  assertEquals(vcpu.walk(0n).mode, "no paging: linear addresses are guest-physical");
});

Deno.test("tables that lead to themselves, and tables of nothing, are given up in time", () => {
  for (const [leaf, pages] of [[0x1003n, 1000], [0n, 0]] as const) {
    const vm = createVm({ arch: "x86", memory: MEMORY }), vcpu = vcpuOf(vm), { state } = vcpu;
    const view = new DataView(new ArrayBuffer(4096));
    // One table of the upper levels for all; the last level's entries are themselves, or nothing.
    for (let i = 0; i < 512; i++) view.setBigUint64(8 * i, 0x2003n, true);
    vm.memory.write(0x1000, new Uint8Array(view.buffer));
    for (let i = 0; i < 512; i++) view.setBigUint64(8 * i, leaf === 0n ? 0x3003n : leaf, true);
    vm.memory.write(0x2000, new Uint8Array(view.buffer));
    state.set64(IDENTITY, 0n);
    for (
      const [slot, value] of [[CR, 0x8000_0011n], [CR + 24, 0x1000n], [CR + 32, 0x20n], [
        EFER,
        0x500n,
      ]] as const
    ) {
      state.set64(slot, value);
    }
    vcpu.modeChanged();
    const { mappings, complete } = vcpu.mappings(1000);
    assertEquals([mappings.length, complete], [pages, false]);
  }
});
