import { assertEquals, assertNotEquals } from "@std/assert";
import {
  abiOf,
  callCapacity,
  fromWords,
  type HypercallAbi,
  replyCapacity,
  toWords,
} from "../../transports/abi.ts";
import { HYPERCALL } from "../../transports/numbers.ts";

const ABIS: readonly HypercallAbi[] = [
  abiOf("vmx", 64),
  abiOf("svm", 32),
  abiOf("vmx", 16),
  abiOf("kvm-hv", 64),
  abiOf("kvm-pr", 32),
  abiOf("kvm-pr", 64),
];

Deno.test("toWords() and fromWords() are inverse for every length that fits", () => {
  for (const abi of ABIS) {
    for (let length = 0; length <= replyCapacity(abi); length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => 17 * i + 3);
      assertEquals(fromWords(abi, toWords(abi, bytes), length), bytes, `${abi.name} ${length}`);
    }
  }
});

Deno.test("toWords() packs as the guest's own load does", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5);
  assertEquals(toWords(abiOf("vmx", 64), bytes), [0x05_0403_0201n]);
  assertEquals(toWords(abiOf("svm", 32), bytes), [0x0403_0201n, 5n]);
  assertEquals(toWords(abiOf("kvm-hv", 64), bytes), [0x0102_0304_0500_0000n]);
  assertEquals(toWords(abiOf("kvm-pr", 32), bytes), [0x0102_0304n, 0x0500_0000n]);
});

Deno.test("callCapacity() is what handle and fn leave of the argument registers", () => {
  assertEquals(ABIS.map(callCapacity), [16, 8, 8, 48, 24, 48]);
  assertEquals(ABIS.map(replyCapacity), [24, 12, 12, 56, 28, 56]);
});

Deno.test("every ABI has a code for every failure, and it is never that of a success", () => {
  for (const abi of ABIS) {
    for (const code of Object.values(abi.errors)) {
      if (abi.length === "status") assertEquals(code < 0, true);
      else assertNotEquals(code, 0);
    }
  }
});

Deno.test("hypercall numbers serve every ABI: 32 bits, positive, multiples of 4, each once", () => {
  const numbers = Object.values(HYPERCALL);
  for (const number of numbers) assertEquals([number > 0, number < 2 ** 31, number % 4], [true, true, 0]);
  assertEquals(new Set(numbers).size, numbers.length);
});
