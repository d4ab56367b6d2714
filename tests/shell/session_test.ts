import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UserError } from "../../shell/errors.ts";
import { smallSession } from "./small_session.ts";

const device = { name: "led", read: () => 0 };

Deno.test("execute() prints what a command prints, and returns its data", async () => {
  const { session, out } = smallSession();
  const outcome = await session.execute("call 1 0x2a");
  assertEquals(out.text, "call(1|0x2a)\n");
  assert(outcome.ok && outcome.kind === "command");
  assertEquals(outcome.data, { words: ["1", "0x2a"], via: undefined });
});

Deno.test("execute() gives errors back and goes on", async () => {
  const { session, out } = smallSession();
  const failed = await session.execute("call 5");
  assert(!failed.ok && failed.error instanceof RangeError);
  assertEquals((await session.execute("regs")).ok, true);
  assertEquals(out.text, "regs()\n");
});

Deno.test("execute() hints at commands for what is neither command nor TypeScript", async () => {
  const { session } = smallSession();
  try {
    const messageOf = async (line: string) => {
      const outcome = await session.execute(line);
      return outcome.ok ? "ok" : outcome.error.message;
    };
    assertEquals(await messageOf("cal1 2"), '"cal1" is neither a command nor TypeScript: did you mean call?');
    assertEquals(await messageOf("hlep"), '"hlep" is neither a command nor TypeScript: did you mean help?');
    assertEquals(await messageOf(":cal1 2"), 'There is no command "cal1": did you mean call?');
    assertStringIncludes(await messageOf("=hlep"), "ReferenceError: hlep is not defined");
    assertStringIncludes(await messageOf("1 + nope"), "nope is not defined");
  } finally {
    session.close();
  }
});

Deno.test("the machine is made on first use, and only then", async () => {
  const { session, log } = smallSession();
  await session.execute("help");
  await session.execute("call 1");
  assertEquals(log, []);
  await session.ready();
  assertEquals(session.hasVm, false);
  assertEquals(session.vm, session.vm);
  assertEquals(log, ["createVm x86"]);
});

Deno.test("configure() makes a new machine, with the session's devices", async () => {
  const { session, log } = smallSession();
  await session.ready();
  session.addDevice({ device });
  session.configure({ arch: "ppc" });
  void session.vm;
  session.configure({ arch: "ppc" });
  void session.vm;
  session.addDevice({ device });
  session.removeDevice("led");
  session.configure({ arch: "x86" });
  void session.vm;
  assertEquals(log, ["createVm ppc", "add led", "reload led", "remove led", "createVm x86"]);
});

Deno.test("evaluateNumber() knows registers, variables and symbols", async () => {
  const { session } = smallSession();
  await session.ready();
  session.variables.set("n", 2n);
  assertEquals(session.evaluateNumber("start + $rbx * $n"), 0x7c0en);
  assertEquals(session.evaluateNumber("$pc"), 0x7c00n);
});

Deno.test("$ reads and writes registers and variables", async () => {
  const { session } = smallSession();
  try {
    assertEquals(await session.evaluate("$.rax = 5; $.rax + $.rbx"), 12n);
    assertEquals(await session.evaluate("$.mine = 9n; $.mine"), 9n);
    assertEquals(session.variables.get("mine"), 9n);
    assertEquals(await session.evaluate("'rax' in $ && !('nope' in $)"), true);
  } finally {
    session.close();
  }
});

Deno.test("interrupt() stops what heeds the signal, and abandons what does not", async () => {
  const { session } = smallSession();
  const waiting = session.execute("wait");
  session.interrupt();
  assertEquals((await waiting).ok, true);
  const hanging = session.execute("hang");
  session.interrupt();
  session.interrupt();
  const outcome = await hanging;
  assert(!outcome.ok && outcome.error instanceof UserError);
  assertEquals((await session.execute("regs")).ok, true);
});

Deno.test("invoke() returns data unprinted, and throws", async () => {
  const { session, out } = smallSession();
  assertEquals(await session.invoke("call 1"), { words: ["1"], via: undefined });
  await assertRejects(() => session.invoke("call 5"), RangeError, "There is no function 5");
  assertEquals(out.text, "");
});

Deno.test("evaluate() throws what the code throws", async () => {
  const { session } = smallSession();
  try {
    await assertRejects(() => session.evaluate("throw new RangeError('far')"), RangeError, "far");
  } finally {
    session.close();
  }
});
