/** A program's basic blocks in another order, joined by jumps where one no longer falls into the next. */
import type { Random } from "../../support/random.ts";

/** What block order has to know of an instruction set. */
export interface BranchSyntax {
  /** A jump to a label. */
  readonly jump: string;
  /** Mnemonics after which nothing falls through. */
  readonly ends: ReadonlySet<string>;
  /** Conditional branches to a label, each with its opposite. */
  readonly opposites: Readonly<Record<string, string>>;
}

interface Block {
  /** By which others reach it. */
  readonly label: string;
  readonly lines: readonly string[];
  /** The block that it falls into. */
  next?: string;
}

const LABEL = /^(\w+):\s*(.*)$/;

/** Lines without labels before instructions, blanks or comments; a label by itself is a line. */
function tidyLines(source: string): string[] {
  return source.split("\n").map((line) => line.trim()).filter((line) => line !== "").flatMap((line) => {
    const match = LABEL.exec(line);
    return match === null ? [line] : [`${match[1]}:`, ...match[2] === "" ? [] : [match[2]]];
  });
}

const mnemonicOf = (line: string) => line.split(/\s+/)[0];

/** Ends a block: nothing falls through, or a branch to a label may be taken. */
function isLast(line: string, { ends, opposites }: BranchSyntax): boolean {
  return ends.has(mnemonicOf(line)) || mnemonicOf(line) in opposites;
}

const isLabel = (line: string) => line.endsWith(":");

/** Directives, with or without labels: no instructions. */
function isData(lines: readonly string[]): boolean {
  return lines.some((line) => line.startsWith(".")) &&
    lines.every((line) => line.startsWith(".") || isLabel(line));
}

/** Blocks in their order; a label starts one unless only directives, which it may need, stand before it. */
function blocksOf(source: string, syntax: BranchSyntax): Block[] {
  const bodies: string[][] = [[]];
  for (const line of tidyLines(source)) {
    const open = bodies[bodies.length - 1];
    const isOnlyDirectives = isData(open) && !open.some(isLabel);
    const starts = isLabel(line) && !open.every(isLabel) && !isOnlyDirectives;
    if (starts || open.length > 0 && isLast(open[open.length - 1], syntax)) bodies.push([line]);
    else open.push(line);
  }
  const blocks = bodies.filter((lines) => lines.length > 0).map((lines, i): Block => ({
    label: `block${i}`,
    lines: [`block${i}:`, ...lines],
  }));
  blocks.forEach((block, i) => {
    const last = block.lines[block.lines.length - 1];
    if (syntax.ends.has(mnemonicOf(last)) || isData(block.lines)) return;
    block.next = blocks[i + 1]?.label ?? "end";
  });
  return blocks;
}

/** Every label of a block, the added one among them. */
const labelsOf = ({ lines }: Block) => lines.filter(isLabel).map((line) => line.slice(0, -1));

/** The block's lines where `after` follows it: a branch turned round, or a jump added, if that is not what it falls into. */
function joined(block: Block, after: Block | undefined, { jump, opposites }: BranchSyntax): string[] {
  const { lines, next } = block;
  const follows = after === undefined ? ["end"] : labelsOf(after);
  if (next === undefined || follows.includes(next)) return [...lines];
  const last = lines[lines.length - 1], opposite = opposites[mnemonicOf(last)];
  const target = last.split(/[\s,]+/).pop()!;
  if (opposite !== undefined && follows.includes(target)) {
    return [
      ...lines.slice(0, -1),
      `${opposite} ${last.slice(mnemonicOf(last).length).replace(target, next).trim()}`,
    ];
  }
  return [...lines, `${jump} ${next}`];
}

/** The first block stays first: a program runs from its first instruction. It ends at the label `end`, after it. */
export function shuffleBlocks(source: string, random: Random, syntax: BranchSyntax): string {
  const [first, ...rest] = blocksOf(source, syntax);
  for (let i = rest.length - 1; i > 0; i--) {
    const other = random.below(i + 1);
    [rest[i], rest[other]] = [rest[other], rest[i]];
  }
  const order = [first, ...rest];
  return order.flatMap((block, i) => joined(block, order[i + 1], syntax)).join("\n");
}
