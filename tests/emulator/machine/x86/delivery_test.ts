/** Exceptions and interrupts through the IDT in the flat modes: frames, returns, double and triple faults. */
import { assert, assertEquals } from "@std/assert";
import { ORIGIN, type Outcome, runEverywhere } from "../../engine/executors.ts";
import { FLAT_MODES, flatGuest, type FlatMode, type Gate, SELECTOR, STACK, STACK_1 } from "./guest.ts";

/** Runs on every executor, which have to agree; answers what they did. */
function run(
  mode: FlatMode,
  code: string,
  handlers = "",
  gates: Readonly<Record<number, Gate>> = {},
  backend: "vmx" | "svm" = "vmx",
): Promise<Outcome> {
  return runEverywhere({ ...flatGuest(mode, code, handlers, gates), backend });
}

const register = (outcome: Outcome, mode: FlatMode, name: string) =>
  BigInt(`0x${outcome.registers[`${mode === 64 ? "r" : "e"}${name}`]}`);

/** A handler that pops the frame into registers and halts: error code to ebp, address to esi, CS edi, flags ecx. */
const WITH_CODE = "h: pop Rbp\npop Rsi\npop Rdi\npop Rcx\nhlt";
const WITHOUT = "h: pop Rsi\npop Rdi\npop Rcx\nhlt";
const H: Gate = { to: "h" };

for (const mode of FLAT_MODES) {
  /** Of the code that comes after the guest's beginning. */
  const word = BigInt(mode / 8), frame = (mode === 64 ? 5n : 3n) * word;

  Deno.test(`a divide error is a fault that IRET tries again, x86-${mode}`, async () => {
    const outcome = await run(
      mode,
      "sti\nstc\nmov eax, 7\nxor edx, edx\nxor ecx, ecx\nstc\ndiv ecx\nmov edi, 1",
      "h: pushfd\npop Rbp\nmov ecx, 2\ninc esi\nIret".replace("pushfd", mode === 64 ? "pushfq" : "pushfd")
        .replace("Iret", mode === 64 ? "iretq" : "iretd"),
      { 0: H },
    );
    assertEquals(outcome.stop.reason, "HLT", outcome.stop.message);
    const get = (name: string) => register(outcome, mode, name);
    assertEquals([get("ax"), get("dx"), get("si"), get("di"), get("sp")], [3n, 1n, 1n, 1n, STACK]);
    assertEquals(get("bp") & 0x200n, 0n, "an interrupt gate clears IF");
    assertEquals(BigInt(`0x${outcome.registers.eflags}`) & 0x200n, 0x200n, "IRET brings it back");
  });

  Deno.test(`INT and INT3 push the next address, a trap gate leaves IF, x86-${mode}`, async () => {
    const [pushf, iret] = mode === 64 ? ["pushfq", "iretq"] : ["pushfd", "iretd"];
    const outcome = await run(
      mode,
      "sti\nint 0x30\nint3\ninc edi",
      `h: ${pushf}\npop Rbp\ninc esi\n${iret}\nb: add esi, 0x10\n${iret}`,
      { 0x30: { to: "h", type: 0x8f }, 3: { to: "b" } },
    );
    const get = (name: string) => register(outcome, mode, name);
    assertEquals(outcome.stop.reason, "HLT", outcome.stop.message);
    assertEquals([get("si"), get("di"), get("sp"), get("bp") & 0x200n], [0x11n, 1n, STACK, 0x200n]);
  });

  Deno.test(`the frame of #UD has no error code and RF set, and the exit is counted, x86-${mode}`, async () => {
    const outcome = await run(mode, "stc\nat: ud2", WITHOUT, { 6: H });
    const get = (name: string) => register(outcome, mode, name);
    assertEquals([outcome.stop.reason, get("di"), get("cx") & 0x1_0001n], ["HLT", 8n, 0x1_0001n]);
    assertEquals(get("sp"), mode === 64 ? STACK - 2n * word : STACK);
    assert(JSON.stringify(outcome.ledger).includes("EXCEPTION"));
  });

  Deno.test(`64-bit mode aligns the stack to 16 and pushes SS and RSP, x86-${mode}`, async () => {
    const outcome = await run(mode, "sub Rsp, 4\nint 0x30", "h: mov Rsi, Rsp\nhlt", { 0x30: H });
    assertEquals(register(outcome, mode, "si"), mode === 64 ? STACK - 0x10n - frame : STACK - 4n - frame);
  });

  Deno.test(`a bad selector gives #GP with its index, INT through a bad gate one with the vector, x86-${mode}`, async () => {
    const load = (selector: number, into = "ds") => `mov eax, ${selector}\nat: mov ${into}, ax`;
    const cases: [code: string, vector: number, error: bigint][] = [
      [load(0x1003), 13, 0x1000n],
      [load(0x97), 13, 0x94n],
      [load(SELECTOR.absentData), 11, BigInt(SELECTOR.absentData)],
      [load(SELECTOR.task), 13, BigInt(SELECTOR.task)],
      [load(SELECTOR.data | 3), 13, BigInt(SELECTOR.data)],
      [load(SELECTOR.readOnly, "ss"), 13, BigInt(SELECTOR.readOnly)],
      [load(SELECTOR.userData, "ss"), 13, BigInt(SELECTOR.userData)],
      [load(SELECTOR.absentData, "ss"), 12, BigInt(SELECTOR.absentData)],
      [load(3, "ss"), 13, 0n],
      ["int 0x20", 13, 0x102n],
      ["int 0x40", 13, 0x202n],
      ["int 0x21", 11, 0x10an],
      ["int 0x22", 13, BigInt(SELECTOR.data)],
      ["int 0x23", 11, BigInt(SELECTOR.absentCode)],
      ["int 0x24", 13, 0n],
      ["int 0x25", 13, BigInt(SELECTOR.userCode)],
      // An exception's own delivery is an external event: EXT is set.
      ["ud2", 13, 0x33n],
    ];
    for (const [code, vector, error] of cases) {
      const outcome = await run(mode, code, WITH_CODE, {
        [vector]: H,
        0x21: { to: "h", type: 0x0e },
        0x22: { to: "h", selector: SELECTOR.data },
        0x23: { to: "h", selector: SELECTOR.absentCode },
        0x24: { to: "h", selector: 0 },
        0x25: { to: "h", selector: SELECTOR.userCode },
      });
      assertEquals(
        [outcome.stop.reason, register(outcome, mode, "bp")],
        ["HLT", error],
        `${code}: ${outcome.stop.message}`,
      );
    }
  });

  Deno.test(`handlers nest, x86-${mode}`, async () => {
    const iret = mode === 64 ? "iretq" : "iretd";
    const outcome = await run(
      mode,
      "int 0x30\nadd ecx, 0x100",
      `h: inc ecx\nud2\nadd ecx, 0x10\n${iret}\nu: add dword ptr [Rsp], 2\nadd ecx, 0x1000\n${iret}`,
      { 0x30: H, 6: { to: "u" } },
    );
    assertEquals([outcome.stop.reason, register(outcome, mode, "cx")], ["HLT", 0x1111n]);
    assertEquals(register(outcome, mode, "sp"), STACK);
  });

  Deno.test(`a contributory fault within another is a double fault with error code 0, x86-${mode}`, async () => {
    const code = "xor ecx, ecx\nat: div ecx";
    const outcome = await run(mode, code, WITH_CODE, {
      8: H,
      0: { to: "h", type: 0x0e },
      11: { to: "h", type: 0 },
    });
    const get = (name: string) => register(outcome, mode, name);
    assertEquals([outcome.stop.reason, get("bp"), get("di"), get("cx") & 0x1_0000n], ["HLT", 0n, 8n, 0n]);
    // #UD is benign: what follows it is delivered as itself.
    const serial = await run(mode, "ud2", WITH_CODE, { 6: { to: "h", type: 0x0e }, 11: H });
    assertEquals(register(serial, mode, "bp"), 0x33n);
  });

  Deno.test(`a triple fault is a shutdown with an exit of its own, x86-${mode}`, async () => {
    for (const [backend, name] of [["vmx", "TRIPLE_FAULT"], ["svm", "SHUTDOWN"]] as const) {
      const outcome = await run(mode, "ud2", "", {}, backend);
      assertEquals(outcome.stop.reason, "SHUTDOWN");
      assert(outcome.stop.message.startsWith("triple fault: exception 6 (#UD) cannot be delivered"));
      assert(JSON.stringify(outcome.ledger).includes(`"${name}"`));
    }
    // No table at all, as after reset.
    const bare = await runEverywhere({ source: "nop\nint 0x80", mode });
    assertEquals([bare.stop.reason, bare.stop.pc], ["SHUTDOWN", ORIGIN + 1n]);
  });

  Deno.test(`where a frame would lie there is no memory: the run ends, x86-${mode}`, async () => {
    const outcome = await run(mode, "mov Rsp, 0x7f000000\nint 0x30", "h: hlt", { 0x30: H });
    assertEquals(outcome.stop.reason, "INTERNAL_ERROR", outcome.stop.message);
  });

  Deno.test(`a gate leads to a task's segment or to code that the mode allows, x86-${mode}`, async () => {
    // SDM vol. 2A, INT n: #GP names what is no task state segment; IA-32e mode has no task gates.
    const task = await run(mode, "int 0x20", WITH_CODE, {
      0x20: { to: "h", type: 0x85 },
      13: H,
    });
    assertEquals([task.stop.reason, register(task, mode, "bp")], [
      "HLT",
      mode === 64 ? 0x102n : BigInt(SELECTOR.code),
    ]);
    // In IA-32e mode handlers are 64-bit code. SDM vol. 3A, 6.14.1.
    const other = await run(mode, "xor ebp, ebp\nint 0x21", `${WITH_CODE}\nother: inc ebp\nhlt`, {
      0x21: { to: "other", selector: SELECTOR.otherMode },
      13: H,
    });
    assertEquals([other.stop.reason, other.registers.cs], ["HLT", mode === 64 ? "8" : "40"]);
    assertEquals(register(other, mode, "bp"), mode === 64 ? BigInt(SELECTOR.otherMode) : 1n);
  });
}

Deno.test("an interrupt stack is taken from the task state segment", async () => {
  const outcome = await run(
    64,
    `mov eax, ${SELECTOR.task}\nltr ax\nint 0x30\ninc edi`,
    "h: mov rsi, rsp\nmov rbp, [rsp+24]\niretq",
    { 0x30: { to: "h", ist: 1 } },
  );
  const get = (name: string) => register(outcome, 64, name);
  assertEquals([outcome.stop.reason, get("si"), get("bp"), get("di"), get("sp")], [
    "HLT",
    (STACK_1 & ~0xfn) - 40n,
    STACK,
    1n,
    STACK,
  ]);
  // Without a task state segment: #TS, by software without EXT, with the selector that is there.
  const none = await run(64, "int 0x30", WITH_CODE, { 0x30: { to: "h", ist: 1 }, 10: H });
  assertEquals([none.stop.reason, register(none, 64, "bp")], ["HLT", 0n]);
});

Deno.test("addresses that are not canonical: #SS for the stack, #GP for a return", async () => {
  const stack = await run(
    64,
    `mov eax, ${SELECTOR.task}\nltr ax\nmov rsp, 0x900000000000\nint 0x30`,
    WITH_CODE,
    {
      0x30: H,
      12: { to: "h", ist: 1 },
    },
  );
  assertEquals([stack.stop.reason, register(stack, 64, "bp")], ["HLT", 0n], stack.stop.message);
  const back = await run(
    64,
    "push 0x10\npush 0x9000\npush 2\npush 8\nmov rax, 0x800000000000\npush rax\niretq",
    WITH_CODE,
    { 13: H },
  );
  assertEquals([back.stop.reason, register(back, 64, "bp")], ["HLT", 0n], back.stop.message);
});

Deno.test("16-bit gates push words in 32-bit mode, and IRET pops them", async () => {
  const outcome = await run(32, "int 0x30\ninc edi", "h: mov esi, esp\niretw", {
    0x30: { to: "h", type: 0x86 },
  });
  const get = (name: string) => register(outcome, 32, name);
  assertEquals([outcome.stop.reason, get("si"), get("di"), get("sp")], ["HLT", STACK - 6n, 1n, STACK]);
});
