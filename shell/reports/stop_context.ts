/** The few lines after a stop: why, where, what is next, what changed, what it cost. */
import { displayLines } from "../commands/support/displays.ts";
import type { StackWord, StopData } from "../commands/support/stop.ts";
import type { Style } from "../style.ts";
import { exitName, provenanceLine, stageSum } from "./cost_lines.ts";
import { hex } from "./hexdump.ts";
import { listing } from "./listing.ts";

/** Changed registers that are shown by name; `regs` shows all. */
const CHANGED = 6;

export function stopContext(data: StopData, style: Style): string[] {
  const { stop, vcpus, symbol, code, changed, stack, returned } = data;
  const on = vcpus > 1 ? ` on vCPU ${stop.vcpu}` : "";
  const where = `${hex(stop.pc)}${symbol === undefined ? "" : ` <${symbol}>`}${on}`;
  const lines = [`${style.paint("bold", stop.reason)} at ${where}: ${stop.message}`];
  if (data.source !== undefined) {
    const { file, line, text } = data.source;
    lines.push(`${file.split("/").at(-1)}:${line}${text === undefined ? "" : `  ${text.trim()}`}`);
  }
  if (code !== undefined) {
    // Labels above the first one would repeat what the line before says.
    const shown = data.listing.map((line, i) => i === 0 ? { ...line, labels: [] } : line);
    lines.push(...listing(shown, { pc: code.address, breakpoints: new Set(data.breakpoints) }));
  }
  if (stack.length > 0) lines.push(...stackLines(stack));
  if (returned !== undefined) {
    const { name, value, width } = returned;
    lines.push(`returned: ${name} = ${hex(value)} (${BigInt.asIntN(width, value)})`);
  }
  if (changed.length > 0) {
    const shown = changed.slice(0, CHANGED).map((row) => `${style.paint("bold", row.name)}=${hex(row.value)}`)
      .join(
        " ",
      );
    const more = changed.length - CHANGED;
    lines.push(`changed: ${shown}${more > 0 ? ` and ${more} more (regs)` : ""}`);
  }
  if (data.back === undefined) lines.push(...spent(data, style));
  lines.push(...displayLines(data.displays));
  if (data.hint !== undefined) lines.push(data.hint);
  return lines;
}

/** What the guest has executed since the last stop, and what its last exit cost. */
function spent({ cost, last }: StopData, style: Style): string[] {
  const lines: string[] = [];
  lines.push(
    `${count(cost.instructions, "instruction")} (${count(cost.guestCycles, "cycle")}), ` +
      `${count(cost.exits, "exit")} (${count(cost.cycles.total, "cycle")})`,
  );
  if (last !== undefined) {
    const name = exitName({ ...last, native: last.native.name, code: last.native.code });
    lines.push(`last exit: ${name}: ${last.cycles.total} cycles = ${stageSum(last.cycles)}`);
  }
  lines.push(style.paint("dim", provenanceLine(cost)));
  return lines;
}

/** A word to a line, with the name that it is an address of. */
function stackLines(stack: readonly StackWord[]): string[] {
  const digits = Math.max(...stack.map(({ value }) => value.toString(16).length));
  return stack.map(({ address, value, symbol }, i) =>
    `${i === 0 ? "sp" : "  "} ${hex(address, 8)}  ${hex(value, digits)}${
      symbol === undefined ? "" : `  <${symbol}>`
    }`
  );
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
