/** PowerPC vCPUs that signal each other by the OpenPIC: inter-processor interrupts, and letting one out of reset. */
import { assert, assertEquals } from "@std/assert";
import type { Vm } from "../../../../emulator/machine/vm.ts";
import { ENGINES, inPieces, machine, type ManyGuest, trace } from "./guests.ts";

const text = (value: unknown) =>
  JSON.stringify(value, (_key, part) => typeof part === "bigint" ? part.toString(16) : part);

/** r10 is the controller's base; r12 an offset in it, r11 a value. */
const store = (offset: number, value: number) =>
  `lis r12, ${offset >> 16}\nori r12, r12, ${offset & 0xffff}\nlis r11, ${value >> 16}\nori r11, r11, ${
    value & 0xffff
  }\nstwbrx r11, r10, r12`;

/**
 * vCPU 0 sends IPI 0 to vCPU 1, whose handler sends IPI 1 back, and so on, 8 times: each counts in r20. While it
 * waits, a vCPU naps (32-bit), or spins.
 */
function pingPong(mode: 32 | 64): ManyGuest {
  const rfi = mode === 64 ? "rfid" : "rfi", mtmsr = mode === 64 ? "mtmsrd" : "mtmsr";
  return {
    options: { arch: "ppc", mode, interrupts: true },
    index: "r30",
    source: `li r10, 0
oris r10, r10, 0xfec0
li r9, 1
xori r31, r30, 1
slw r31, r9, r31
slwi r29, r30, 4
addi r29, r29, 0x40
cmpwi r30, 0
bne ready
${store(0x10a0, 5 << 16 | 0x40)}
${store(0x10b0, 6 << 16 | 0x41)}
ready: ${store(0x80, 0)}
mfmsr r9
ori r9, r9, 0x8000
${mtmsr} r9
cmpwi r30, 0
bne wait
stwbrx r31, r10, r29
wait: ${mode === 32 ? "mfmsr r9\noris r9, r9, 4\nmtmsr r9" : ""}
cmpwi r20, 8
blt wait
after: li r12, 0
oris r12, r12, 0xfeb0
stw r20, 4(r12)
done: b done`,
    handlers: {
      0x500: `li r12, 0xa0
lwbrx r22, r10, r12
addi r20, r20, 1
li r12, 0xb0
stwbrx r22, r10, r12
stwbrx r31, r10, r29
${rfi}`,
    },
    region: "wait",
  };
}

for (const mode of [32, 64] as const) {
  Deno.test(`IPIs go to and fro, with the same exits on every engine and in pieces: ppc${mode}`, async () => {
    let first: string | undefined;
    for (const engine of ENGINES) {
      for (const piece of engine === "oracle" ? [Infinity] : [Infinity, 3, 29]) {
        const vm = machine(pingPong(mode), 2, engine);
        const stop = await inPieces(vm, () => piece === Infinity ? 1_000_000 : piece);
        assertEquals(stop.reason, "SYSTEM_EVENT", stop.message);
        assertEquals(
          vm.vcpus.map(({ registers }) => registers.get("r22")),
          [0x41n, 0x40n],
          "whose vector is whose",
        );
        const counts = vm.vcpus.map(({ registers }) => registers.get("r20"));
        assert(counts.every((count) => count >= 8n && count <= 10n), counts.join());
        const left = text(trace(vm, stop));
        first ??= left;
        assert(left === first, `${engine} in pieces of ${piece} leaves something else`);
      }
    }
  });
}

Deno.test("an IPI costs its sender a store to the controller, and a receiver that runs an exit", async () => {
  const vm = machine(pingPong(64), 2);
  await vm.run();
  const names = (vcpu: number) =>
    new Set(
      vm.exits.rows.filter((row) => row.vcpu === vcpu).map(({ reason, key, direction }) =>
        `${reason} ${key.toString(16)} ${direction}`
      ),
    );
  assert(names(0).has("MMIO fec00040 out") && names(1).has("MMIO fec00050 out"), [...names(0)].join());
  const kicks = vm.exits.rows.filter(({ native }) =>
    native === vm.backend.interrupts.line || native.code === vm.backend.interrupts.line.code
  );
  assert(kicks.length >= 14, `${kicks.length} kicks`);
});

Deno.test("a vCPU that naps goes on at the time at which it is sent an interrupt", async () => {
  const vm = machine(pingPong(32), 2);
  await vm.run();
  const sent = vm.exits.rows.filter(({ vcpu, key }) => vcpu === 1 && key === 0xfec0_0050);
  const taken = vm.exits.rows.filter(({ vcpu, key }) => vcpu === 0 && key === 0xfec0_00a0);
  assertEquals(taken.length >= 8, true);
  for (const [i, { at }] of taken.entries()) {
    assert(at >= sent[i].at && at < sent[i].at + 200 + sent[i].cycles.total, `${i}: ${sent[i].at} to ${at}`);
  }
  assert(vm.vcpus.every(({ idleCycles }) => idleCycles > 0));
});

Deno.test("a guest puts a vCPU into reset and lets it go: it begins at the system reset vector", async () => {
  const vm = machine(
    {
      options: { arch: "ppc", mode: 64, interrupts: true },
      index: "r30",
      source: `li r10, 0\noris r10, r10, 0xfec0
${store(0x1090, 2)}
li r12, 0x1090
lwbrx r5, r10, r12
li r11, 0
stwbrx r11, r10, r12
wait: lwz r6, 0x4000(0)
cmpwi r6, 9
bne wait
${store(0x1090, 1)}
li r12, 0\noris r12, r12, 0xfeb0\nstw r6, 4(r12)\nstw r6, 4(r12)\ndone: b done`,
      handlers: { 0x100: "li r6, 9\nstw r6, 0x4000(0)\nown: b own" },
      prepare: (vm: Vm) => vm.vcpus[1].registers.set("msr", 0x8000_0000_0000_8000n),
    },
    2,
  );
  const stop = await vm.run({ instructions: 100_000 });
  assertEquals([stop.reason, stop.vcpu], ["SYSTEM_EVENT", 0], "one that would reset itself goes on");
  assertEquals(vm.vcpu.registers.get("r5"), 2n);
  const [, other] = vm.vcpus;
  assertEquals([other.pc, other.registers.get("r30"), other.parked], [0x108n, 0n, false]);
});

Deno.test("the decrementer of each vCPU is its own", async () => {
  const vm = machine(
    {
      options: { arch: "ppc", mode: 64, interrupts: true },
      index: "r30",
      source: `mulli r5, r30, 20000\naddi r5, r5, 3000\nmtdec r5
mfmsr r9\nori r9, r9, 0x8000\nmtmsrd r9
wait: cmpwi r20, 3\nblt wait
li r12, 0\noris r12, r12, 0xfeb0\nstw r6, 4(r12)\ndone: b done`,
      handlers: { 0x900: "addi r20, r20, 1\nmtdec r5\nrfid" },
    },
    2,
  );
  assertEquals((await vm.run({ instructions: 10_000_000 })).reason, "SYSTEM_EVENT");
  const [fast, slow] = vm.vcpus.map(({ registers }) => registers.get("r20"));
  assert(slow === 3n && fast >= 6n, `${fast} ${slow}`);
});

for (const engine of ENGINES) {
  Deno.test(`a PC's lines and timer go to the first vCPU, whichever drives them: ${engine}`, async () => {
    // 0 halts for line 3, which a device of 1's access raises; then for the timer that 1 has set.
    const setup = [[0x20, 0x11], [0x21, 8], [0x21, 4], [0x21, 1], [0x21, 0xf6]]
      .map(([port, value]) => `mov al, ${value}\nout ${port}, al`).join("\n");
    const traces: string[] = [];
    for (const piece of engine === "oracle" ? [1_000_000, 997] : [1_000_000, 29, 997]) {
      const vm = machine(
        {
          options: { arch: "x86", mode: 16, interrupts: true },
          index: "bp",
          source: `cmp bp, 0\njne other\nmov sp, 0x8000\n${setup}\nsti\nhlt\nhlt\ncli\nhlt
other: mov cx, 20000\nwait: dec cx\njne wait\nafter: mov dx, 0x1004\nout dx, al
mov al, 0x34\nout 0x43, al\nmov al, 0\nout 0x40, al\nmov al, 2\nout 0x40, al\nhlt`,
          handlers: { 0x2000: "inc word ptr [0x4000]\nmov al, 0x20\nout 0x20, al\niret" },
          region: "wait",
          prepare(vm) {
            for (const vector of [8, 11]) vm.memory.write(4 * vector, Uint8Array.of(0, 0x20, 0, 0));
            vm.devices.reload("desk", { name: "desk", write: (_o, _s, _v, context) => context.irq(3, true) });
          },
        },
        2,
        engine,
      );
      const stop = await inPieces(vm, () => piece);
      assertEquals([stop.reason, vm.memory.read(0x4000, 1)[0]], ["HLT", 2]);
      const raised = vm.exits.rows.find(({ vcpu, key }) => vcpu === 1 && key === 0x1004)!;
      const [first, second] = vm.exits.rows.filter(({ vcpu, key, seq }) =>
        vcpu === 0 && key === 0x20 && seq > raised.seq
      );
      assert(
        first.at >= raised.at && first.at < raised.at + raised.cycles.total + 1000,
        `${raised.at}, ${first.at}`,
      );
      const ticks = (second.at - raised.at) / vm.profile.cyclesHz * 1_193_182;
      assert(ticks > 512 && ticks < 600, `${ticks} ticks`);
      traces.push(text(trace(vm, stop)));
    }
    assertEquals(new Set(traces).size, 1);
  });
}
