/** An exit table as text, in the columns of `perf kvm stat`, with the split by stage and the figures' origin. */
import { STAGES } from "../../emulator/exits/stages.ts";
import type { ExitTable, ExitTableBy, ExitTableRow } from "../../emulator/exits/tabulate.ts";
import { type Column, table } from "./table.ts";

/** How a table of exits is written. */
export interface ExitTableText {
  /** Columns of the terminal; if the table is wider, the stages get a table of their own. 100 if not given. */
  readonly width?: number;
  /** `cycles` if not given; `us` at the profile's frequency, which is often an assumption. */
  readonly unit?: "cycles" | "us";
}

const HEADS: Readonly<Record<ExitTableBy, string>> = {
  exit: "VM-EXIT",
  reason: "Reason",
  port: "IO Port Access",
  gpa: "MMIO Access",
  hypercall: "Hypercall",
  leaf: "CPUID Leaf",
  msr: "MSR",
  vector: "Vector",
  spr: "SPR",
  pc: "Guest PC",
};

const STAGE_HEADS: Readonly<Record<(typeof STAGES)[number], string>> = {
  worldSwitch: "World",
  dispatch: "Dispatch",
  decode: "Decode",
  userspace: "Userspace",
  device: "Device",
};

const STAGE_WORDS: Readonly<Record<(typeof STAGES)[number], string>> = {
  worldSwitch: "world switch",
  dispatch: "dispatch",
  decode: "decode",
  userspace: "userspace",
  device: "device",
};

/** The lines of an exit table, without colour and without a line end. */
export function exitTableLines(data: ExitTable, options: ExitTableText = {}): string[] {
  const { width = 100, unit = "cycles" } = options;
  if (data.total.samples === 0) {
    const what = data.exits === 0 ? "no exits" : `no exits of this kind among ${data.exits}`;
    return [what, ...data.notes];
  }
  const rows = [...data.rows, data.total];
  const right = true;
  const share = (part: number) => `${(part * 100).toFixed(2)}%`;
  // A column has decimals in all of its lines or in none, so that the points stand below each other.
  const cycles = (title: string, valueOf: (row: ExitTableRow) => number | null): Column<ExitTableRow> => {
    const digits = unit === "cycles" && rows.every((row) => Number.isInteger(valueOf(row) ?? 0)) ? 0 : 2;
    const scale = unit === "us" ? 1e6 / data.clock.hz : 1;
    const suffix = unit === "us" ? "us" : "";
    const text = (value: number | null) => value === null ? "?" : (value * scale).toFixed(digits) + suffix;
    return { title, right, value: (row) => text(valueOf(row)) };
  };
  const name: Column<ExitTableRow> = { title: HEADS[data.by], value: (row) => row.name };
  const main: Column<ExitTableRow>[] = [
    { title: "Samples", right, value: (row) => row.samples },
    { title: "Samples%", right, value: (row) => share(row.samplesShare) },
    { title: "Time%", right, value: (row) => share(row.timeShare) },
    cycles("Min", (row) => row.min),
    cycles("Max", (row) => row.max),
    cycles("Avg", (row) => row.average),
  ];
  if (data.total.accesses !== data.total.samples) {
    main.push({ title: "Accesses", right, value: (row) => row.accesses });
  }
  main.push({ title: "Returns", right, value: (row) => row.returns });
  const stages = STAGES.map((stage) => cycles(STAGE_HEADS[stage], (row) => row.averageStages[stage]));

  const whole = table([name, ...main, ...stages], rows);
  const fits = Math.max(...whole.map((line) => line.length)) <= width;
  const body = fits ? whole : [...table([name, ...main], rows), "", ...table([name, ...stages], rows)];
  return [...body, "", ...exitTableNotes(data, options)];
}

/** Breaks a line between words where it is wider than `width`; what follows is indented. */
function wrap(line: string, width: number): string[] {
  const lines: string[] = [];
  let open = "";
  for (const word of line.split(" ")) {
    if (open !== "" && open.length + 1 + word.length > width) {
      lines.push(open);
      open = `  ${word}`;
    } else {
      open = open === "" ? word : `${open} ${word}`;
    }
  }
  return [...lines, open];
}

/** What stands under a table: the total, the unit, the profile and where its figures are from. */
export function exitTableNotes(data: ExitTable, options: ExitTableText = {}): string[] {
  const { width = 100, unit = "cycles" } = options;
  const { total, profile, clock } = data;
  const others = data.notShown > 0 && data.by !== "pc" ? ` of ${data.exits}` : "";
  const time = unit === "us" ? `, at ${clock.hz / 1e6} MHz (${clock.provenance})` : "";
  const origins = Object.entries(data.provenance).map(([stage, kinds]) =>
    `${STAGE_WORDS[stage as keyof typeof STAGE_WORDS]} ${kinds.join(" and ")}`
  );
  if (total.cycles.device > 0) origins.push("device as the devices charge");
  return [
    `${total.samples}${others} exit${
      total.samples === 1 && others === "" ? "" : "s"
    }, ${total.cycles.total} cycles; stages and Avg are means of one exit in ${unit}${time}`,
    `profile ${profile.name}: ${profile.title}`,
    `source: ${profile.source}`,
    `figures: ${origins.length === 0 ? "none that cost anything" : origins.join("; ")}`,
    ...data.notes,
  ].flatMap((line) => wrap(line, width));
}

/** The table as JSON text, indented, with the keys in a fixed order. */
export function exitTableJson(data: ExitTable): string {
  return JSON.stringify(data, null, 2);
}
