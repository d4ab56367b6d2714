/** Debugging sessions as someone who knows gdb would have them. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { startSession } from "./session.ts";

/** Recursive: fact(n) in eax; count is written once a call. */
const X86 =
  "asm start: mov rsp, 0x8000 ;; mov edi, 4 ;; call fact ;; end: hlt ;; fact: inc dword ptr [count] ;; " +
  "mov eax, 1 ;; cmp edi, 1 ;; jbe out ;; push rdi ;; dec edi ;; call fact ;; pop rdi ;; imul eax, edi ;; " +
  "out: ret ;; count: .long 0";

Deno.test("stepping, finishing and watching on x86", async (t) => {
  const { session, typeAll } = startSession();
  await t.assertSnapshot(
    await typeAll([
      "arch x86",
      X86,
      "context full",
      "next 2",
      "break fact if $edi == 2",
      "run",
      "finish",
      "delete",
      "display $eax",
      "display/2xw count",
      "finish",
      "next",
      "reset",
      "writemem.l count 0",
      "watch count 4",
      "run",
      "condition 2 w[count] == 3",
      "run",
      "info break",
      "ignore 2 1",
      "disable 2",
      "enable",
      "tbreak end",
      "undisplay 2",
      "context brief",
      "run",
      "run",
      "print w[count] + 1",
      "info display",
    ]),
  );
  session.close();
});

Deno.test("stepping, finishing and catching on ppc", async (t) => {
  const { session, typeAll } = startSession();
  await t.assertSnapshot(
    await typeAll([
      "arch ppc",
      "asm start: lis r1, 1 ;; bl f ;; end: b end ;; f: mflr r0 ;; stdu r1, -32(r1) ;; std r0, 48(r1) ;; bl g ;; " +
      "ld r0, 48(r1) ;; addi r1, r1, 32 ;; mtlr r0 ;; blr ;; g: li r3, 9 ;; li r4, 0 ;; sc 1 ;; blr",
      "tbreak g",
      "run",
      "context stack 2",
      "finish",
      "finish",
      "reset",
      "step 2",
      "next 4",
      "catch exit hypercall",
      "reset",
      "run",
      "info break",
      "rwatch 0x1000 if $r3",
      "awatch 0x2000 2",
      "delete 2 3",
      "delete",
      "delete",
    ]),
  );
  session.close();
});

Deno.test("next steps over recursion at its own depth, and over repeated strings", async () => {
  const { session, type } = startSession();
  await type("arch x86");
  await type(X86);
  await type("break fact");
  for (let i = 0; i < 3; i++) await type("run");
  await type("delete");
  const depth = await session.invoke("print $rsp") as { value: bigint };
  while (!(await type("x/i $pc")).includes("call")) await type("next");
  assertStringIncludes(await type("next"), "stepped over a call");
  const after = await session.invoke("print $rsp") as { value: bigint };
  assertEquals(after.value, depth.value - 8n, "one word is on the stack at this depth");
  assertEquals(session.vcpu.registers.get("eax"), 1n);
  session.close();
});

Deno.test("next steps over repeated strings", async () => {
  const { session, type } = startSession();
  await type("arch x86");
  await type("asm mov ecx, 1000 ;; mov edi, 0x3000 ;; rep stosb ;; hlt");
  await type("next 2");
  assertStringIncludes(await type("next"), "stepped over a repeated instruction");
  assertEquals([session.vcpu.registers.get("rcx"), session.vcpu.pc], [0n, 0x100cn]);
  session.close();
});

Deno.test("finish follows tail calls, and ends at other stops", async () => {
  const { session, type } = startSession();
  await type("arch x86");
  await type(
    "asm mov rsp, 0x8000 ;; call f ;; end: hlt ;; f: push rax ;; pop rax ;; jmp g ;; g: mov eax, 3 ;; ret",
  );
  await type("tbreak f");
  await type("run");
  assertStringIncludes(await type("finish"), "returned: rax = 0x3 (3)");
  await type("reset");
  await type("tbreak f");
  await type("run");
  await type("break g");
  assertStringIncludes(await type("finish"), "DEBUG at 0x");
  assertEquals(session.vcpu.pc, session.vm.symbols.lookup("g"));
  session.close();
});

Deno.test("finish ends with the budget where nobody could press Ctrl-C", async () => {
  const { session, type } = startSession();
  await type("asm loop: jmp loop");
  await type("set $budget = 1000");
  assertStringIncludes(await type("finish"), "BUDGET at 0x1000");
  assertStringIncludes(await type("finish"), "default budget of 1000 instructions");
  session.close();
});

Deno.test("points stay over loadvm, and those that the machine cannot have are left out", async () => {
  const { session, type } = startSession();
  await type("arch x86");
  await type("asm mov eax, 5 ;; hlt");
  for (
    const line of ["break 0x1005 if $eax == 5", "watch 0x2000 4", "catch exit ept_violation", "disable 2"]
  ) {
    await type(line);
  }
  await type("savevm here");
  await type("loadvm here on svm");
  assertEquals(
    (await type("info break")).split("\n").slice(2, 5).map((line) => line.replaceAll(/ +/g, " ").trim()),
    [
      "1 breakpoint y 0x1005 0 $eax == 5",
      "2 watchpoint (write) n changes of 0x2000, 4 bytes 0",
      "",
    ],
  );
  assertStringIncludes(await type("run"), "breakpoint 1 at 0x1005");
  session.close();
});

Deno.test("mistakes are told, and nothing is set", async () => {
  const { session, type } = startSession();
  await type("arch x86");
  for (
    const [line, message] of [
      ["break 0x1000 if", '"if" wants an expression behind it'],
      ["break 0x1000 if $nope == 1", "There is no register or variable $nope"],
      ["break 0x1000 if (1", "a ) at the end"],
      ["watch", "a watchpoint wants an address"],
      ["watch 0x1000 5000", "not between 1 and 4096"],
      ["watch 0x1000 0", "not between 1 and 4096"],
      ["catch exit nothing", "vmx has no exit nothing"],
      ["delete 5", "There is no breakpoint 5; there are none"],
      ["ignore 1 2", "There is no breakpoint 1"],
      ["condition 1", "There is no breakpoint 1"],
      ["undisplay 3", "There is no display 3; there are none"],
      ["display/9", "display wants an expression"],
      ["context code", "context code takes a number"],
      ["writemem.z 0 1", 'size "z" is not 1, 2, 4 or 8'],
      ["writemem.l 0x1000", "wants a value"],
      ["writemem.b 0x1000 256", "does not fit in 1 byte"],
      ["x/4xb 0x7fffffffffff", "no"],
      ["page 0x1000 sideways", "Expected one of load, store"],
    ]
  ) assertStringIncludes(await type(line), message, line);
  assertEquals(await type("info break"), "no breakpoints\n");
  session.close();
});
