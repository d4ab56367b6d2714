/**
 * Segmented code against the processor: random instructions in LDT segments of both sizes with bases and limits, on
 * stacks of both widths. Linux on x86-64 with gcc and modify_ldt. `TRAPSH_CASES` makes a longer, nightly run.
 */
import { assert, assertEquals } from "@std/assert";
import { x86IsaOf } from "../../../emulator/x86/isa.ts";
import { type VariantName, variantNamed } from "../../../emulator/x86/variant.ts";
import { Random } from "../../support/random.ts";
import { x86Pool } from "../../oracle/samples.ts";
import {
  decodeEnds,
  encodeCases,
  randomCase,
  runCase,
  type SegmentCase,
  type SegmentEnd,
} from "./segment_cases.ts";

const VARIANTS: readonly VariantName[] = ["x86-16p", "x86-16p-ss32", "x86-32s", "x86-32s-ss16", "x86-32"];
const CI_CASES = 3000, SEED = 19860101;
const SOURCE = new URL("./segments_program.c", import.meta.url).pathname;
const GCC = "-O2 -static -nostdlib -ffreestanding -fno-stack-protector -fno-pie -no-pie -mno-sse -o".split(
  " ",
);
/** modify_ldt has failed. */
const NO_LDT = 3;
const PAGE_FAULT = 14;

/** Linux answers these itself where the processor has UMIP. */
const OF_LINUX = /^(sgdt|sidt|smsw|sldt|str)/;
/** Ask for I/O permission, of AMD's processors even for no element at all. */
const IO = /^(\w\w )?(ins|outs)/;
/** Of 16 bits their result is undefined for large counts. */
const RANDOM = /^sh[lr]d (word|[abcds][xpi]\b)/;
/** Leave flags undefined: only a case's last instruction may be one. */
const VAGUE = /^(aa[adms]|da[as]|i?mul|i?div|sh|sa[lr]|r[oc][lr]|bs[fr]|bt|and|x?or|test)/;
/** AMD's processors ask whether the destination can be written only if they write it; not so SDM vol. 2A, ARPL. */
const ARPL = /^arpl/;
/** Its two parts may be reached one after the other, so that the second one wraps at 16 bits by itself. */
const FAR_POINTER = /^l[defgs]s/;
/** Where rSP ends up is written to, on trial: our ENTER looks at the limit alone. */
const ENTER = /^enter/;
/** Check all of the stack that they use before they do anything (SDM vol. 2B); AMD's processors go word by word. */
const ALL = /^(push|pop)a/;
/** The target of a call is looked at before the stack (SDM vol. 2A, CALL); AMD's processors do it the other way round. */
const CALL = /^call/;

/** Arithmetic flags: which of them an instruction leaves undefined is another test's business. */
const FLAGS = ~0x8d5;

async function build(): Promise<string | undefined> {
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") return undefined;
  const path = await Deno.makeTempFile({ prefix: "segments_" });
  try {
    const { success, stderr } = await new Deno.Command("gcc", { args: [...GCC, path, SOURCE] }).output();
    assert(success, new TextDecoder().decode(stderr));
    return path;
  } catch (error) {
    await Deno.remove(path);
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function runNatively(path: string, cases: readonly SegmentCase[]): Promise<SegmentEnd[] | undefined> {
  const child = new Deno.Command(path, { stdin: "piped", stdout: "piped" }).spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  await writer.write(encodeCases(cases));
  await writer.close();
  const { code, signal, stdout } = await output;
  if (code === NO_LDT) return undefined;
  assertEquals([code, signal], [0, null], "the test program failed");
  return decodeEnds(stdout);
}

/** The instructions of a case, by address. */
function instructionsOf(one: SegmentCase): Map<number, string> {
  const isa = x86IsaOf(variantNamed(one.variant)), found = new Map<number, string>();
  for (let at = 0; at < one.code.length && one.code[at] !== 0xcc;) {
    const text = isa.disassemble(one.code.subarray(at), BigInt(one.eip + at));
    found.set(one.eip + at, text?.text ?? "?");
    at += text?.length ?? one.code.length;
  }
  return found;
}

/** LOOPE or LOOPNE with a repeat prefix, which is reserved there: on AMD's processors it decides about ZF. */
function isRepeatedLoop(bytes: Uint8Array): boolean {
  const opcode = bytes.findIndex((byte) => byte === 0xe0 || byte === 0xe1);
  return opcode > 0 && bytes.subarray(0, opcode).some((byte) => byte === 0xf2 || byte === 0xf3);
}

function isComparable(one: SegmentCase): boolean {
  const texts = [...instructionsOf(one).values()].map((text) => text.replace(/^(lock|rep\w*) /, ""));
  return !texts.some((text, i) =>
    OF_LINUX.test(text) || IO.test(text) || RANDOM.test(text) || (i < texts.length - 1 && VAGUE.test(text))
  );
}

const hex = (value: number) => value.toString(16);

function endText({ vector, error, eip, eflags, regs, changed }: SegmentEnd, withEffects: boolean): string {
  const memory = changed.map(([offset, value]) => `[${hex(offset)}]=${hex(value)}`);
  return [
    `vector ${vector}(${error}) eip ${hex(eip)} flags ${hex(eflags & FLAGS & 0xcff)}`,
    ...(withEffects ? [...regs.map(hex), ...memory] : []),
  ].join(" ");
}

function difference(one: SegmentCase, ours: SegmentEnd, theirs: SegmentEnd): string | undefined {
  const instructions = instructionsOf(one), last = instructions.get(theirs.eip) ?? "";
  const withEffects = theirs.vector === 3 || !ALL.test(last);
  const mine = endText(ours, withEffects), his = endText(theirs, withEffects);
  if (mine === his) return undefined;
  if (theirs.vector === PAGE_FAULT && ENTER.test(last)) return undefined;
  const at = instructions.get(ours.eip) ?? "";
  if (ours.vector === 13 && ARPL.test(at)) return undefined;
  if (ours.vector === 13 && theirs.vector === 13 && FAR_POINTER.test(at) && ours.eip === theirs.eip) {
    return undefined;
  }
  // Of two operands that cannot be reached, one outside the areas: which comes first is the processor's business.
  if (ours.vector !== 3 && theirs.vector === PAGE_FAULT) return undefined;
  if (ours.vector === 13 && (theirs.vector === 12 || theirs.vector === 14) && CALL.test(last)) {
    return undefined;
  }
  const segments = one.segments.map((s) =>
    `${hex(s.base)}+${hex(s.limit)}${s.pages ? "p" : ""}${s.kind === "expand-down" ? "d" : ""}${
      s.restricted ? "r" : ""
    }`
  );
  return `${one.variant}: ${[...instructions.values()].join("; ")}\n  from ${
    one.regs.map(hex).join(" ")
  } flags ${hex(one.eflags)} eip ${hex(one.eip)}; ${segments.join(" ")}\n  ours   ${mine}\n  theirs ${his}`;
}

const path = await build();

for (const variant of VARIANTS) {
  Deno.test({
    name: `${variant}: segments do what the processor's do`,
    ignore: path === undefined,
    async fn() {
      const random = new Random(SEED + VARIANTS.indexOf(variant));
      const pool = x86Pool(variantNamed(variant).mode, random, 30_000).accepted;
      const accepted = [...pool.values()].map((list) => list.filter((bytes) => !isRepeatedLoop(bytes)))
        .filter((list) => list.length > 0);
      const wanted = Number(Deno.env.get("TRAPSH_CASES") ?? 0) || CI_CASES;
      const cases: SegmentCase[] = [], ours: SegmentEnd[] = [];
      let made = 0;
      for (; cases.length < wanted; made++) {
        const one = randomCase(variant, [
          random.pick(random.pick(accepted)),
          random.pick(random.pick(accepted)),
        ], random);
        const end = runCase(one);
        if (end === undefined || !isComparable(one)) continue;
        cases.push(one);
        ours.push(end);
      }
      const theirs = await runNatively(path!, cases);
      if (theirs === undefined) return console.log("modify_ldt is not there: nothing was compared");
      assertEquals(theirs.length, cases.length);
      const wrong = cases.map((one, i) => difference(one, ours[i], theirs[i])).filter((text) =>
        text !== undefined
      );
      const vectors = new Map<number, number>();
      for (const { vector } of theirs) vectors.set(vector, (vectors.get(vector) ?? 0) + 1);
      console.log(
        `${variant}: ${cases.length} cases compared of ${made}; ended by vector ${
          [...vectors].sort(([a], [b]) => a - b).map(([v, n]) => `${v}: ${n}`).join(", ")
        }`,
      );
      assertEquals(wrong.slice(0, 20), [], `${wrong.length} differ:\n${wrong.slice(0, 20).join("\n")}`);
    },
  });
}
