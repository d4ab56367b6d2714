/**
 * Regions keep CR fields as the operands of comparisons: whoever reads a field, at whatever point, sees what the oracle
 * sees. Programs of blocks full of makers and readers of CR, with branches between them and exits among them.
 */
import type { Vm } from "../../../emulator/machine/vm.ts";
import { Random } from "../../support/random.ts";
import { type Guest, runEverywhere } from "../engine/executors.ts";

type Mode = 32 | 64;

const BLOCKS = 6, TURNS = 5;

/** A device whose reads give numbers that depend on when they come. */
function addDevice(vm: Vm): void {
  let count = 0;
  void vm.devices.add({
    name: "counter",
    read: () => 0x7fff_fffe + count++,
    write: (_offset, _size, value) => void (count += Number(value) & 1),
  });
}

/** r10 to r15 are worked on, r20 has the device's address. */
const register = (random: Random) => `r${10 + random.below(6)}`;
const bit = (random: Random) =>
  `4*cr${random.pick([0, 0, 7, 7, 3])}+${random.pick(["lt", "gt", "eq", "so"])}`;
const field = (random: Random) => random.pick(["cr0", "cr0", "cr7", "cr7", "cr3"]);

const MAKERS: readonly ((r: Random, mode: Mode) => string)[] = [
  (r, mode) =>
    `cmp${r.pick(["", "l"])}${mode === 64 ? r.pick(["w", "d"]) : "w"} ${field(r)}, ${register(r)}, ${
      register(r)
    }`,
  (r, mode) =>
    `cmp${mode === 64 ? r.pick(["w", "d"]) : "w"}i ${field(r)}, ${register(r)}, ${r.pick([0, 1, -1, 7])}`,
  (r) => `cmplwi ${field(r)}, ${register(r)}, ${r.pick([0, 1, 7, 0xffff])}`,
  (r) => `${r.pick(["add", "subf", "and", "xor", "slw"])}. ${register(r)}, ${register(r)}, ${register(r)}`,
  (r) => `addo${r.pick(["", "."])} ${register(r)}, ${register(r)}, ${register(r)}`,
  (r) => `addic. ${register(r)}, ${register(r)}, ${r.pick([-1, 1])}`,
  (r) => `andi. ${register(r)}, ${register(r)}, ${r.pick([1, 3, 0x8000])}`,
  (r) => `cr${r.pick(["and", "or", "xor", "nor"])} ${bit(r)}, ${bit(r)}, ${bit(r)}`,
  (r) => `mcrf ${field(r)}, ${field(r)}`,
  (r) => `mtcrf ${r.pick([0x80, 0x01, 0x81, 0xff, 0x10])}, ${register(r)}`,
  (r) => `mtxer ${register(r)}`,
  (r) => `mcrxr ${field(r)}`,
];
const READERS: readonly ((r: Random, mode: Mode) => string)[] = [
  (r) => `mfcr ${register(r)}`,
  (r) => `mfxer ${register(r)}`,
  (r) => `isel ${register(r)}, ${register(r)}, ${register(r)}, ${bit(r)}`,
];
const EXITS: readonly ((r: Random) => string)[] = [
  (r) => `lwz ${register(r)}, 0(r20)`,
  (r) => `stw ${register(r)}, 4(r20)`,
  (r) => `mftb ${register(r)}`,
  (r) => `mfmsr ${register(r)}`,
];
const OTHERS: readonly ((r: Random) => string)[] = [
  (r) => `addi ${register(r)}, ${register(r)}, ${r.pick([1, -1, 100])}`,
  (r) => `srawi ${register(r)}, ${register(r)}, ${r.below(32)}`,
  (r) => `mullw ${register(r)}, ${register(r)}, ${register(r)}`,
];

function branch(r: Random, from: number): string {
  const to = `block${from + 1 + r.below(BLOCKS - from)}`;
  const condition = r.pick(["lt", "ge", "gt", "le", "eq", "ne", "so", "ns"]);
  return r.below(5) === 0 ? `bc ${r.pick([12, 4])}, ${bit(r)}, ${to}` : `b${condition} ${field(r)}, ${to}`;
}

function program(r: Random, mode: Mode): string {
  const lines = ["li r20, 0", "oris r20, r20, 0xfeb0", `li r21, ${TURNS}`, `mtctr r21`];
  for (let i = 10; i < 16; i++) {
    lines.push(
      `lis r${i}, ${r.pick([0, 0, 1, -1, 0x7fff, -0x8000])}`,
      `addi r${i}, r${i}, ${r.pick([0, 1, -1, 5])}`,
    );
  }
  for (let block = 0; block < BLOCKS; block++) {
    lines.push(`block${block}:`);
    for (let i = r.below(6); i >= 0; i--) {
      const kind = r.below(12);
      const list = kind < 6 ? MAKERS : kind < 8 ? READERS : kind === 8 ? EXITS : OTHERS;
      lines.push(r.pick(list)(r, mode));
    }
    if (r.below(4) > 0) lines.push(branch(r, block));
  }
  lines.push(`block${BLOCKS}: bdnz block0`, "end_of_region: b end_of_region");
  return lines.join("\n");
}

const isMissing = (mode: Mode, source: string) => mode === 64 ? /mcrxr/.test(source) : /isel/.test(source);

for (const mode of [32, 64] as const) {
  Deno.test(`regions keep CR fields of ppc${mode} programs as the oracle has them`, async () => {
    const random = new Random(0xc0de + mode);
    for (let i = 0; i < 60; i++) {
      let source = program(random, mode);
      while (isMissing(mode, source)) source = program(random, mode);
      const guest: Guest = { arch: "ppc", mode, source, setUp: addDevice };
      try {
        // Stops anywhere: a region is left in the middle then.
        await runEverywhere(guest, { instructions: 20 + random.below(200) });
      } catch (error) {
        throw new Error(`program ${i}\n${source}`, { cause: error });
      }
    }
  });
}
