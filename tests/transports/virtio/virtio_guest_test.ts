/**
 * A driver of virtio-mmio in C, compiled for each target: a disk and a console; and the same cut anywhere by snapshots.
 * Skipped, with the reason in the name, where the compiler is not installed.
 */
import { assertEquals } from "@std/assert";
import { createVm, type Vm } from "../../../emulator/machine/vm.ts";
import { TARGETS, whyNot } from "../../support/guest_targets.ts";
import { Uart16550 } from "../../../emulator/machine/devices/uart16550.ts";
import { VirtioConsole } from "../../../transports/virtio/console.ts";
import { buildGuests, type BuiltGuests } from "../../support/guest_build.ts";
import { debugExitDevice } from "../../../emulator/machine/devices/debug_exit.ts";
import { pattern } from "../cells.ts";
import { restoreVm, saveVm } from "../../../emulator/machine/snapshot/snapshot.ts";
import { virtioBlock } from "../../../transports/virtio/block.ts";

let guests: Promise<BuiltGuests> | undefined;

const EXPECTED = `4 sectors, interrupt 0
id test disk
sectors 1 and 2: first, second
sector 2: written by the guest
past the end: 1, 1; half a sector: 1; unknown: 2
interrupt 1, then 0
`;

for (const target of TARGETS) {
  const missing = whyNot({ compiler: "gcc" }) ?? whyNot(target);
  Deno.test({
    name: `a C driver of virtio-mmio on ${target.name}${
      missing === undefined ? "" : ` (skipped: ${missing})`
    }`,
    ignore: missing !== undefined,
    async fn() {
      const vm = createVm(target.vm);
      const printed: number[] = [], sent: number[] = [];
      const image = new Uint8Array(4 * 512);
      const put = (at: number, text: string) => image.set(new TextEncoder().encode(text), at);
      put(512, "first");
      put(1024, "second");
      const place = (port: number) => vm.arch === "x86" ? { port } : { gpa: 0xfe00_0000 + port };
      vm.devices.add(new Uart16550({ transmit: (byte) => void printed.push(byte) }), place(0x3f8));
      vm.devices.add(debugExitDevice(), place(0x501));
      let flushes = 0;
      vm.devices.add(virtioBlock({ image, id: "test disk", flush: () => void flushes++ }), {
        gpa: 0xfeb1_0000,
      });
      const console: VirtioConsole = new VirtioConsole({
        transmit(bytes) {
          sent.push(...bytes);
          if (new TextDecoder().decode(bytes).includes("?")) {
            console.feed(new TextEncoder().encode("trapsh\n"));
          }
        },
      });
      vm.devices.add(console, { gpa: 0xfeb1_1000 });
      vm.load((await (guests ??= buildGuests("virtio"))).image(target, "virtio", "-O2"));
      const stop = await vm.run({ instructions: 10_000_000 });
      const text = (bytes: readonly number[]) => new TextDecoder().decode(Uint8Array.from(bytes));
      assertEquals([stop.reason, text(printed)], ["SYSTEM_EVENT", EXPECTED]);
      assertEquals([stop.reason === "SYSTEM_EVENT" && stop.code, flushes], [0, 1]);
      assertEquals(text(sent), "what is your name?\nhello, trapsh\n");
      assertEquals(new TextDecoder().decode(image.subarray(1024, 1024 + 20)), "written by the guest");
    },
  });
}

/** The guest's devices, and what they send. */
function devices() {
  const image = new Uint8Array(4 * 512), sent: number[] = [];
  const console: VirtioConsole = new VirtioConsole({
    transmit(bytes) {
      sent.push(...bytes);
      if (bytes.includes(0x3f)) console.feed(pattern(20));
    },
  });
  const uart = new Uart16550({ transmit: (byte) => void sent.push(byte) });
  return { image, sent, all: [uart, debugExitDevice(), virtioBlock({ image }), console] };
}

for (const target of TARGETS) {
  const missing = whyNot({ compiler: "gcc" }) ?? whyNot(target);
  Deno.test({
    name: `a snapshot has virtio's queues, ${target.name}${
      missing === undefined ? "" : ` (skipped: ${missing})`
    }`,
    ignore: missing !== undefined,
    async fn() {
      const elf = (await (guests ??= buildGuests("virtio"))).image(target, "virtio", "-O2");
      const start = () => {
        const vm = createVm(target.vm), made = devices();
        const place = (port: number) => vm.arch === "x86" ? { port } : { gpa: 0xfe00_0000 + port };
        const places = [place(0x3f8), place(0x501), { gpa: 0xfeb1_0000 }, { gpa: 0xfeb1_1000 }];
        made.all.forEach((device, i) => vm.devices.add(device, places[i]));
        vm.load(elf);
        return { vm, ...made };
      };
      const outcome = (vm: Vm, image: Uint8Array, sent: readonly number[]) => [
        [...image].join(),
        sent.join(),
        vm.vcpu.instructions,
        vm.vcpu.cycles,
        vm.exits.count,
      ];
      const whole = start();
      assertEquals((await whole.vm.run()).reason, "SYSTEM_EVENT");
      const expected = outcome(whole.vm, whole.image, whole.sent);
      let { vm, image, sent } = start();
      for (let cuts = 0;; cuts++) {
        const stop = await vm.run({ instructions: 997 });
        if (stop.reason !== "BUDGET") break;
        const snapshot = saveVm(vm), next = devices();
        vm = restoreVm(snapshot, { devices: next.all });
        next.sent.push(...sent);
        ({ image, sent } = next);
      }
      assertEquals(outcome(vm, image, sent), expected);
    },
  });
}
