/** The disassembler against Capstone's, on words that both take for instructions. */
import { assert, assertEquals } from "@std/assert";
import MCapstone, { type CapstoneModule } from "capstone";
import { ppcIsa } from "../../../emulator/ppc/isa.ts";
import { DEFINITIONS } from "../../../emulator/ppc/table.ts";
import { normalText } from "./normal_text.ts";
import { randomNumbers, randomWord } from "./random_words.ts";

const PC = 0x10_0000;

/** Words of each record, then words without a plan. */
function sample(count: number): number[] {
  const next = randomNumbers(0x7c63_2214);
  return Array.from({ length: count }, (_, index) => {
    const definition = DEFINITIONS[index % (DEFINITIONS.length + 20)];
    return definition ? randomWord(definition, next) : next();
  });
}

/** Where both are right and only one simplifies, or simplifies further: ours, then theirs, without suffixes. */
const OTHER_SPELLING: readonly (readonly [RegExp, RegExp])[] = [
  // Simplified here as binutils does.
  [/^not$/, /^nor$/],
  [/^mr$/, /^or$/],
  [/^mtcr$/, /^mtcrf$/],
  [/^[st][lr][wd]i$|^rotlwi$|^clrlwi$|^clrldi$/, /^rlwinm$|^rldicl$|^rldicr$|^slwi$/],
  [/^t[wd]l?[gl]ei?$|^t[wd]nei?$/, /^t[wd]i?$/],
  [/^cr(not|move|set|clr)$/, /^cr(nor|or|eqv|xor)$/],
  // A branch whose BH, or whose bits without meaning, a mnemonic would lose.
  [/^bc(lr|ctr)?l?a?$/, /^b/],
  [/^m[ft]spr$/, /^m[ft]/],
  [/^m[ft]/, /^m[ft]spr$/],
];

function isOtherSpelling(ours: string, theirs: string): boolean {
  // Capstone's string instructions have r0 for no base.
  if (
    /^(lswi|stswi) /.test(ours) &&
    normalText(ours, "drop") === normalText(theirs.replace(", r0,", ", 0,"), "drop")
  ) {
    return true;
  }
  // Capstone prints no target where the displacement is 0.
  if (normalText(ours, "drop").replace(/[ ,](0|1048576)$/, "") === normalText(theirs, "drop")) return true;
  const plain = (text: string) => text.split(" ")[0].replace(/[.+-]+$/, "");
  return OTHER_SPELLING.some(([mine, other]) => mine.test(plain(ours)) && other.test(plain(theirs)));
}

/** Capstone extends the sign of a 32-bit guest's target to 64 bits. */
function wrapped(text: string, mode: 32 | 64): string {
  return mode === 32 ? text.replace(/0xffffffff([0-9a-f]{8})$/, "0x$1") : text;
}

function bytesOf(word: number): Uint8Array {
  return Uint8Array.of(word >>> 24, word >>> 16, word >>> 8, word);
}

function compare(capstone: CapstoneModule, mode: 32 | 64, words: readonly number[]) {
  const disassembler = new capstone.Capstone(
    capstone.ARCH_PPC,
    capstone[`MODE_${mode}`] | capstone.MODE_BIG_ENDIAN,
  );
  const read = (word: number) => {
    try {
      const [{ mnemonic, op_str }] = disassembler.disasm(bytesOf(word), PC, 1);
      return wrapped(`${mnemonic} ${op_str}`, mode);
    } catch {
      return undefined;
    }
  };
  const wrong: string[] = [], count = { equal: 0, spelling: 0, onlyOurs: 0, onlyTheirs: 0, neither: 0 };
  for (const word of words) {
    const ours = ppcIsa(mode).disassemble(bytesOf(word), BigInt(PC))?.text, theirs = read(word);
    if (!ours || !theirs) {
      count[ours ? "onlyOurs" : theirs ? "onlyTheirs" : "neither"]++;
      continue;
    }
    if (normalText(ours, "drop") === normalText(theirs, "drop")) count.equal++;
    else if (isOtherSpelling(ours, theirs)) count.spelling++;
    else wrong.push(`${word.toString(16).padStart(8, "0")}: ${ours} | ${theirs}`);
  }
  disassembler.close();
  return { wrong, count };
}

Deno.test("disassemble() agrees with Capstone", async () => {
  const capstone = await MCapstone();
  for (const mode of [32, 64] as const) {
    const { wrong, count } = compare(capstone, mode, sample(30000));
    console.log(`mode ${mode}:`, JSON.stringify(count), "different:", wrong.length);
    assertEquals(wrong, []);
    assert(count.equal > 3000, "the sample has to reach most records");
  }
});

/** What Capstone knows of other processors: the Embedded category's, and what only 32-bit ones have. */
const OTHER_PROCESSORS = new Set([
  ...["rfmci", "rfdi", "rfci", "rfi", "wrtee", "wrteei", "mfdcr", "mtdcr", "mfpmr", "mtpmr"],
  ...["lwepx", "lbepx", "lhepx", "lfdepx", "stwepx", "stbepx", "sthepx", "stfdepx", "icbiep", "dcbzep"],
  ...["dcbstep", "dcbfep", "dcbtstep", "dcbtep", "icblq.", "icblc", "icbtls", "dccci", "iccci"],
  ...["tlbivax", "tlbsx", "tlbsx.", "tlbre", "tlbrelo", "tlbrehi", "tlbwe", "tlbwelo", "tlbwehi"],
  ...["tlbld", "tlbli"],
]);

Deno.test("no instruction of POWER7 to 9 that Capstone knows is taken for an illegal one", async () => {
  const capstone = await MCapstone();
  const disassembler = new capstone.Capstone(
    capstone.ARCH_PPC,
    capstone.MODE_64 | capstone.MODE_BIG_ENDIAN,
  );
  const isa = ppcIsa(64), wrong = new Set<string>();
  let illegal = 0;
  for (let primary = 0; primary < 64; primary++) {
    for (let low = 0; low < 2048; low++) {
      for (const registers of [0, 0x0060_0000, 0x0064_2800]) {
        const bytes = bytesOf((primary << 26 | registers | low) >>> 0), decoded = isa.decode(bytes, 0n);
        if (!("undecodable" in decoded && decoded.invalid)) continue;
        illegal++;
        try {
          const [{ mnemonic }] = disassembler.disasm(bytes, 0, 1);
          if (!OTHER_PROCESSORS.has(mnemonic)) wrong.add(mnemonic);
        } catch {
          // Capstone knows it neither.
        }
      }
    }
  }
  disassembler.close();
  assertEquals([...wrong], []);
  assert(illegal > 20_000, `${illegal} words`);
});
