/** Going back: every state is one that the guest was in, whatever came between. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { saveVm } from "../../../emulator/machine/snapshot/snapshot.ts";
import { Random } from "../../support/random.ts";
import { startSession, type Transcript } from "./session.ts";

const GUESTS = [
  [
    "arch x86",
    "asm mov rsp, 0x8000 ;; mov ecx, 9 ;; again: mov [0x2000], ecx ;; mov al, 65 ;; mov edx, 0x3f8 ;; out dx, al ;; " +
    "call f ;; dec ecx ;; jnz again ;; hlt ;; f: add ebx, ecx ;; push rcx ;; mov edi, 0x3000 ;; mov ecx, 7 ;; " +
    "rep stosb ;; pop rcx ;; ret",
  ],
  [
    "arch ppc",
    "asm lis r1, 1 ;; li r4, 9 ;; mtctr r4 ;; again: add r3, r3, r4 ;; stw r3, 0x2000(r0) ;; bl f ;; bdnz again ;; " +
    "end: b end ;; f: addi r5, r5, 1 ;; sc 1 ;; blr",
  ],
] as const;

/** All that a machine is, its time and its ledger too. */
const stateOf = ({ session }: Transcript) => saveVm(session.vm).toHex();

for (const guest of GUESTS) {
  Deno.test(`reverse-stepi comes to states that were, ${guest[0]}`, async () => {
    const shell = startSession(), { session, type } = shell;
    for (const line of guest) await type(line);
    await type("record on");
    const states = new Map<number, string>(), random = new Random(5);
    const note = () => states.set(session.vcpu.instructions, stateOf(shell));
    note();
    for (let i = 0; i < 70; i++) {
      await type("step");
      note();
    }
    assertStringIncludes(await type("record"), "recording: 70 runs, 70 instructions to go back");
    await type(`reverse-stepi 70`);
    assertEquals(session.vcpu.instructions, 0);
    // Forward in pieces, and back by any number of instructions.
    for (let i = 0; i < 25; i++) {
      const now = session.vcpu.instructions;
      if (random.below(2) === 0 && now < 50) {
        await type(["step", "next", "run 5", "run 11"][random.below(4)]);
        continue;
      }
      const count = 1 + random.below(20);
      await type(`rsi ${count}`);
      assertEquals(session.vcpu.instructions, Math.max(0, now - count));
      assertEquals(stateOf(shell), states.get(session.vcpu.instructions), `at ${session.vcpu.instructions}`);
    }
    session.close();
  });
}

Deno.test("reverse-continue goes back to the stop before, over runs, and then to the beginning", async () => {
  const { session, type } = startSession();
  for (const line of GUESTS[0]) await type(line);
  await type("record on");
  await type("break f");
  await type("watch 0x2000 4");
  const stops: [number, string][] = [];
  for (let i = 0; i < 8; i++) {
    stops.push([session.vcpu.instructions, (await type("run")).replace(/^A\n/, "").split("\n")[0]]);
  }
  const at = [...stops.slice(1).map(([count]) => count), session.vcpu.instructions];
  for (let i = 6; i >= 0; i--) {
    const text = await type("rc");
    assertEquals([session.vcpu.instructions, text.split("\n")[0]], [at[i], stops[i][1]], `${i}`);
  }
  assertStringIncludes(await type("rc"), "the beginning of what is recorded");
  assertEquals(session.vcpu.instructions, 0);
  const counts = (await type("info break")).split("\n").slice(2, 4).map((line) => line.slice(0, 2).trim());
  assertEquals(counts, ["1", "2"]);
  session.close();
});

Deno.test("what the guest printed is not printed again, and what was changed at the prompt is undone", async () => {
  const { session, type } = startSession();
  for (const line of GUESTS[0]) await type(line);
  await type("record on");
  assertStringIncludes(await type("run 12"), "A");
  await type("set $rcx = 1");
  await type("run 6");
  const text = await type("rsi 15");
  assert(!text.split("\n")[0].startsWith("A"), text);
  await type("run 9");
  // In the middle of the repeated store, as it was before rcx was set.
  assertEquals([session.vcpu.instructions, session.vcpu.registers.get("rcx")], [12, 6n]);
  session.close();
});

Deno.test("mistakes with going back are told", async () => {
  const { session, type } = startSession();
  await type("arch x86");
  await type("asm hlt");
  assertStringIncludes(await type("rsi"), 'nothing is recorded: "record on"');
  await type("record on");
  assertStringIncludes(await type("rc"), "nothing has run since recording began");
  await type("record off");
  assertStringIncludes(await type("record"), "not recording");
  await type("vcpus 2");
  assertStringIncludes(await type("record on"), "only machines with one vCPU can go back");
  await type("vcpus 1");
  session.addDevice({ device: { name: "mine", read: () => 0 } });
  assertStringIncludes(await type("record on"), "no snapshot can hold mine");
  session.close();
});
