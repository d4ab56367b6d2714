/**
 * Nothing is lost and nothing doubled by a driver that is guest code, whatever its ring's knobs: batches, who takes kicks,
 * a device that is busy, answers that are looked for or interrupted for, one by one or coalesced. `TRAPSH_CASES` requests
 * a kind make a longer run.
 */
import { assert, assertEquals } from "@std/assert";
import type { Ring, RingOptions } from "../../../transports/io.ts";
import { Random } from "../../support/random.ts";
import { type Cell, CELLS, machine, VIAS } from "../cells.ts";

const REQUESTS = Math.max(600, Number(Deno.env.get("TRAPSH_CASES") ?? 0));
/** Requests of one ring, after which another one is made with other knobs. */
const OF_A_RING = 5000;

const KINDS: readonly RingOptions[] = [
  { kind: "ioq" },
  { kind: "virtqueue", eventIdx: false },
  { kind: "virtqueue" },
  { kind: "virtqueue", indirect: true },
];

/** x86-64 on vmx, and PowerPC 64 on kvm-hv. */
const MACHINES = ["x86-64 vmx", "ppc64 kvm-hv"].map((name) => CELLS.find((cell) => cell.name === name)!);

for (const cell of MACHINES) {
  for (const kind of KINDS) {
    const name = `${kind.kind}${kind.eventIdx === false ? " by flags" : ""}${
      kind.indirect ? ", indirect" : ""
    }`;
    Deno.test(`${cell.name}, ${name}: every request is answered once, whatever the knobs`, async () => {
      const random = new Random(name.length * 104_729);
      let left = Math.ceil(REQUESTS / MACHINES.length), held = 0;
      while (left > 0) {
        const size = Math.min(left, OF_A_RING, Math.ceil(REQUESTS / 8));
        held += await exchange(cell, kind, size, random);
        left -= size;
      }
      assert(held > 0, "nothing was held back");
    });
  }
}

/** So many requests over one ring; answers how many kicks and interrupts were not wanted. */
async function exchange(cell: Cell, kind: RingOptions, requests: number, random: Random): Promise<number> {
  let served = 0;
  const poll = random.below(3) > 0;
  const { io } = machine({ ...cell, options: { ...cell.options, interrupts: !poll } }, {
    name: "turner",
    queue: (bytes) => (served++, bytes.slice().reverse()),
  });
  const doorbell = random.pick(["userspace", "kernel", "fast"] as const);
  const entries = random.pick([4, 16, 64]);
  const ring = await (await io.open("turner", { via: random.pick(VIAS) })).ring({
    ...kind,
    entries,
    doorbell,
    batch: 1 + random.below(entries),
    busy: doorbell !== "userspace" && random.below(2) === 0,
    poll,
    ...(!poll && { coalesce: 1 + random.below(4) }),
  });
  const outstanding = new Map<number, Uint8Array>();
  for (let asked = 0; asked < requests;) {
    for (let burst = 1 + random.below(2 * entries); burst > 0 && asked < requests; burst--) {
      const bytes = new Uint8Array(4 + random.below(40));
      new DataView(bytes.buffer).setUint32(0, asked++, true);
      const cut = random.below(bytes.length);
      const parts = random.below(2) === 0 ? bytes : [bytes.subarray(0, cut), bytes.subarray(cut)];
      const id = await ring.submit(parts, { reply: bytes.length + random.below(8) });
      assert(!outstanding.has(id), `request ${id} is under way already`);
      outstanding.set(id, bytes);
    }
    await collect(ring, outstanding, random.below(4));
  }
  await collect(ring, outstanding, 0);
  const { submitted, completed, suppressedKicks, suppressedInterrupts } = ring.stats;
  assertEquals([outstanding.size, served, submitted, completed], [0, requests, requests, requests]);
  return suppressedKicks + suppressedInterrupts;
}

/** Flushes, kicks, or only looks. */
async function collect(ring: Ring, outstanding: Map<number, Uint8Array>, how: number): Promise<void> {
  if (how === 1) await ring.kick();
  for (const { id, bytes } of how === 0 ? await ring.flush() : await ring.collect()) {
    const sent = outstanding.get(id);
    assert(sent, `answer ${id} was not asked for, or comes twice`);
    outstanding.delete(id);
    assertEquals(bytes, sent.slice().reverse());
  }
}
