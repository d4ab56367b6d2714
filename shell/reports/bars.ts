/** Bars out of characters: eighths of a block where a terminal has them, ASCII on a dumb one. */
import { type Stage, type StageCycles, STAGES } from "../../emulator/exits/stages.ts";

/** What bars are drawn with. */
export type Glyphs = "blocks" | "ascii";

/** U+258F to U+2588: one to eight eighths of a cell from the left. */
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];
/** U+2581 to U+2588: one to eight eighths of a cell from the bottom. */
const LEVELS = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const ASCII_LEVELS = [" ", ".", ".", ":", ":", "-", "=", "+", "#"];

const clamp = (share: number) => Number.isFinite(share) ? Math.min(1, Math.max(0, share)) : 0;

/** A share, 0 to 1, as a bar of at most `width` columns. What is more than nothing shows at least its thinnest line. */
export function bar(share: number, width: number, glyphs: Glyphs = "blocks"): string {
  const part = clamp(share);
  if (glyphs === "ascii") return "#".repeat(Math.max(part > 0 ? 1 : 0, Math.round(part * width)));
  const eighths = Math.max(part > 0 ? 1 : 0, Math.round(part * width * 8));
  return EIGHTHS[8].repeat(Math.trunc(eighths / 8)) + EIGHTHS[eighths % 8];
}

/** Shares, 0 to 1, as a strip of columns one character high. */
export function strip(shares: readonly number[], glyphs: Glyphs = "blocks"): string {
  const levels = glyphs === "ascii" ? ASCII_LEVELS : LEVELS;
  return shares.map((share) => {
    const part = clamp(share);
    return levels[Math.max(part > 0 ? 1 : 0, Math.round(part * 8))];
  }).join("");
}

const STAGE_GLYPHS: Readonly<Record<Stage, { readonly blocks: string; readonly ascii: string }>> = {
  worldSwitch: { blocks: "█", ascii: "w" },
  dispatch: { blocks: "▓", ascii: "s" },
  decode: { blocks: "▒", ascii: "c" },
  userspace: { blocks: "░", ascii: "u" },
  device: { blocks: "■", ascii: "d" },
};

/** What `stageBar` draws a stage with. */
export function stageGlyph(stage: Stage, glyphs: Glyphs = "blocks"): string {
  return STAGE_GLYPHS[stage][glyphs];
}

/** Cycles by stage as one bar: `most` cycles are `width` columns. Ends of stages are rounded, never their lengths. */
export function stageBar(
  cycles: StageCycles,
  most: number,
  width: number,
  glyphs: Glyphs = "blocks",
): string {
  if (most <= 0) return "";
  let sum = 0, drawn = 0, text = "";
  for (const stage of STAGES) {
    sum += cycles[stage];
    const end = Math.round(clamp(sum / most) * width);
    text += STAGE_GLYPHS[stage][glyphs].repeat(Math.max(0, end - drawn));
    drawn = Math.max(drawn, end);
  }
  return text;
}
