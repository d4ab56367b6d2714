/** Interrupts of the 8259 pair in the flat 32- and 64-bit modes: through the IDT, between two instructions. */
import { assertEquals } from "@std/assert";
import { snapshot } from "../../../../emulator/exits/snapshot.ts";
import { FLAT_MODES, flatGuest } from "../x86/guest.ts";
import { ENGINES, inPieces, lengths, machine } from "./guests.ts";

/** Counts ticks of line 3 that a device raises at each write, and waits for a last one halted. */
const MAIN = `
        mov al, 0x11
        out 0x20, al
        mov al, 0x20
        out 0x21, al
        mov al, 4
        out 0x21, al
        mov al, 1
        out 0x21, al
        mov al, 0xf7
        out 0x21, al
        xor ebp, ebp
        mov edx, 0x500
        sti
        mov ecx, 3
  more: out dx, al
        dec ecx
        jnz more
        cli
        out dx, al
        nop
        mov ebx, ebp
        sti
        hlt
        cli
`;
const HANDLER = `
  tick: inc ebp
        mov al, 0x20
        out 0x20, al
`;

for (const mode of FLAT_MODES) {
  Deno.test(`x86-${mode}: a device's interrupts go through the IDT, and CLI holds them back`, async () => {
    const outcomes = [];
    for (const engine of ENGINES) {
      for (const most of [0, 1, 7]) {
        const handler = `${HANDLER} ${mode === 64 ? "iretq" : "iretd"}`;
        const { source } = flatGuest(mode, MAIN, handler, { 0x23: { to: "tick" } });
        const vm = machine({ options: { arch: "x86", mode }, main: source, handlers: {} }, engine);
        vm.devices.add({
          name: "raiser",
          write(_offset, _size, _value, context) {
            // A new edge each time; it stays high until it is taken, or it would come as a spurious one.
            context.irq(3, false);
            context.irq(3, true);
          },
        }, { port: 0x500 });
        const next = lengths(mode, most || 1);
        const stop = most === 0 ? await vm.run({ instructions: 10_000 }) : await inPieces(vm, next);
        const { registers } = vm.vcpu;
        outcomes.push([
          stop.reason,
          registers.get("ebp"),
          registers.get("ebx"),
          vm.vcpu.cycles,
          JSON.stringify(snapshot(vm.exits)),
        ]);
      }
    }
    assertEquals(outcomes[0].slice(0, 3), ["HLT", 4n, 3n]);
    for (const outcome of outcomes) assertEquals(outcome, outcomes[0]);
  });
}
