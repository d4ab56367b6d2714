/** What the command line's words come to. */
import { assertEquals } from "@std/assert";
import { joinValues, pick } from "./only.ts";

const THINGS = [["sieve", "x86-32"], ["sieve", "x86-32 paging"], ["in", "x86-32"], ["integer", "ppc32"]];
const picked = (...wanted: string[]) =>
  pick(THINGS, wanted, (names) => names).map((names) => names.join(" "));

Deno.test("pick() takes a name as it is, and parts of names only if there is none", () => {
  assertEquals(picked("in"), ["in x86-32"]);
  assertEquals(picked("x86-32"), ["sieve x86-32", "in x86-32"]);
  assertEquals(picked("sieve x86-32"), ["sieve x86-32"]);
  assertEquals(picked("-32"), ["sieve x86-32", "sieve x86-32 paging", "in x86-32"]);
  assertEquals(picked("ppc", "paging"), ["integer ppc32", "sieve x86-32 paging"]);
  assertEquals(picked("none"), []);
  assertEquals(pick(THINGS, undefined, (names) => names), THINGS);
});

Deno.test("joinValues() joins values that look like options, and leaves what is joined already", () => {
  assertEquals(joinValues(["--only", "-32", "--json", "exits"], ["only"]), ["--only=-32", "--json", "exits"]);
  assertEquals(joinValues(["--only=-32", "--only"], ["only"]), ["--only=-32", "--only"]);
});
