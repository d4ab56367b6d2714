/** Rings on a machine that was saved and restored: what is under way is gone on with, exits, cycles and all. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { snapshot } from "../../../emulator/exits/snapshot.ts";
import type { Device } from "../../../emulator/machine/device.ts";
import { pack, type SavedState, unpack } from "../../../emulator/engine/saved_state.ts";
import { readFile, writeFile } from "../../../emulator/machine/snapshot/file.ts";
import { type RestoreOptions, restoreVm, saveVm } from "../../../emulator/machine/snapshot/snapshot.ts";
import type { Vm } from "../../../emulator/machine/vm.ts";
import type { VmOptions } from "../../../emulator/machine/vm_options.ts";
import { createIo, type Io, type Ring, type RingOptions } from "../../../transports/io.ts";
import { Random } from "../../support/random.ts";
import { CELLS, machine, pattern, VIAS } from "../cells.ts";

const KINDS: readonly RingOptions[] = [
  { kind: "ioq" },
  { kind: "virtqueue", eventIdx: false },
  { kind: "virtqueue" },
  { kind: "virtqueue", indirect: true },
];

/** `TRAPSH_CASES` makes a longer run. */
const STEPS = Math.max(10, Number(Deno.env.get("TRAPSH_CASES") ?? 0));

/** Counts, and answers a request with its bytes backwards. */
function turner(): Device & { requests: number } {
  return {
    name: "turner",
    requests: 0,
    queue(bytes) {
      this.requests++;
      return bytes.slice().reverse();
    },
    call: (fn, bytes) => Uint8Array.of(fn, ...bytes),
    save() {
      return this.requests;
    },
    load(state) {
      this.requests = Number(state);
    },
  };
}

interface Driven {
  readonly vm: Vm;
  readonly io: Io;
  readonly ring: Ring;
}

function restored(vm: Vm, move?: RestoreOptions): Driven {
  const file = saveVm(vm), other = restoreVm(file, { devices: [turner()], ...move });
  const io = createIo(other);
  if (move === undefined) assertEquals(saveVm(other), file);
  return { vm: other, io, ring: io.rings[0] };
}

/** A step of a driver, and what it saw. */
async function step(ring: Ring, random: Random, sent: number): Promise<[number, unknown]> {
  switch (random.below(6)) {
    case 0:
    case 1:
    case 2:
      return [sent + 1, await ring.submit(pattern(1 + sent % 40), { reply: 48 })];
    case 3:
      return [sent, await ring.kick()];
    case 4:
      return [sent, await ring.collect()];
    default:
      return random.below(2) === 0
        ? [sent, await ring.flush()]
        : [sent, await ring.call(sent & 0xff, pattern(3))];
  }
}

for (const cell of CELLS) {
  for (const doorbell of ["userspace", "kernel", "fast"] as const) {
    Deno.test(`${cell.name}: rings with requests under way go on after a restore to the bit, doorbell ${doorbell}`, async () => {
      for (const [i, kind] of KINDS.entries()) {
        for (const poll of [true, false]) {
          // Every vehicle in its turn, over the cells; all of them every night.
          for (const via of STEPS > 100 ? VIAS : [VIAS[(i + CELLS.indexOf(cell)) % VIAS.length]]) {
            const where = `${via} ${JSON.stringify(kind)} ${poll}`;
            const options = { ...cell.options, interrupts: true };
            const { vm, io } = machine({ ...cell, options }, turner());
            const handle = await io.open("turner", { via });
            const made = { entries: 6, bytes: 128, batch: 3, coalesce: 2, busy: kind.indirect };
            const ring = await handle.ring({ ...kind, ...made, poll, doorbell });
            const random = new Random(7);
            // The same steps on a machine that is saved and restored before each of them.
            const whole: Driven = { vm, io, ring };
            let parts = whole, sent = 0;
            for (let steps = 0; steps < Math.min(STEPS, 40); steps++) {
              parts = restored(parts.vm);
              const choice = random.below(1 << 30);
              const [now, seen] = await step(whole.ring, new Random(choice), sent);
              assertEquals((await step(parts.ring, new Random(choice), sent))[1], seen, where);
              sent = now;
              assertEquals(parts.ring.stats, whole.ring.stats, where);
              assertEquals(snapshot(parts.vm.exits), snapshot(whole.vm.exits), where);
              assertEquals(parts.vm.vcpu.cycles, whole.vm.vcpu.cycles, where);
            }
            assertEquals(saveVm(parts.vm), saveVm(vm), where);
            assert(sent > 3);
          }
        }
      }
    });
  }
}

/** Machines, and where they go on. */
const MOVES: readonly (readonly [VmOptions, RestoreOptions])[] = [
  [{ arch: "x86", backend: "vmx" }, { backend: "svm" }],
  [{ arch: "x86", mode: 32, backend: "vmx", hypervisor: "xen" }, { backend: "svm" }],
  [{ arch: "x86", backend: "svm", hypervisor: "hyperv" }, { backend: "vmx", hypervisor: "xen" }],
  [{ arch: "x86", backend: "vmx", hypervisor: "xen" }, { hypervisor: "hyperv" }],
  [{ arch: "x86", backend: "vmx", hypervisor: "vmware" }, { backend: "svm", hypervisor: "kvm" }],
  [{ arch: "ppc", backend: "kvm-hv" }, { backend: "kvm-pr" }],
  [{ arch: "ppc", backend: "kvm-pr" }, { backend: "kvm-hv", hypervisor: "papr" }],
  [{ arch: "ppc", mode: 32, backend: "kvm-pr" }, { hypervisor: "osi" }],
];

for (const [options, move] of MOVES) {
  const name = (one: { backend?: string; hypervisor?: string }) =>
    `${one.hypervisor ?? ""} ${one.backend ?? ""}`.trim();
  Deno.test(`rings go on from ${name(options)} to ${name(move)}: each request answered once`, async () => {
    for (const via of VIAS) {
      for (const kind of KINDS) {
        for (const poll of [true, false]) {
          const { vm, io } = machine({ name: "", options: { ...options, interrupts: true } }, turner());
          const handle = await io.open("turner", { via });
          const ring = await handle.ring({ ...kind, entries: 8, batch: 4, poll, doorbell: "kernel" });
          for (let i = 0; i < 6; i++) await ring.submit(Uint8Array.of(i, 7));
          const other = restored(vm, move);
          await other.ring.submit(Uint8Array.of(6, 7));
          const answers = await other.ring.flush();
          assertEquals(
            answers.map(({ id, bytes }) => [id, ...bytes]),
            [0, 1, 2, 3, 4, 5, 6].map((i) => [i, 7, i]),
          );
          const device = other.vm.devices.get("turner")!.device as ReturnType<typeof turner>;
          assertEquals(device.requests, 7);
          other.ring.close();
          assertEquals(other.io.rings, []);
        }
      }
    }
  });
}

Deno.test("a hypervisor without hypercalls leaves a ring without its doorbell, which says so", async () => {
  const { vm, io } = machine(CELLS[0], turner());
  const ring = await (await io.open("turner", { via: "hypercall" })).ring({ entries: 4, batch: 2 });
  await ring.submit(pattern(2));
  const other = restored(vm, { hypervisor: "none" });
  await assertRejects(() => other.ring.flush(), Error, "has no doorbell by hypercall");
  await ring.flush();
});

Deno.test("a ring that its guest broke is broken after a restore, with the reason", async () => {
  for (const kind of KINDS) {
    const { vm, io } = machine(CELLS[0], turner());
    const ring = await (await io.open("turner")).ring({ ...kind, entries: 4, batch: 9 });
    await ring.submit(pattern(2));
    // The head of an IOQ's valid ones; a virtqueue's available index.
    const at = kind.kind === "ioq" ? 24 : 16 * (kind.indirect ? 16 : 16) + 2;
    vm.memory.write(ring.gpa + at, Uint8Array.of(0x77, 0x77));
    const before = restored(vm);
    let message = "";
    await ring.flush().catch((error) => message = error.message);
    assert(message.includes("has stopped serving the ring"), message);
    for (const { ring } of [before, restored(vm)]) {
      await assertRejects(() => ring.flush(), Error, message.slice(message.indexOf("has stopped")));
    }
  }
});

Deno.test("no machine is saved in the middle of a ring's operation", async () => {
  let release = () => {};
  const slow: Device = {
    name: "turner",
    queue: (bytes) => new Promise((resolve) => release = () => resolve(bytes)),
    stateless: true,
  };
  const { vm, io } = machine(CELLS[0], slow);
  const ring = await (await io.open("turner")).ring({ entries: 4, doorbell: "kernel", batch: 2 });
  await ring.submit(pattern(1));
  const flushed = ring.flush();
  for (let i = 0; i < 50; i++) {
    assertThrows(() => saveVm(vm), Error);
    await Promise.resolve();
  }
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 1));
  assertThrows(() => saveVm(vm), Error, "in the middle of");
  release();
  await flushed;
  saveVm(vm);
});

Deno.test("whatever a file says of rings, it is refused or gives rings that do no harm", async () => {
  const random = new Random(4242);
  const values: SavedState[] = [
    null,
    -1,
    0,
    1,
    5,
    2 ** 40,
    2 ** 53,
    NaN,
    "x",
    "mmio",
    true,
    false,
    [],
    {},
    7n,
  ];
  /** All paths into a state. */
  const paths = (state: SavedState, at: readonly string[] = []): (readonly string[])[] =>
    typeof state !== "object" || state === null || state instanceof Uint8Array
      ? [at]
      : [at, ...Object.entries(state).flatMap(([name, one]) => paths(one, [...at, name]))];
  const changed = (state: SavedState, [name, ...rest]: readonly string[], value: SavedState): SavedState => {
    if (name === undefined) return value;
    const entries = Object.entries(state as Record<string, SavedState>)
      .map(([key, one]) => [key, key === name ? changed(one, rest, value) : one] as const);
    return Array.isArray(state) ? entries.map(([, one]) => one) : Object.fromEntries(entries);
  };
  let refused = 0, made = 0;
  for (const kind of KINDS) {
    for (const via of VIAS) {
      const { vm, io } = machine(
        { ...CELLS[0], options: { ...CELLS[0].options, interrupts: true } },
        turner(),
      );
      const handle = await io.open("turner", { via });
      const ring = await handle.ring({
        ...kind,
        entries: 4,
        batch: 2,
        poll: via === "mmio",
        doorbell: "kernel",
      });
      for (let i = 0; i < 3; i++) await ring.submit(pattern(4));
      const { state, pages } = readFile(saveVm(vm));
      const rings = (state as { parts: { transports: { rings: SavedState } } }).parts.transports.rings;
      const all = paths(rings);
      for (let i = 0; i < 60; i++) {
        const path = all[random.below(all.length)], value = values[random.below(values.length)];
        const other = changed(state, ["parts", "transports", "rings", ...path], value);
        const restored = restoreVm(writeFile(other, [pages]), { devices: [turner()] });
        try {
          const io = createIo(restored);
          made++;
          for (const one of io.rings) {
            await one.submit(pattern(3)).catch((error) => assert(error instanceof Error));
            await one.flush().catch((error) => assert(error instanceof Error));
          }
        } catch (error) {
          assert(error instanceof SyntaxError || error instanceof RangeError, `${path}: ${error}`);
          refused++;
        }
      }
    }
  }
  assert(refused > 100 && made > 20, `${refused} ${made}`);
  assertEquals(unpack(JSON.parse(pack(values[6]).text), []), values[6]);
});
