/** Files that are cut off, damaged or made to do harm: an error that says so, and nothing else. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import type { SavedState } from "../../../../emulator/engine/saved_state.ts";
import { echoDevice } from "../../../../emulator/machine/devices/echo.ts";
import { FORMAT_VERSION, readFile, writeFile } from "../../../../emulator/machine/snapshot/file.ts";
import { describeSnapshot, restoreVm, saveVm } from "../../../../emulator/machine/snapshot/snapshot.ts";
import { createVm, type Vm } from "../../../../emulator/machine/vm.ts";
import { Random } from "../../../support/random.ts";
import { guest as manyGuest } from "../vcpus/random_guest.ts";

/** `TRAPSH_CASES` makes a longer run. */
const CASES = Math.max(60, Number(Deno.env.get("TRAPSH_CASES") ?? 0));

async function x86(): Promise<Vm> {
  const vm = createVm({ arch: "x86", interrupts: true, vcpus: 2, memory: 0x2_0000, recordRows: true });
  vm.load(vm.assemble("mov ebx, 0xfeb00000\nagain: mov [rbx], eax\nout 0x80, al\ninc eax\njmp again"));
  vm.devices.add(echoDevice());
  await vm.run({ instructions: 300 });
  return vm;
}
async function ppc(): Promise<Vm> {
  const vm = manyGuest(3, 2, { engine: "interpreter", pieces: 0, later: false });
  await vm.run({ instructions: 3000 });
  return vm;
}

/** Restores, and if that works lets the guest do what it wants. What it does with nonsense is its own affair. */
async function attempt(bytes: Uint8Array, { devices }: Vm): Promise<string> {
  let vm: Vm;
  try {
    vm = restoreVm(bytes, { devices: devices.list().map(({ device }) => device) });
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError || error instanceof TypeError) {
      return error.name;
    }
    throw error;
  }
  return (await vm.run({ instructions: 200 })).reason;
}

for (const [name, make] of Object.entries({ x86, ppc })) {
  Deno.test(`${name}: a file that is cut off, or has a wrong bit, is refused`, async () => {
    const vm = await make(), bytes = saveVm(vm), random = new Random(1);
    for (let i = 0; i < CASES; i++) {
      const damaged = bytes.slice();
      damaged[random.below(bytes.length)] ^= 1 << random.below(8);
      assertThrows(() => restoreVm(damaged), Error);
      assertThrows(() => describeSnapshot(damaged), Error);
      const cut = bytes.subarray(0, i < 70 ? i : random.below(bytes.length));
      assertThrows(() => restoreVm(cut), SyntaxError);
    }
    assertThrows(() => restoreVm(bytes.subarray(0, 1000)), SyntaxError, "is cut off: it says it is");
    assertThrows(() => restoreVm(Uint8Array.of(...bytes.subarray(0, 80), 0)), SyntaxError);
    assertThrows(() => restoreVm(new Uint8Array(0)), SyntaxError, "no snapshot of a VM");
    const later = bytes.slice();
    later[8] = 9;
    assertThrows(
      () => restoreVm(later),
      RangeError,
      `format version 9, this program reads version ${FORMAT_VERSION}`,
    );
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    assertThrows(() => restoreVm(longer), SyntaxError, "something behind it");
  });

  Deno.test(`${name}: a file with values of its own and a good checksum is refused, or its guest runs`, async () => {
    const vm = await make(), bytes = saveVm(vm), random = new Random(2);
    const { state, pages } = readFile(bytes);
    assertEquals(writeFile(state, [pages]), bytes);
    const outcomes = new Map<string, number>();
    for (let i = 0; i < 2 * CASES; i++) {
      const hostile = i % 2 === 0
        ? writeFile(meddled(state, random), [pages])
        : resealed(bytes, (copy) => void (copy[64 + random.below(copy.length - 64)] = random.u32()));
      const outcome = await attempt(hostile, vm);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    assert(outcomes.get("SyntaxError")! > 0 && outcomes.get("BUDGET")! > 0, JSON.stringify([...outcomes]));
  });
}

Deno.test("no file takes more memory than it has bytes", async () => {
  const vm = await x86(), { state, pages } = readFile(saveVm(vm));
  const big = (slots: SavedState) => writeFile({ ...state as object, slots } as SavedState, [pages]);
  const slot = (gpa: number, size: number, runs: Uint8Array) => ({
    name: `s${gpa}`,
    gpa,
    size,
    readOnly: false,
    runs,
  });
  const nothing = new Uint8Array(0);
  const devices = [echoDevice()];
  const many = Array.from({ length: 5000 }, (_, i) => slot(4096 * i, 4096, nothing));
  assertThrows(() => restoreVm(big(many), { devices }), SyntaxError, "a list of at most 4096");
  const huge = [0, 1, 2].map((i) => slot(i * 2 ** 31, 2 ** 31, nothing));
  assertThrows(() => restoreVm(big(huge), { devices }), RangeError, "a VM's memory ends at 4 GiB");
  const run = new Uint8Array(new Float64Array([0, 2 ** 19]).buffer);
  assertThrows(() => restoreVm(big([slot(0, 2 ** 31, run)]), { devices }), SyntaxError, "pages are missing");
});

/** One value somewhere in the state is another one. */
function meddled(state: SavedState, random: Random): SavedState {
  if (typeof state === "object" && state !== null && !(state instanceof Uint8Array)) {
    const keys = Object.keys(state);
    if (keys.length > 0) {
      const key = keys[random.below(keys.length)];
      if (Array.isArray(state)) return state.with(Number(key), meddled(state[Number(key)], random));
      const record = state as { readonly [name: string]: SavedState };
      return { ...record, [key]: meddled(record[key], random) };
    }
  }
  if (state instanceof Uint8Array && state.length > 0 && random.below(4) > 0) {
    const copy = state.slice();
    for (let i = 0; i < 8; i++) copy[random.below(copy.length)] = random.u32();
    return copy;
  }
  if (typeof state === "number" && random.below(2) === 0) return state + random.below(5) - 2;
  const others = [
    null,
    true,
    -1,
    0.5,
    1,
    NaN,
    Infinity,
    2 ** 53,
    2 ** 31,
    -5n,
    2n ** 64n,
    "x",
    [],
    {},
    new Uint8Array(3),
  ];
  return random.pick<SavedState>(others);
}

/** The file with another content and the checksum of that. */
function resealed(bytes: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array {
  const copy = bytes.slice();
  change(copy);
  copy.set(createHash("sha256").update(copy.subarray(0, 32)).update(copy.subarray(64)).digest(), 32);
  return copy;
}
