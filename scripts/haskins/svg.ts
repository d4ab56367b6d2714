/** The verdict as one picture that needs no text beside it. */
import { box, label } from "../support/svg.ts";
import { wrap } from "../support/text.ts";
import { STAGES } from "./hosts.ts";
import type { Cell, Finding, Verdict } from "./verdict.ts";

const COLOURS: Readonly<Record<(typeof STAGES)[number] | "guest", readonly [string, string]>> = {
  worldSwitch: ["#4c78a8", "world switch"],
  dispatch: ["#72b7b2", "dispatch"],
  decode: ["#e45756", "fault, fetch, decode"],
  userspace: ["#f2b134", "userspace round trip"],
  device: ["#9d755d", "device"],
  guest: ["#bab0ac", "guest's instructions"],
};
const PILLS: Readonly<Record<Finding["verdict"], string>> = {
  "holds": "#2e7d32",
  "in part": "#b26a00",
  "does not hold": "#b71c1c",
};

const BAR = 15, GROUP = 26;

/** Bars of one architecture: one panel, one scale, since profiles of two are not to be compared. */
function panel(
  x: number,
  y: number,
  title: string,
  cells: readonly Cell[],
): { parts: string[]; bottom: number } {
  const left = x + 150, width = 350, parts: string[] = [label(x, y, title, { size: 15, weight: "bold" })];
  const most = Math.max(...cells.map(({ cycles }) => cycles));
  const step = 10 ** Math.floor(Math.log10(most)) / (most / 10 ** Math.floor(Math.log10(most)) < 4 ? 2 : 1);
  const scale = width / (Math.ceil(most / step) * step), top = y + 14;
  let at = top, host = "";
  const bars: string[] = [];
  for (const cell of cells) {
    if (cell.host !== host) {
      host = cell.host;
      bars.push(label(x, at + 18, host, { size: 12, weight: "bold" }));
      at += GROUP;
    }
    const name = `${cell.label.startsWith(cell.via) ? cell.via : `${cell.via} (is MMIO)`}, ${cell.handledIn}`;
    bars.push(label(left - 6, at + 11, name, { size: 11, anchor: "end" }));
    let from = left;
    for (
      const [stage, cycles] of [
        ...STAGES.map((one) => [one, cell.stages[one]] as const),
        ["guest", cell.guest] as const,
      ]
    ) {
      if (cycles === 0) continue;
      bars.push(
        box(
          +from.toFixed(1),
          at + 1,
          cycles * scale,
          BAR - 3,
          COLOURS[stage][0],
          `${COLOURS[stage][1]}: ${cycles}`,
        ),
      );
      from += cycles * scale;
    }
    bars.push(label(+(from + 4).toFixed(1), at + 11, String(cell.cycles), { size: 10, fill: "#555" }));
    at += BAR;
  }
  for (let tick = 0; tick * scale <= width + 1; tick += step) {
    const to = +(left + tick * scale).toFixed(1);
    parts.push(`<line x1="${to}" y1="${top}" x2="${to}" y2="${at + 4}" stroke="#ddd"/>`);
    parts.push(label(to, at + 18, String(tick), { size: 10, anchor: "middle", fill: "#555" }));
  }
  parts.push(...bars, label(left + width / 2, at + 34, "cycles of one call", { size: 11, anchor: "middle" }));
  return { parts, bottom: at + 40 };
}

/** The verdict as a picture. */
export function asSvg({ cells, findings, provenance }: Verdict): string {
  const width = 1160, parts: string[] = [];
  parts.push(
    label(30, 40, "Hypercall, PIO or MMIO? The claims of May 2009, measured", { size: 22, weight: "bold" }),
  );
  parts.push(label(
    30,
    62,
    "One call of 64 bytes, answered with 8, by a descriptor in RAM; by what the guest asked for, and where the hypervisor completes it",
    { size: 13, fill: "#444" },
  ));
  let x = 30;
  for (const [colour, name] of Object.values(COLOURS)) {
    parts.push(box(x, 76, 12, 12, colour), label(x + 17, 86, name, { size: 12 }));
    x += 34 + 7 * name.length;
  }
  const of = (arch: string) => cells.filter(({ host }) => host.startsWith(arch));
  const one = panel(30, 116, "x86 (published and calibrated figures)", of("x86"));
  const other = panel(600, 116, "PowerPC (every figure assumed: compare shapes)", of("ppc"));
  parts.push(...one.parts, ...other.parts);
  let y = Math.max(one.bottom, other.bottom) + 30;
  parts.push(label(30, y, "What was claimed, and what came out", { size: 17, weight: "bold" }));
  y += 14;
  for (const { id, who, claim, verdict, measured } of findings) {
    const left = wrap(`${who}: ${claim}`, 44), right = wrap(measured, 100);
    const height = 15 * Math.max(left.length, right.length) + 9;
    parts.push(`<line x1="30" y1="${y}" x2="${width - 30}" y2="${y}" stroke="#ddd"/>`);
    parts.push(label(40, y + 17, id, { size: 13, weight: "bold", anchor: "middle" }));
    left.forEach((line, i) => parts.push(label(62, y + 17 + 15 * i, line, { size: 12 })));
    parts.push(`<rect x="360" y="${y + 5}" width="92" height="17" rx="8" fill="${PILLS[verdict]}"/>`);
    parts.push(label(406, y + 17, verdict, { size: 11, weight: "bold", anchor: "middle", fill: "#fff" }));
    right.forEach((line, i) => parts.push(label(470, y + 17 + 15 * i, line, { size: 12 })));
    y += height;
  }
  y += 22;
  for (const line of provenance.flatMap((text) => wrap(text, 185))) {
    parts.push(label(30, y, line, { size: 10, fill: "#555" }));
    y += 13;
  }
  const height = y + 12;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" role="img">
<title>Hypercall, PIO or MMIO? The claims of May 2009, measured</title>
<rect width="${width}" height="${height}" fill="#fff"/>
${parts.join("\n")}
</svg>
`;
}
