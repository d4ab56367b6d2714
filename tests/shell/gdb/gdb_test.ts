/** The real thing: GDB attaches, breaks, steps, reads registers and memory, watches, and goes on to the guest's end. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { debugExitDevice } from "../../../emulator/machine/devices/debug_exit.ts";
import { createVm } from "../../../emulator/machine/vm.ts";
import { TARGETS, whyNot } from "../../support/guest_targets.ts";
import { GUESTS, guestVm } from "./guests.ts";
import { debug, gdbTest, whyNoGdb } from "./real_gdb.ts";
import { compiledWithLines, SOURCE } from "./source_guest.ts";

/** What GDB says where something is not as it should be. */
function complaint(text: string): string | undefined {
  return /^.*(?:warning:(?! No executable)|[Ee]rror|[Ii]gnoring|Cannot|Invalid|not defined|No symbol).*$/m
    .exec(text)?.[0];
}

for (const [name, guest] of Object.entries(GUESTS)) {
  gdbTest(`gdb and an assembled ${name} guest`, async () => {
    const vm = guestVm(guest), at = (symbol: string) => `*0x${vm.symbols.lookup(symbol)!.toString(16)}`;
    const [counter, sum] = vm.arch === "x86" ? ["$ecx", "$edx"] : ["$r3", "$r4"];
    const { text, session } = await debug(vm, [
      `break ${at("more")}`,
      "continue",
      `printf "counter is %d\\n", ${counter}`,
      "delete",
      "stepi",
      `printf "sum is %d\\n", ${sum}`,
      "x/2i $pc",
      "watch *(int *) 0x2000",
      "continue",
      "continue",
      "x/1dw 0x2000",
      "delete",
      `hbreak ${at("ended")}`,
      "continue",
      "set var *(int *) 0x2004 = 0x12345678",
      "x/4xb 0x2004",
      "info registers",
      "info threads",
      "continue",
    ], { order: vm.isa.order });
    assertEquals(complaint(text), undefined, text);
    const bytes = vm.isa.order === "le" ? "0x78\t0x56\t0x34\t0x12" : "0x12\t0x34\t0x56\t0x78";
    const said = [
      "counter is 3",
      "sum is 3",
      "New value = 3",
      "New value = 5",
      "0x2000:\t5",
      bytes,
      "vCPU 0",
    ];
    for (const part of said) assertStringIncludes(text, part);
    assertMatch(text, /exited with code 05/);
    assertEquals([session?.how, session?.stop?.reason], ["exited", "SYSTEM_EVENT"]);
    assertEquals(vm.breakpoints.list().length + vm.watchpoints.list().length, 0);
  });
}

for (const target of TARGETS) {
  gdbTest(`gdb and a C guest on ${target.name}, by its source`, async () => {
    const { image, file, remove } = await compiledWithLines(target);
    try {
      const vm = createVm(target.vm);
      vm.devices.add(debugExitDevice(), vm.arch === "x86" ? { port: 0x501 } : { gpa: 0xfe00_0501 });
      vm.load(image);
      const { text, session } = await debug(vm, [
        "break add",
        "continue",
        "backtrace",
        "info args",
        "finish",
        "delete",
        "watch total if total > 2",
        "continue",
        "print total",
        "delete",
        "break main",
        "next",
        "info line",
        "print add(20, 22)",
        "set var total = 0x7",
        "print/x total",
        "continue",
      ], { file });
      assertEquals(complaint(text), undefined, text);
      const said = [
        "Breakpoint 1, add (a=1, b=0)",
        "#1  0x",
        " in main () at ",
        "a = 1",
        "Value returned is $1 = 1",
        "New value = 3",
        "$2 = 3",
        "= 42",
        "= 0x7",
      ];
      for (const part of said) assertStringIncludes(text, part);
      assert(text.includes(SOURCE.find((line) => line.includes("total +="))!), text);
      assertMatch(text, /exited with code 06/);
      assertEquals(session?.how, "exited");
    } finally {
      await remove();
    }
  }, whyNoGdb() ?? whyNot(target));
}

gdbTest("gdb stops a guest that would never end, and detaches from it", async () => {
  const vm = createVm({ arch: "x86" });
  vm.load(vm.assemble("again: inc rax\n jmp again"));
  const { text, session } = await debug(vm, [
    // GDB's own Ctrl-C, after a while.
    "python import threading, os, signal; threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()",
    "continue",
    "print $rax > 0",
    "detach",
  ]);
  assertStringIncludes(text, "SIGINT");
  assertStringIncludes(text, "$1 = 1");
  assertEquals(session?.how, "detached");
  assertEquals(vm.busy, false);
});

gdbTest("gdb sees vCPUs as threads, and steps one of them", async () => {
  const vm = createVm({ arch: "x86", vcpus: 2 });
  vm.load(vm.assemble("first: inc rax\n jmp first\n second: inc rbx\n jmp second"));
  vm.vcpus[1].start(vm.symbols.lookup("second")!);
  const { text } = await debug(vm, [
    "info threads",
    "thread 2",
    "set scheduler-locking on",
    "stepi",
    'printf "%d %d\\n", $rax, $rbx',
    "set scheduler-locking off",
    `break *0x${vm.symbols.lookup("first")!.toString(16)} thread 1`,
    "continue",
    "info threads",
  ]);
  assertStringIncludes(text, 'Thread 2 "vCPU 1"');
  assertStringIncludes(text, "0 1\n");
  assertMatch(text, /\* 1 +Thread 1/);
});

gdbTest("gdb's monitor does commands of the shell", async () => {
  const vm = createVm({ arch: "ppc" });
  vm.load(vm.assemble("nop"));
  const lines: string[] = [];
  const { text } = await debug(vm, ["set endian big", "monitor info exits"], {
    monitor: (line) => Promise.resolve(`did ${lines[lines.push(line) - 1]}\n`),
  });
  assertStringIncludes(text, "did info exits");
});
