/**
 * Decoder and disassembler against iced-x86: what we decode, it decodes to the same length and the same
 * text. What we refuse is not held against us; the count is printed.
 */
import { assertEquals } from "@std/assert";
import { Code, Decoder, DecoderOptions, Formatter, FormatterSyntax, MemorySizeOptions } from "iced-x86";
import { x86Isa, x86IsaOf } from "../../../emulator/x86/isa.ts";
import { VARIANT_NAMES, variantNamed } from "../../../emulator/x86/variant.ts";
import type { Mode } from "../../../emulator/x86/registers.ts";
import { icedText, ourText } from "./iced_text.ts";
import { opcodeSamples, randomSamples } from "./samples.ts";

function formatter(): Formatter {
  const f = new Formatter(FormatterSyntax.Intel);
  f.hexPrefix = "0x";
  f.hexSuffix = "";
  f.uppercaseHex = false;
  f.smallHexNumbersInDecimal = true;
  f.addLeadingZeroToHexNumbers = false;
  f.leadingZeros = false;
  f.branchLeadingZeros = false;
  f.displacementLeadingZeros = false;
  f.spaceAfterOperandSeparator = true;
  f.memorySizeOptions = MemorySizeOptions.Always;
  f.ripRelativeAddresses = false;
  f.showBranchSize = false;
  f.signedImmediateOperands = false;
  f.signedMemoryDisplacements = true;
  f.scaleBeforeIndex = false;
  f.showUselessPrefixes = false;
  f.usePseudoOps = false;
  return f;
}

const PC: Readonly<Record<Mode, bigint>> = { 16: 0x7c00n, 32: 0x8048000n, 64: 0x7fff12345000n };

/** F3 BSF is BSF: CPUID does not report BMI1. */
const WITHOUT_BMI = DecoderOptions.NoMPFX_0FBC;

interface Count {
  same: number;
  refused: number;
  invalid: number;
}

/** Compares one sample; adds to `count`, or gives what differs. */
function compare(mode: Mode, bytes: Uint8Array, format: Formatter, count: Count): string | undefined {
  const pc = PC[mode];
  const isa = x86Isa(mode), ours = isa.decode(bytes, pc);
  const decoder = new Decoder(mode, bytes, WITHOUT_BMI);
  decoder.ip = pc;
  const theirs = decoder.decode();
  try {
    if ("undecodable" in ours) {
      if (theirs.code === Code.INVALID) count.invalid++;
      else count.refused++;
      return undefined;
    }
    const hex = Array.from(bytes.subarray(0, ours.length), (b) => b.toString(16).padStart(2, "0")).join(" ");
    if (theirs.code === Code.INVALID) {
      return `${mode}: ${hex}: we say ${ours.form.name}, iced says it is invalid`;
    }
    const mine = ourText(isa.disassemble(bytes, pc)?.text ?? ""), his = icedText(format.format(theirs), mode);
    if (mine !== his || ours.length !== theirs.length) {
      return `${mode}: ${hex}: ${mine} (${ours.length}), iced: ${his} (${theirs.length})`;
    }
    count.same++;
    return undefined;
  } finally {
    theirs.free();
    decoder.free();
  }
}

for (const mode of [16, 32, 64] as const) {
  Deno.test(`x86-${mode} decodes as iced does`, () => {
    const format = formatter(), count: Count = { same: 0, refused: 0, invalid: 0 }, wrong: string[] = [];
    for (const bytes of [...opcodeSamples(mode), ...randomSamples(4000, 0x5eed + mode)]) {
      const difference = compare(mode, bytes, format, count);
      if (difference !== undefined) wrong.push(difference);
    }
    format.free();
    console.log(
      `x86-${mode}: ${count.same} the same; excluded: ${count.refused} not implemented here, ` +
        `${count.invalid} invalid for both`,
    );
    assertEquals(wrong.slice(0, 40), [], `${wrong.length} differ`);
    assertEquals(count.same > 5000, true, `only ${count.same} samples were decoded`);
  });
}

/** Invalid by their purpose (UD0, UD1), and of a processor that is neither Intel's nor AMD's. */
const MEANT = /^(Ud[01]|Xstore)/;
/** With a register these begin a VEX or EVEX instruction, in protected mode alone. */
const PROTECTED = /^(Arpl|Lar|Lsl|Verr|Verw|Sldt|Str|Lldt|Ltr|VEX|EVEX|XOP)_/;

const NAMES = new Map(
  Object.entries(Code).flatMap(([name, code]) => typeof code === "number" ? [[code, name] as const] : []),
);

for (const variant of VARIANT_NAMES) {
  Deno.test(`${variant}: what the architecture refuses, iced does too`, () => {
    const { mode, selectors } = variantNamed(variant), isa = x86IsaOf(variantNamed(variant));
    const wrong: string[] = [];
    let invalid = 0, refused = 0;
    for (const bytes of [...opcodeSamples(mode), ...randomSamples(4000, 0x5eed + mode)]) {
      const ours = isa.decode(bytes, PC[mode]);
      if (!("undecodable" in ours)) continue;
      const decoder = new Decoder(mode, bytes, WITHOUT_BMI), theirs = decoder.decode();
      const name = NAMES.get(theirs.code) ?? "", isRefused = theirs.code === Code.INVALID;
      theirs.free();
      decoder.free();
      if (isRefused) refused++;
      if (!ours.invalid) continue;
      invalid++;
      const isException = MEANT.test(name) || (selectors !== "protected" && PROTECTED.test(name));
      if (!isRefused && !isException) wrong.push(`${ours.reason}: iced: ${name}`);
    }
    console.log(`${variant}: ${invalid} invalid; iced refuses ${refused} of what is not decoded`);
    assertEquals(wrong, []);
    assertEquals(invalid > 1000, true);
  });
}
