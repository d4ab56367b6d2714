import { assert, assertEquals } from "@std/assert";
import { measureVerdict } from "../../scripts/haskins.ts";
import { asSvg } from "../../scripts/haskins/svg.ts";

const verdict = await measureVerdict();
const IDS = [...Array.from({ length: 12 }, (_, i) => `${i + 1}`), "a", "b", "c"];

Deno.test("measureVerdict(): every claim and condition, each with numbers of this run", () => {
  assertEquals(verdict.findings.map(({ id }) => id), IDS);
  for (const { id, numbers, measured } of verdict.findings) {
    assert(Object.values(numbers).length > 1 && Object.values(numbers).every(Number.isFinite), id);
    assert(/\d/.test(measured), id);
  }
  const of = (id: string) => verdict.findings.find((finding) => finding.id === id)!;
  assertEquals(of("3").numbers.empty, 8192);
  assertEquals(of("5").numbers, { changedBytes: 1, undefinedOpcodes: 1, servedAfterMove: 0 });
  assertEquals([of("7").numbers.pioExits, of("7").numbers.hypercallExits], [1, 1]);
  assertEquals(verdict.findings.filter((one) => one.verdict !== "holds").map(({ id }) => id), [
    "1",
    "12",
    "c",
  ]);
});

Deno.test("measureVerdict(): cells are the sum of their stages, and every answer is right", () => {
  assertEquals(verdict.cells.length + 2 * verdict.infeasible.length, 9 * 3 * 2);
  for (const { host, via, stages, guest, cycles, exits, right } of verdict.cells) {
    assertEquals(Object.values(stages).reduce((sum, one) => sum + one, guest), cycles, `${host} ${via}`);
    assertEquals([exits, right], [1, true], `${host} ${via}`);
  }
  // Every profile says where its figures are from.
  assertEquals(verdict.provenance.map((line) => line.split(":")[0]).sort(), [
    "ppc32-pr-assumed",
    "ppc64-hv-assumed",
    "x86-default",
  ]);
});

Deno.test("asSvg() has a title, units, a legend, every host and every claim, and leaves its frame nowhere", () => {
  const svg = asSvg(verdict);
  const [, width, height] = /<svg [^>]*width="(\d+)" height="(\d+)"/.exec(svg)!.map(Number);
  for (const text of ["<title>", "cycles of one call", "userspace round trip", "x86 vmx hyperv"]) {
    assert(svg.includes(text), text);
  }
  assert(!/https?:\/\/(?!www\.w3\.org)/.test(svg), "nothing is loaded from elsewhere");
  const texts = [
    ...svg.matchAll(
      /<text x="([\d.]+)" y="([\d.]+)" font-size="(\d+)"[^>]*text-anchor="(\w+)"[^>]*>([^<]*)</g,
    ),
  ];
  for (const [, x, y, size, anchor, text] of texts) {
    const length = 0.56 * Number(size) * text.length;
    const left = Number(x) - (anchor === "end" ? length : anchor === "middle" ? length / 2 : 0);
    assert(left >= 0 && left + length <= width && Number(y) <= height, text);
  }
  assertEquals(asSvg(JSON.parse(JSON.stringify(verdict))), svg);
});
