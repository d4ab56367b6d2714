import { assertEquals, assertThrows } from "@std/assert";
import {
  evaluateExpression,
  ExpressionError,
  parseExpression,
  type Scope,
} from "../../../emulator/isa/expression.ts";

const scope: Scope = {
  here: 0x100n,
  symbol: (name) =>
    name === "x" ? { value: 10n, known: true } : name === "later" ? { value: 0n, known: false } : undefined,
  local: () => undefined,
  hint: () => "",
};
const evaluate = (text: string) => evaluateExpression(parseExpression(text), scope, text);

Deno.test("evaluateExpression() follows C's precedences", () => {
  const cases: [string, bigint][] = [
    ["1 + 2 * 3", 7n],
    ["(1 + 2) * 3", 9n],
    ["10 - 3 - 2", 5n],
    ["1 << 4 | 1", 17n],
    ["6 & 3 ^ 1", 3n],
    ["-7 / 2", -3n],
    ["-7 % 4", -3n],
    ["~0 & 0xff", 255n],
    ["- -1", 1n],
    ["1 + 1 << 2", 8n],
    ["-1 >> 1", -1n],
    ["'a' + '\\n'", 107n],
    ["'é'", 0xa9c3n],
    [". + $ - x", 0x1f6n],
    ["0b1010_1010", 0xaan],
    ["0xdead_beef", 0xdeadbeefn],
  ];
  for (const [text, value] of cases) assertEquals(evaluate(text), { value, known: true }, text);
});

Deno.test("evaluateExpression() takes halfwords of an address", () => {
  const cases: [string, bigint][] = [
    ["0x12348765@l", 0x8765n],
    ["0x12348765@h", 0x1234n],
    ["0x12348765@ha", 0x1235n],
    ["0x1122334455667788@higher", 0x3344n],
    ["0x1122334455667788@highest", 0x1122n],
    ["(x + 0x10000)@h + 1", 2n],
  ];
  for (const [text, value] of cases) assertEquals(evaluate(text).value, value, text);
});

Deno.test("evaluateExpression() says when it had to guess", () => {
  assertEquals(evaluate("later + x"), { value: 10n, known: false });
  assertEquals(evaluate("1 / later"), { value: 0n, known: false });
});

Deno.test("parseExpression() says where it stopped", () => {
  assertEquals(assertThrows(() => parseExpression("1 + "), ExpressionError, "found the end").offset, 4);
  assertEquals(assertThrows(() => parseExpression("a ? b"), ExpressionError, 'unexpected "?"').offset, 2);
  assertEquals(assertThrows(() => evaluate("1 + nowhere"), ExpressionError, "is not defined").offset, 4);
  assertThrows(() => parseExpression("x@hx"), ExpressionError, "@ha");
});
