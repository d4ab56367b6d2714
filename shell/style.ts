/** How text for people looks: colour or none, and how wide. */
import { styleText } from "node:util";

/** Colours and weights as `node:util`'s `styleText` names them, e.g. `"bold"`, or several. */
export type TextFormat = Parameters<typeof styleText>[0];

/** How text looks. */
export interface Style {
  /** False where no escape sequence may be written. */
  readonly color: boolean;
  /** Columns of the terminal; 100 where there is none. */
  readonly width: number;
  /** What tables draw bars with; undefined where there is no terminal: what is piped is read by programs. */
  readonly bars?: "blocks" | "ascii";
  /** `text` in a colour or weight, or as it is without colour. */
  paint(format: TextFormat, text: string): string;
}

export function createStyle(color: boolean, width = 100, bars?: Style["bars"]): Style {
  return {
    color,
    width,
    ...(bars !== undefined && { bars }),
    paint: (format, text) => color ? styleText(format, text, { validateStream: false }) : text,
  };
}

/** Text as it is: for files, pipes and tests. */
export const plain: Style = createStyle(false);

/**
 * True if output to a terminal may be coloured: not where `NO_COLOR` is set (to anything but nothing,
 * as no-color.org has it), nor on a `dumb` terminal.
 */
export function mayColor(isTerminal: boolean, env: (name: string) => string | undefined): boolean {
  return isTerminal && !env("NO_COLOR") && env("TERM") !== "dumb";
}

/** What a terminal of this kind draws bars with: ASCII on a `dumb` one. */
export function barsOf(isTerminal: boolean, env: (name: string) => string | undefined): Style["bars"] {
  return !isTerminal ? undefined : env("TERM") === "dumb" ? "ascii" : "blocks";
}
