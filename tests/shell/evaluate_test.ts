import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Evaluator } from "../../shell/evaluate.ts";
import { prepare } from "../../shell/source_text.ts";

const scope = { vm: () => ({ memory: { read: 1, write: 2 } }), answer: () => 42n };

const withEvaluator = (test: (evaluator: Evaluator) => void | Promise<void>) => test(new Evaluator(scope));

async function value(evaluator: Evaluator, source: string): Promise<unknown> {
  const result = await evaluator.evaluate(source);
  if (result.kind !== "value") throw result.error;
  return result.value;
}

async function message(evaluator: Evaluator, source: string): Promise<string> {
  const result = await evaluator.evaluate(source);
  assertEquals(result.kind, "error");
  return result.kind === "error" ? result.error.message : "";
}

const VALUES: readonly (readonly [source: string, value: unknown])[] = [
  ["1 + 1", 2],
  ["const a: number = 3; a * 2", 6],
  ["answer + 1n", 43n],
  ["await Promise.resolve('late')", "late"],
  ["{ a: 1, b: [2] }", { a: 1, b: [2] }],
  ["enum Way { In = 3, Out }; Way.Out", 4],
  ["class Box { constructor(readonly it: number) {} }; new Box(7).it", 7],
  ["undefined", undefined],
  ["-0", -0],
  ["NaN", NaN],
  ["2n ** 70n", 2n ** 70n],
  ["vm.memory.read", 1],
  ["import path, { posix as p, sep } from 'node:path'; [typeof path, typeof p, sep]", [
    "object",
    "object",
    "/",
  ]],
  ["import * as whole from 'node:path'; whole.sep", "/"],
  ["import type { Nothing } from './nowhere.ts'; 1", 1],
  ["'import(x) from \"y\"'", 'import(x) from "y"'],
  ["(await import('./tests/shell/data/one.ts')).one", 1],
];

for (const [source, expected] of VALUES) {
  Deno.test(`evaluate() of ${source}`, () =>
    withEvaluator(async (evaluator) => assertEquals(await value(evaluator, source), expected)));
}

Deno.test("evaluate() keeps declarations, which may be made again, and the last value as _", () =>
  withEvaluator(async (evaluator) => {
    await value(evaluator, "const kept = 1");
    await value(evaluator, "const kept = 2");
    assertEquals(await value(evaluator, "kept + 1"), 3);
    assertEquals(await value(evaluator, "_ * 2"), 6);
    assert(evaluator.defines("kept") && evaluator.defines("vm") && !evaluator.defines("nothingSuch"));
  }));

Deno.test("evaluate() takes $name for a register or variable, unless a line declares it", async () => {
  const registers: Record<string, bigint> = { rax: 5n };
  const evaluator = new Evaluator({ ...scope, $: () => registers });
  assertEquals(await value(evaluator, "$rax + 1n"), 6n);
  assertEquals(await value(evaluator, "$rax = 7n; $.rax"), 7n);
  assertEquals(await value(evaluator, "[1n].map((it) => it + $rax)"), [8n]);
  assertEquals(
    await message(evaluator, "$nothing"),
    "ReferenceError: $nothing is no register and no variable\n  $nothing\n  ^",
  );
  await value(evaluator, "const $rax = 'mine'");
  assertEquals(await value(evaluator, "$rax"), "mine");
  assertEquals(registers.rax, 7n);
});

Deno.test("evaluate() shows an error's line with a caret", () =>
  withEvaluator(async (evaluator) => {
    assertEquals(
      await message(evaluator, "1 + nope"),
      "ReferenceError: nope is not defined\n  1 + nope\n      ^",
    );
    assertEquals(
      await message(evaluator, "function fail() {\n  throw new RangeError('too far')\n}\nfail()"),
      "RangeError: too far\n2 |   throw new RangeError('too far')\n            ^",
    );
    assertEquals(await message(evaluator, "fail()"), "RangeError: too far\n  fail()\n  ^");
    assertStringIncludes(
      await message(evaluator, "await Promise.reject(new Error('late'))"),
      "Error: late\n",
    );
    assertEquals(await message(evaluator, "throw 5"), "thrown: 5");
  }));

Deno.test("evaluate() trims the stack to the user's own frames", () =>
  withEvaluator(async (evaluator) => {
    const result = await evaluator.evaluate("(() => { throw new Error('x') })()");
    const stack = result.kind === "error" && result.error.cause instanceof Error
      ? result.error.cause.stack
      : "";
    assertEquals(stack?.includes("shell/"), false);
  }));

Deno.test("evaluate() keeps the session's names from being overwritten", () =>
  withEvaluator(async (evaluator) => {
    assertStringIncludes(await message(evaluator, "vm = 3"), "vm is the session's");
    assertEquals(await value(evaluator, "vm.memory.write"), 2);
  }));

Deno.test("evaluate() stops waiting when its signal fires", () =>
  withEvaluator(async (evaluator) => {
    const controller = new AbortController();
    const never = evaluator.evaluate("await new Promise(() => {})", controller.signal);
    controller.abort(new Error("stopped"));
    await assertRejects(() => never, Error, "stopped");
    assertEquals(await value(evaluator, "1"), 1);
  }));

Deno.test("members() lists what an object has, without calling anything", () =>
  withEvaluator(async (evaluator) => {
    assertEquals(evaluator.members("vm.memory"), ["read", "write"]);
    await value(evaluator, "let calls = 0; const risky = { get it() { calls++; return {} } }");
    assertEquals(evaluator.members("risky.it"), []);
    assertEquals(await value(evaluator, "calls"), 0);
    assertEquals(evaluator.members("nothing.here"), []);
  }));

const KINDS: Readonly<Record<string, ReturnType<typeof prepare>["kind"]>> = {
  "a +": "incomplete",
  "f(": "incomplete",
  "const o = {": "incomplete",
  "function f() {": "incomplete",
  "if (x)": "incomplete",
  "`text": "incomplete",
  "[1,\n2": "incomplete",
  "type T =": "incomplete",
  "foo 1 2": "wrong",
  "}": "wrong",
  "let = =": "wrong",
  "'text": "wrong",
  "f()": "ready",
  "try {} finally {}": "ready",
};

for (const [source, kind] of Object.entries(KINDS)) {
  Deno.test(`prepare() of ${JSON.stringify(source)} is ${kind}`, () =>
    assertEquals(prepare(source).kind, kind));
}

Deno.test("prepare() points at a syntax error", () => {
  const prepared = prepare("foo 1 2");
  assert(prepared.kind === "wrong");
  assertEquals(prepared.error.message, "Expected ';', '}' or <eof>\n  foo 1 2\n      ^");
});
