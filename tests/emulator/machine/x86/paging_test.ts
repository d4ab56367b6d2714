/** The walker against the model of `paging_model.ts`, on random tables, registers and addresses. */
import { assertEquals } from "@std/assert";
import type { Reach } from "../../../../emulator/machine/processor.ts";
import { Fault } from "../../../../emulator/machine/x86/fault.ts";
import { PageFault } from "../../../../emulator/machine/x86/page_fault.ts";
import { pagingOf } from "../../../../emulator/machine/x86/paging.ts";
import { createVm } from "../../../../emulator/machine/vm.ts";
import { CPL, CR, EFER, IDENTITY, PDPTE } from "../../../../emulator/x86/slots.ts";
import { Random } from "../../../support/random.ts";
import { vcpuOf } from "../../../support/vcpu.ts";
import { Model, type Registers, type Translated } from "./paging_model.ts";

const MEMORY = 0x1_0000, TABLES = 12, WALKS = 300;

/** `ways`: how many outcomes there are, by error code and, of a page, by whether stores need not ask any more. */
const FORMATS = [
  { name: "32-bit paging", entry: 4, ways: 9, cr4: 0n, efer: 0n },
  { name: "32-bit paging with PSE", entry: 4, ways: 13, cr4: 0x10n, efer: 0n },
  { name: "32-bit paging, NXE set", entry: 4, ways: 13, cr4: 0x10n, efer: 0x800n },
  { name: "PAE paging", entry: 8, ways: 13, cr4: 0x20n, efer: 0n },
  { name: "PAE paging with no-execute", entry: 8, ways: 19, cr4: 0x30n, efer: 0x800n },
  { name: "4-level paging", entry: 8, ways: 14, cr4: 0x20n, efer: 0x500n },
  { name: "4-level paging with no-execute", entry: 8, ways: 20, cr4: 0x20n, efer: 0xd00n },
] as const;
type Format = typeof FORMATS[number];

/** Mostly an entry that leads somewhere: rights at random, PS and reserved bits now and then. */
function randomEntry(random: Random, { entry, efer }: Format): bigint {
  const one = (of: number) => random.below(of) === 0;
  let value = BigInt(random.below(TABLES + 2)) << 12n | BigInt(random.u32() & 0xe78) | 7n;
  if (one(12)) value &= ~1n;
  if (one(4)) value &= ~2n;
  if (one(4)) value &= ~4n;
  if (one(8)) {
    value |= 0x80n;
    if (!one(5)) value &= ~0x3fff_e000n;
    if (one(5)) value |= BigInt(random.u32() & 0xffe0_0000);
    if (entry === 4 && one(3)) value |= BigInt(random.u32() & 0x3f_e000);
  }
  if (entry === 4) return value;
  // Ignored in 4-level paging, reserved in PAE paging.
  if (one(efer & 0x400n ? 6 : 40)) value |= BigInt(random.below(0x800)) << 52n;
  if (one(efer & 0x800n ? 6 : 40)) value |= 1n << 63n;
  if (one(30)) value |= 1n << BigInt(32 + random.below(20));
  return value;
}

function randomTables(random: Random, format: Format): Uint8Array {
  const memory = new Uint8Array(MEMORY), view = new DataView(memory.buffer);
  for (let at = 0; at < TABLES * 4096; at += format.entry) {
    const entry = randomEntry(random, format);
    if (format.entry === 4) view.setUint32(at, Number(entry), true);
    else view.setBigUint64(at, entry, true);
  }
  return memory;
}

function randomLinear(random: Random, { efer }: Format): bigint {
  if (!(efer & 0x400n)) return BigInt(random.u32());
  const address = random.u64();
  return random.below(20) === 0 ? address : BigInt.asUintN(64, BigInt.asIntN(48, address));
}

for (const format of FORMATS) {
  Deno.test(`Paging.translate() does what the manual says, ${format.name}`, () => {
    const vm = createVm({ arch: "x86", mode: 64, memory: MEMORY }),
      vcpu = vcpuOf(vm),
      paging = pagingOf(vcpu);
    const { state } = vcpu, seen = new Set<string>();
    state.set64(IDENTITY, 0n);
    for (let seed = 0; seed < 20; seed++) {
      const random = new Random(seed),
        memory = randomTables(random, format),
        model = new Model(memory.slice());
      vm.memory.write(0, memory);
      for (let n = 0; n < WALKS; n++) {
        const registers: Registers = {
          cr0: 0x8000_0011n | BigInt(random.below(2)) << 16n,
          cr3: BigInt(random.below(TABLES + (n % 50 === 0 ? 10 : 0))) << 12n | BigInt(random.below(0x1000)),
          cr4: format.cr4,
          efer: format.efer,
          cpl: random.below(4),
          pdptes: Array.from(
            { length: 4 },
            () => BigInt(random.below(TABLES)) << 12n | BigInt(random.below(12) > 0 ? 1 : 0),
          ),
        };
        state.set64(CR, registers.cr0);
        state.set64(CR + 16, 0n);
        state.set64(CR + 24, registers.cr3);
        state.set64(CR + 32, registers.cr4);
        state.set64(EFER, registers.efer);
        state.set64(CPL, BigInt(registers.cpl));
        registers.pdptes.forEach((pdpte, i) => state.set64(PDPTE + 8 * i, pdpte));
        const linear = randomLinear(random, format), reach = random.below(3) as Reach;
        const [low, high] = [Number(linear & 0xffff_ffffn), Number(linear >> 32n)];
        const looked = paging.look(low, high), gpa = paging.translate(low, high, reach);
        const expected = model.translate(linear, reach, registers);
        let found: Translated;
        if (gpa !== -1) found = { kind: "page", address: BigInt(gpa), storable: paging.storable };
        else {
          const fault = paging.fault(() => new Fault(13, 0, ""));
          found = fault instanceof PageFault
            ? { kind: "page fault", code: fault.code }
            : { kind: "not canonical" };
          if (fault instanceof PageFault) {
            assertEquals([fault.address, state.get64(CR + 16)], [linear, linear]);
          }
        }
        const where = `seed ${seed}, walk ${n}: 0x${linear.toString(16)}, ${reach}`;
        assertEquals(found, expected, where);
        if (gpa !== -1) assertEquals(looked, gpa, where);
        seen.add(JSON.stringify(found, ["kind", "code", "storable"]));
        if (n % 20 === 19) assertEquals(vm.memory.read(0, MEMORY), model.memory, where);
      }
      assertEquals(vm.memory.read(0, MEMORY), model.memory);
    }
    assertEquals(seen.size, format.ways, [...seen].join("\n"));
  });
}
