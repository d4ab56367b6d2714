import { assertEquals, assertThrows } from "@std/assert";
import { evaluateExpression } from "../../shell/expression.ts";

const names = {
  register: (name: string) => ({ rax: 0x10n, n: 3n })[name],
  symbol: (name: string) => ({ start: 0x7c00n, ".loop": 0x7c08n })[name],
};

const CASES: Readonly<Record<string, bigint>> = {
  "42": 42n,
  "0x7c00": 0x7c00n,
  "0XFF": 255n,
  "0b1010": 10n,
  "0o17": 15n,
  "1_000_000": 1_000_000n,
  "'A'": 65n,
  "-1": -1n,
  "~0": -1n,
  "- - 2": 2n,
  "$rax": 0x10n,
  "$rax+8": 0x18n,
  "start": 0x7c00n,
  ".loop - start": 8n,
  "1 + 2 * 3": 7n,
  "(1 + 2) * 3": 9n,
  "10 - 2 - 3": 5n,
  "7 / 2": 3n,
  "-7 / 2": -3n,
  "7 % 4": 3n,
  "1 << 4 | 1": 17n,
  "1 << 2 + 2": 16n,
  "0xff & 0x0f ^ 1": 14n,
  "1 << 64": 1n << 64n,
  "-16 >> 2": -4n,
  "1 == 1 && 2 > 1": 1n,
  "1 != 1 || 2 <= 1": 0n,
  "0 && 1 / 0": 0n,
  "1 || 1 / 0": 1n,
  "!5 + !0": 1n,
  "1 < 2 == 1": 1n,
  "3 & 1 == 1": 1n,
};

for (const [source, value] of Object.entries(CASES)) {
  Deno.test(`evaluateExpression() of ${source} is ${value}`, () => {
    assertEquals(evaluateExpression(source, names), value);
  });
}

const WRONG: readonly (readonly [string, new (message: string) => Error, string])[] = [
  ["", SyntaxError, "a number, a $register or a symbol at the end"],
  ["1 +", SyntaxError, "at the end"],
  ["1 2", SyntaxError, "an operator or nothing at column 3"],
  ["(1", SyntaxError, "a ) at the end"],
  ["/ 2", SyntaxError, "at column 1"],
  ["* 2", ReferenceError, "no memory"],
  ["w[2", SyntaxError, "a ] at the end"],
  ["q[2]", SyntaxError, "an operator or nothing at column 2"],
  ["-".repeat(300) + "1", SyntaxError, "nested more than 200 deep"],
  ["1 @ 2", SyntaxError, 'unexpected "@" at column 3'],
  ["12ab", SyntaxError, "unexpected"],
  ["$rbx", ReferenceError, "There is no register or variable $rbx"],
  ["stat", ReferenceError, "There is no symbol stat"],
  ["rax", ReferenceError, "the register is $rax"],
  ["1 / 0", RangeError, "Division by zero"],
  ["1 << 5000", RangeError, "out of 0 to 4096"],
  ["1 << -1", RangeError, "out of 0 to 4096"],
];

for (const [source, kind, message] of WRONG) {
  Deno.test(`evaluateExpression() of ${JSON.stringify(source)} throws ${kind.name}`, () => {
    assertThrows(() => evaluateExpression(source, names), kind, message);
  });
}
