import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { startSession } from "./session.ts";

Deno.test("a debugging session on x86", async (t) => {
  const { session, typeAll } = startSession();
  await t.assertSnapshot(
    await typeAll([
      "arch x86 32",
      "asm mov ecx, 3 ;; again: out 0x80, al ;; dec ecx ;; jnz again ;; hlt",
      "break again",
      "run",
      "run",
      "info break",
      "delete 1",
      "step",
      "step 2",
      "regs ecx eip",
      "set $ecx = 1",
      "until again+5",
      "run",
      "info exits by pc",
      "x/2i again",
      "x/4xb $pc - 2",
      "print again + 1",
      "reset",
      "run 1",
    ]),
  );
  session.close();
});

Deno.test("a debugging session on ppc", async (t) => {
  const { session, typeAll } = startSession();
  await t.assertSnapshot(
    await typeAll([
      "arch ppc",
      "asm li r3, 2 ;; mtctr r3 ;; loop: addi r4, r4, 1 ;; bdnz loop ;; stop: b stop",
      "until stop",
      "regs r4 ctr",
      "x/2xw 0x1000",
      "disasm loop 3",
      "run 10",
      "hexdump 0x1000 16",
    ]),
  );
  session.close();
});

Deno.test("run stops with BUDGET where nobody could press Ctrl-C, and says how to go on", async () => {
  const { session, type } = startSession();
  await type("asm loop: jmp loop");
  await type("set $budget = 1000");
  const text = await type("run");
  assertStringIncludes(text, "BUDGET at 0x1000 <loop>: 1000 instructions executed");
  assertStringIncludes(text, '"set $budget = N" raises it');
  assertEquals((await type("run 5")).includes("raises it"), false);
  session.close();
});

Deno.test("Ctrl-C stops the guest and not the session", async () => {
  const { session, type } = startSession({ interactive: true });
  await type("asm loop: jmp loop");
  const running = type("run");
  setTimeout(() => session.interrupt(), 20);
  assertStringIncludes(await running, "INTERRUPTED at 0x1000 <loop>");
  assertStringIncludes(await type("step"), "stepped 1 instruction");
  session.close();
});

Deno.test("a device that never answers ends the wait, by call and by a guest's own access", async () => {
  const folder = await Deno.makeTempDir();
  const file = join(folder, "never.ts");
  await Deno.writeTextFile(
    file,
    "const never = () => new Promise(() => {}); export default { name: 'never', call: never, read: never };",
  );
  const { session, type } = startSession();
  for (const guest of ["arch x86", "arch ppc"]) {
    assertStringIncludes(await type(guest), guest.slice(5));
    await type("set $patience = 1");
    if (!session.devices.has("never")) await type(`device add ${file} port 0x600`);
    for (const via of ["hypercall", "mmio"]) {
      await type(`open never via ${via}`);
      assertStringIncludes(await type("call 1"), "has not answered for 1 s");
    }
    if (guest === "arch x86") {
      await type("asm mov edx, 0x600 ;; in al, dx ;; hlt");
      assertStringIncludes(await type("run"), '"run" waits on, "reset" gives the access up');
      assertStringIncludes(await type("call 1"), "refused");
      await type("reset");
    }
    // The session goes on.
    await type("open echo");
    assertStringIncludes(await type("call 1 7"), "= 0x7");
  }
  session.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a handler that throws stops the guest with DEVICE_ERROR, and the session goes on", async () => {
  const { session, type } = startSession();
  session.addDevice({
    device: {
      name: "printer",
      read() {
        throw new Error("no paper");
      },
    },
    at: { port: 0x600 },
  });
  await type("asm mov edx, 0x600 ;; in al, dx ;; hlt");
  const text = await type("run");
  assertStringIncludes(text, "DEVICE_ERROR at 0x1005");
  assertStringIncludes(text, "no paper");
  session.close();
});

Deno.test("misbehaving guests stop with a reason", async () => {
  for (
    const [lines, stop] of [
      [["arch x86", "asm mov rax, 0x7000000000 ;; jmp rax", "run"], "INTERNAL_ERROR at 0x7000000000"],
      [["arch x86", "asm .byte 0x0f, 0x0b", "run"], "at 0x"],
      [["arch ppc", "asm .long 0x7c602a6c", "run"], "UNIMPLEMENTED at 0x1000"],
    ] as const
  ) {
    const { session, type } = startSession();
    let text = "";
    for (const line of lines) text = await type(line);
    assertStringIncludes(text, stop);
    session.close();
  }
});

Deno.test("engines agree on what a run costs", async () => {
  const reports: string[] = [];
  for (const engine of ["interpreter", "oracle"]) {
    const { session, type } = startSession();
    await type(`engine ${engine}`);
    await type("asm mov ecx, 3 ;; again: out 0x80, al ;; dec ecx ;; jnz again ;; hlt");
    await type("run");
    reports.push(await type("info exits") + await type("exits rows"));
    session.close();
  }
  assertEquals(reports[0], reports[1]);
});
