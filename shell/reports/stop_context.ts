/** The few lines after a stop: why, where, what is next, what changed, what it cost. */
import type { StopData } from "../commands/support/stop.ts";
import type { Style } from "../style.ts";
import { exitName, provenanceLine, stageSum } from "./cost_lines.ts";
import { hex } from "./hexdump.ts";
import { listing } from "./listing.ts";

/** Changed registers that are shown by name; `regs` shows all. */
const CHANGED = 6;

export function stopContext(data: StopData, style: Style): string[] {
  const { stop, vcpus, symbol, code, changed, last, cost } = data;
  const on = vcpus > 1 ? ` on vCPU ${stop.vcpu}` : "";
  const where = `${hex(stop.pc)}${symbol === undefined ? "" : ` <${symbol}>`}${on}`;
  const lines = [`${style.paint("bold", stop.reason)} at ${where}: ${stop.message}`];
  if (code !== undefined) lines.push(...listing([{ ...code, labels: [] }], { pc: code.address }));
  if (changed.length > 0) {
    const shown = changed.slice(0, CHANGED).map((row) => `${row.name}=${hex(row.value)}`).join(" ");
    const more = changed.length - CHANGED;
    lines.push(`changed: ${shown}${more > 0 ? ` and ${more} more (regs)` : ""}`);
  }
  lines.push(
    `${count(cost.instructions, "instruction")} (${count(cost.guestCycles, "cycle")}), ` +
      `${count(cost.exits, "exit")} (${count(cost.cycles.total, "cycle")})`,
  );
  if (last !== undefined) {
    const name = exitName({ ...last, native: last.native.name, code: last.native.code });
    lines.push(`last exit: ${name}: ${last.cycles.total} cycles = ${stageSum(last.cycles)}`);
  }
  lines.push(style.paint("dim", provenanceLine(cost)));
  if (data.hint !== undefined) lines.push(data.hint);
  return lines;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
