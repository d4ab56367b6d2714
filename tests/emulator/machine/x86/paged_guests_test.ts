/** Guests that run with tables of their own: page faults as they are delivered, demand paging, remapped code. */
import { assertEquals } from "@std/assert";
import type { Vm } from "../../../../emulator/machine/vm.ts";
import { type Outcome, runEverywhere } from "../../engine/executors.ts";
import { flatGuest, type Gate, SELECTOR, STACK } from "./guest.ts";

/** The first MiB as it is, page by page; these pages are not there. */
const TABLES = 0x8_0000, PAGE_TABLE = TABLES + 0x3000, HOLE = 0x5_1000, NO_STACK = 0x6_0000;
const entryOf = (address: number) => PAGE_TABLE + 8 * (address >> 12);

function mapMemory(vm: Vm): void {
  const entry = (at: number, value: number) =>
    vm.memory.write(at, new Uint8Array(BigUint64Array.of(BigInt(value)).buffer));
  for (let n = 0; n < 3; n++) entry(TABLES + n * 0x1000, TABLES + (n + 1) * 0x1000 + 3);
  for (let page = 0; page < 256; page++) {
    const address = page * 4096, there = address !== HOLE && address !== NO_STACK;
    entry(PAGE_TABLE + 8 * page, there ? address + 3 : address);
  }
}

/** Turns the tables on and runs `code`. */
function run(
  code: string,
  handlers: string,
  gates: Record<number, Gate>,
  setUp?: (vm: Vm) => void,
): Promise<Outcome> {
  const on = `mov eax, ${TABLES}\nmov cr3, rax\nmov eax, ${SELECTOR.task}\nltr ax\n`;
  return runEverywhere({
    ...flatGuest(64, on + code, handlers, gates),
    setUp(vm) {
      mapMemory(vm);
      setUp?.(vm);
    },
  });
}

/** Leaves the error code in rbp, how far after `at` the instruction is in rsi, CR2 in rdi. */
const TELL = "h: pop rbp\npop rsi\nsub rsi, at\nmov rdi, cr2\nhlt";
const H: Gate = { to: "h" }, OWN_STACK: Gate = { to: "h", ist: 1 };

async function faults(code: string, vector: number, expected: [error: bigint, after: bigint, cr2: bigint]) {
  const outcome = await run(code, TELL, { [vector]: OWN_STACK });
  const get = (name: string) => BigInt(`0x${outcome.registers[name]}`);
  assertEquals(outcome.stop.reason, "HLT", `${code}: ${outcome.stop.message}`);
  assertEquals([get("rbp"), get("rsi"), get("rdi")], expected, code);
  return { get, outcome };
}

Deno.test("a page fault tells its address and error code, at the instruction", async () => {
  await faults(`mov ebx, ${HOLE + 8}\nat: mov rax, [rbx]`, 14, [0n, 0n, BigInt(HOLE + 8)]);
  await faults(`mov ebx, ${HOLE + 8}\nat: mov [rbx], rax`, 14, [2n, 0n, BigInt(HOLE + 8)]);
  await faults(`mov esp, ${HOLE + 4}\nat: push rax`, 14, [2n, 0n, BigInt(HOLE)]);
  const jump = await run(`mov ebx, ${HOLE + 8}\njmp rbx`, TELL.replace("sub rsi, at", "nop"), {
    14: OWN_STACK,
  });
  const { rbp, rsi, rdi } = jump.registers, target = (HOLE + 8).toString(16);
  assertEquals([rbp, rsi, rdi], ["0", target, target], jump.stop.message);
});

Deno.test("a store across a page to one that is not there writes nothing", async () => {
  const { get } = await faults(
    `mov ebx, ${HOLE - 4}\nmov rax, -1\nat: mov [rbx], rax\nnop`,
    14,
    [2n, 0n, BigInt(HOLE)],
  );
  assertEquals(get("rbx"), BigInt(HOLE - 4));
  const outcome = await run(
    `mov ebx, ${HOLE - 4}\nmov rax, -1\nmov [rbx], rax`,
    "h: mov esi, [rbx]\nhlt",
    { 14: H },
  );
  assertEquals([outcome.stop.reason, outcome.registers.rsi], ["HLT", "0"]);
});

Deno.test("an instruction across a page to one that is not there faults at that page", async () => {
  const outcome = await run(
    `mov ebx, ${HOLE - 2}\nmov dword ptr [rbx-2], 0x01b89090\nat: jmp rbx`,
    TELL.replace("sub rsi, at", "nop"),
    { 14: OWN_STACK },
  );
  const { rbp, rsi, rdi } = outcome.registers;
  assertEquals([rbp, rsi, rdi], ["0", (HOLE - 2).toString(16), HOLE.toString(16)], outcome.stop.message);
});

Deno.test("a string instruction stops where it faults, and goes on from there", async () => {
  const { get } = await faults(
    `mov edi, ${HOLE - 16}\nmov ecx, 8\nmov eax, 1\nat: rep stosd\nnop`,
    14,
    [2n, 0n, BigInt(HOLE)],
  );
  assertEquals(get("rcx"), 4n);
});

Deno.test("a page fault whose frame faults is a double fault", async () => {
  const outcome = await run(
    `mov esp, ${NO_STACK + 0x800}\nmov ebx, ${HOLE}\nat: mov rax, [rbx]`,
    TELL,
    { 14: H, 8: OWN_STACK },
  );
  const { rbp, rsi, rdi } = outcome.registers;
  // CR2 is the second fault's: the first word of the frame.
  assertEquals([rbp, rsi, rdi], ["0", "0", (NO_STACK + 0x7f8).toString(16)], outcome.stop.message);
});

Deno.test("addresses that are not canonical raise #SS(0) in the stack segment, else #GP(0)", async () => {
  const far = "mov rbx, 0x800000000000\n",
    cases: [code: string, vector: number][] = [
      [`${far}at: mov rax, [rbx]`, 13],
      [`${far}at: mov [rbx], al`, 13],
      [`${far}mov rdi, rbx\nat: stosb`, 13],
      [`${far}at: push qword ptr [rbx]`, 13],
      [`${far}mov rbp, rbx\nat: mov rax, [rbp]`, 12],
      [`${far}mov rsp, rbx\nat: pop rax`, 12],
      [`${far}lea rsp, [rbx+8]\nat: push rax`, 12],
      [`${far}lea rsp, [rbx+8]\nat: call h`, 12],
      [`${far}mov rbp, rbx\nat: leave`, 12],
    ];
  for (const [code, vector] of cases) {
    const { outcome } = await faults(code, vector, [0n, 0n, 0n]);
    assertEquals(outcome.stop.reason, "HLT", code);
  }
});

Deno.test("a handler maps the page, and the instruction is tried again", async () => {
  const outcome = await run(
    `mov ebx, ${HOLE}\nmov eax, 7\nmov [rbx], eax\nmov edx, [rbx]\nadd [rbx], edx\nmov esi, [rbx]\n` +
      // And away again: a store to the table is seen at once, here as after INVLPG.
      `btr qword ptr [${entryOf(HOLE)}], 0\ninvlpg [rbx]\nmov esi, [rbx]`,
    `h: inc ecx\nbts qword ptr [${entryOf(HOLE)}], 0\nbts qword ptr [${entryOf(HOLE)}], 1\nadd rsp, 8\niretq`,
    { 14: H },
  );
  const { stop, registers } = outcome;
  assertEquals([stop.reason, registers.ecx ?? registers.rcx, registers.rsi], ["HLT", "2", "e"], stop.message);
  assertEquals(BigInt(`0x${registers.rsp}`), STACK);
});

Deno.test("code that is remapped is what its page holds now", async () => {
  const code = (value: number) => Uint8Array.of(0xb8, value, 0, 0, 0, 0xc3);
  const outcome = await run(
    `mov ebx, 0x54000\ncall rbx\nmov esi, eax\nmov rax, [${entryOf(0x5_5000)}]\nmov [${
      entryOf(0x5_4000)
    }], rax\n` +
      // The block is looked up at its address and place: back and forth again, in a loop.
      `invlpg [rbx]\ncall rbx\nmov edi, eax\nmov dword ptr [0x55001], 3\ncall rbx\nmov ebp, eax`,
    "",
    {},
    (vm) => {
      vm.memory.write(0x5_4000, code(1));
      vm.memory.write(0x5_5000, code(2));
    },
  );
  const { stop, registers: { rsi, rdi, rbp } } = outcome;
  assertEquals([stop.reason, rsi, rdi, rbp], ["HLT", "1", "2", "3"], stop.message);
});
