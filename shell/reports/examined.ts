/** What `x` found, as text. */
import type { ExamineData } from "../commands/support/examine_memory.ts";
import { showUnit, unitsPerLine } from "../commands/support/examine_format.ts";
import { hex } from "./hexdump.ts";
import { listing } from "./listing.ts";

export function printExamined(data: ExamineData): string {
  switch (data.kind) {
    case "code":
      return listing(data.lines, { pc: data.pc }).join("\n");
    case "strings":
      return data.strings.map(({ address, text }) => `${hex(address, 8)}:  ${JSON.stringify(text)}`).join(
        "\n",
      );
    case "units": {
      const perLine = data.format.letter === "a" ? 1 : unitsPerLine(data.format);
      const lines: string[] = [];
      for (let i = 0; i < data.units.length; i += perLine) {
        const units = data.units.slice(i, i + perLine);
        const texts = units.map(({ value, symbol }) =>
          showUnit(value, data.format) + (symbol === undefined ? "" : ` <${symbol}>`)
        );
        lines.push(`${hex(units[0].address, 8)}:  ${texts.join("  ")}`.trimEnd());
      }
      return lines.join("\n");
    }
  }
}
