/**
 * Paging against an outside processor: one image with random table entries runs on QEMU and on the machine, and both have
 * to tell the same error codes, addresses, values and accessed and dirty flags. Skipped, visibly, where QEMU is not
 * installed (Debian: qemu-system-x86) or `--allow-run` leaves it out. `TRAPSH_CASES` makes a longer run.
 */
import { assertEquals } from "@std/assert";
import { debugExitDevice } from "../../../../emulator/machine/devices/debug_exit.ts";
import { PF } from "../../../../emulator/machine/x86/page_fault.ts";
import { createVm } from "../../../../emulator/machine/vm.ts";
import { Random } from "../../../support/random.ts";
import {
  buildImage,
  type Case,
  DEBUG_PORT,
  ENTRY,
  EXIT_PORT,
  type Format,
  type FormatName,
  linksOf,
  LOAD_AT,
  type Outcome,
  PAGES,
  parseOutcomes,
} from "./paging_guest.ts";

const QEMU = "qemu-system-x86_64";
/** Cases of a format; as many fit into one image. */
const CASES = 2000;
/** Cases that the oracle executes as well. */
const ORACLE_CASES = 40;
const NAMES: readonly FormatName[] = ["32-bit", "32-bit with PSE", "PAE", "4-level"];
const FORMATS: readonly Format[] = NAMES.flatMap((name) =>
  [false, true].map((noExecute) => ({ name, noExecute }))
);
const ACCESSED = 0x20n;

/** Where a large page begins, by how many levels of tables come after it. */
const FRAMES = [0n, 0x20_0000n, 0n];
/** Reserved bits of a large page's frame. */
const UNALIGNED: Readonly<Record<FormatName, readonly bigint[]>> = {
  "32-bit": [],
  "32-bit with PSE": [0x20_0000n],
  "PAE": [0n, 0x1f_e000n],
  "4-level": [0n, 0x1f_e000n, 0x3fff_e000n],
};

function randomCase(random: Random, { name }: Format): Case {
  const links = linksOf(name), wide = name === "PAE" || name === "4-level";
  const one = (of: number) => random.below(of) === 0;
  const entries = [...links, BigInt(PAGES + random.below(4) * 0x1000)].map((address, depth, { length }) => {
    let entry = address | 7n | BigInt(random.u32() & 0xe78);
    for (const [bit, of] of [[1n, 14], [2n, 5], [4n, 4]] as const) if (one(of)) entry &= ~bit;
    const below = length - 1 - depth;
    if (one(below === 0 ? 2 : 8)) {
      entry |= 0x80n;
      const large = below > 0 && below < (wide ? 3 : 2) && name !== "32-bit";
      if (large) {
        entry = entry & 0xfffn | (name === "32-bit with PSE" ? 0n : FRAMES[below]);
        const reserved = UNALIGNED[name].at(wide ? below : 0) ?? 0n;
        if (one(4)) entry |= reserved & -reserved << BigInt(random.below(8)) & reserved;
        // The PAT bit.
        if (one(4)) entry |= 0x1000n;
      }
    }
    if (!wide) return entry;
    if (one(10)) entry |= 1n << 63n;
    if (one(name === "PAE" ? 40 : 5)) entry |= BigInt(random.below(0x7ff)) << 52n;
    if (one(40)) entry |= 1n << BigInt(40 + random.below(12));
    return entry;
  });
  return {
    reach: random.pick(["load", "store", "fetch"]),
    user: one(2),
    protect: one(2),
    entries,
  };
}

async function onQemu(image: Uint8Array): Promise<Uint8Array> {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/guest`, told = `${folder}/told`;
    await Deno.writeFile(file, image);
    const { code, stderr } = await new Deno.Command(QEMU, {
      args: [
        ...["-accel", "tcg", "-cpu", "max", "-m", "16", "-display", "none", "-nodefaults", "-no-reboot"],
        ...["-kernel", file, "-debugcon", `file:${told}`, "-device", `isa-debug-exit,iobase=${EXIT_PORT}`],
      ],
    }).output();
    // isa-debug-exit ends with twice what was written, and one.
    if (code !== 0x21) throw new Error(`${QEMU} ended with ${code}: ${new TextDecoder().decode(stderr)}`);
    return await Deno.readFile(told);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function onMachine(image: Uint8Array, engine: "interpreter" | "oracle"): Promise<Uint8Array> {
  const vm = createVm({ arch: "x86", mode: 32, memory: 16 * 2 ** 20, engine }), told: number[] = [];
  const write = (_offset: number, _size: number, value: number | bigint) => void told.push(Number(value));
  vm.devices.add({ name: "debug", size: 1, write }, { port: DEBUG_PORT });
  vm.devices.add(debugExitDevice(), { port: EXIT_PORT });
  vm.load(image, { at: BigInt(LOAD_AT) });
  vm.vcpu.pc = ENTRY;
  const stop = await vm.run({ instructions: 100_000_000 });
  assertEquals(stop.reason, "SYSTEM_EVENT", stop.message);
  return Uint8Array.from(told);
}

/**
 * Of an access that faults, tables on the way may have been accessed or not (SDM vol. 3A, 4.8, tells of translations that
 * come about): QEMU marks each as it goes by, here none is. QEMU 7.2 leaves P out of the error code for a reserved bit,
 * which the manual (4.7) wants there.
 */
function comparable({ entries, code, ...rest }: Outcome): Outcome {
  if (code === undefined) return { ...rest, entries };
  return {
    ...rest,
    code: code & PF.RSVD ? code | PF.P : code,
    entries: entries.map((entry) => entry & ~ACCESSED),
  };
}

function installed(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync()
      .success;
  } catch {
    return false;
  }
}

const present = installed(QEMU);
const wanted = Math.max(CASES, Number(Deno.env.get("TRAPSH_CASES") ?? 0));

for (const format of FORMATS) {
  const { name, noExecute } = format;
  Deno.test({
    name: `${name} paging${noExecute ? " with no-execute" : ""} agrees with ${QEMU}` +
      (present ? "" : " (skipped: it cannot be run)"),
    ignore: !present,
    async fn() {
      const random = new Random(0x7061_6765 + FORMATS.indexOf(format)), seen = new Set<string>();
      for (let left = wanted; left > 0; left -= CASES) {
        const cases = Array.from({ length: CASES }, () => randomCase(random, format));
        const image = buildImage(format, cases);
        const [theirs, ours] = [await onQemu(image), await onMachine(image, "interpreter")]
          .map((told) => parseOutcomes(told, name));
        const wrong = cases.flatMap((one, i) => {
          const [here, there] = [comparable(ours[i]), comparable(theirs[i])].map(show);
          seen.add(`${one.user} ${one.reach} ${ours[i].code}`);
          return here === there ? [] : [`${i}: ${here}, not ${there} | ${show(one)}`];
        });
        assertEquals([wrong.slice(0, 20), ours.length], [[], CASES]);
      }
      assertEquals(seen.size >= 14, true, [...seen].join("\n"));
      const few = buildImage(format, Array.from({ length: ORACLE_CASES }, () => randomCase(random, format)));
      assertEquals(await onMachine(few, "oracle"), await onMachine(few, "interpreter"));
    },
  });
}

function show(value: unknown): string {
  return JSON.stringify(value, (_key, one) => typeof one === "bigint" ? `0x${one.toString(16)}` : one);
}
