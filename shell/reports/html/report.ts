/**
 * A run as one HTML file: no server, no network, nothing that it loads. Its own content security policy forbids every
 * script and style but the two in it, so that even text that escaped its escaping could not run.
 */
import { createHash } from "node:crypto";
import type { LedgerView } from "../../../emulator/exits/ledger_view.ts";
import type { CostProfile, Figure } from "../../../emulator/exits/profile.ts";
import { provenanceText, usedFigures } from "../../../emulator/exits/provenance.ts";
import { type ExitTable, type ExitTableBy, tabulateExits } from "../../../emulator/exits/tabulate.ts";
import { tabulateTimeline } from "../../../emulator/exits/timeline.ts";
import { STAGE_NAMES } from "../../commands/support/measure.ts";
import type { Vm } from "../../machine_types.ts";
import { deviceNames } from "../device_names.ts";
import { exitTableNotes, originText } from "../exit_table.ts";
import { escapeText } from "../markup.ts";
import { grouped, percent, sizeText, timeText } from "../numbers.ts";
import { profileData, type PublishedFigure } from "../profile_table.ts";
import { type RunFacts, runFacts } from "../run_facts.ts";
import { type Drawing, stageBars } from "../svg/stage_bars.ts";
import { PLOT_BUCKETS } from "../svg/picture.ts";
import { themeCss } from "../svg/theme.ts";
import { timelinePlot } from "../svg/timeline_plot.ts";
import { timelineNotes } from "../timeline_lines.ts";
import { ledgerData, scriptJson } from "./ledger_data.ts";
import script from "./ledger.js" with { type: "text" };
import pageCss from "./page.css" with { type: "text" };
import { exitHtmlTable, factList, htmlTable, provenanceBadge } from "./tables.ts";

/** What a report is called and what it is of. */
export interface ReportOptions {
  /** Its heading; `Exits of a guest` if not given. */
  readonly title?: string;
  /** The exits priced again, by `vm.exits.reprice(profile)`; the exits as they were charged if not given. */
  readonly ledger?: LedgerView;
}

/** Tables by key, in their order in the report. */
const KEYS: readonly (readonly [ExitTableBy, string])[] = [
  ["port", "By port"],
  ["gpa", "By guest-physical address"],
  ["hypercall", "By hypercall"],
  ["leaf", "By CPUID leaf"],
  ["msr", "By MSR"],
  ["spr", "By special-purpose register"],
  ["vector", "By vector"],
  ["pc", "By place in the guest"],
];

/** The report of a machine's run so far. Equal runs under the same versions give equal bytes. */
export function reportHtml(vm: Vm, options: ReportOptions = {}): string {
  const { ledger = vm.exits, title = "Exits of a guest" } = options;
  const facts = runFacts(vm, ledger);
  const table = tabulateExits(ledger);
  const parts = [
    header(title, facts, table),
    machineSection(facts),
    exitSection(table),
    timelineSection(ledger),
    keySection(vm, ledger),
    ledgerSection(ledger, facts),
    profileSection(ledger),
    footer(facts),
  ];
  const style = `${themeCss()}\n${pageCss}`;
  const policy = `default-src 'none'; style-src '${hashOf(style)}'; script-src '${hashOf(script)}'; ` +
    "base-uri 'none'; form-action 'none'";
  const name = `${title}: ${facts.machine.arch} on ${facts.machine.backend}, run ${facts.hash.slice(0, 8)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeText(policy).replaceAll("&#39;", "'")}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="trapsh ${escapeText(facts.versions.trapsh)}">
<title>${escapeText(name)}</title>
<style>${style}</style>
</head>
<body>
<main>
${parts.join("\n")}
</main>
<script type="application/json" id="ledger-data">${scriptJson(ledgerData(ledger))}</script>
<script>${script}</script>
</body>
</html>
`;
}

const hashOf = (text: string) => `sha256-${createHash("sha256").update(text).digest("base64")}`;

function header(title: string, facts: RunFacts, table: ExitTable): string {
  const { machine, exits, clock, profile, chargedUnder } = facts;
  const spent = facts.vcpus.reduce((sum, { cycles, idleCycles }) => sum + cycles - idleCycles, 0);
  const instructions = facts.vcpus.reduce((sum, vcpu) => sum + vcpu.instructions, 0);
  const tile = (value: string, what: string) =>
    `<div class="tile"><b>${escapeText(value)}</b><span>${escapeText(what)}</span></div>`;
  // Clocks stand still under another profile: what share of them its exits are cannot be told.
  const share = chargedUnder === null && spent > 0 && exits.cycles <= spent
    ? tile(percent(exits.cycles / spent), "of the vCPUs' time since start is in these exits")
    : "";
  const again = chargedUnder === null
    ? ""
    : `<p class="warning">Priced again: these exits were charged under profile ${
      escapeText(chargedUnder)
    } when the guest ran.</p>`;
  const words = `${machine.arch} ${machine.mode}-bit on ${machine.backend} (${machine.backendTitle}) as ` +
    `${machine.hypervisor}, profile ${profile.name}`;
  return `<header>
<h1>${escapeText(title)}</h1>
<p class="lead">${escapeText(words)}</p>
<p class="lead">run <code id="run-hash">${facts.hash}</code></p>
${again}
<div class="tiles">
${tile(grouped(exits.count), exits.count === 1 ? "exit" : "exits")}
${tile(grouped(exits.cycles), "cycles charged for them")}
${tile(timeText(exits.cycles, clock.hz), `at ${clock.hz / 1e6} MHz (${clock.provenance})`)}
${tile(grouped(instructions), "guest instructions")}
${share}
</div>
<p class="note">Cycles by profile ${escapeText(profile.name)}: ${
    escapeText(originText(table.provenance, table.total.cycles.device > 0))
  }. <a href="#figures">Where each figure is from</a></p>
<nav><a href="#machine">Machine</a><a href="#exits">Exits</a><a href="#timeline">Timeline</a><a href="#keys">Keys</a><a href="#ledger-title">Ledger</a><a href="#figures">Figures</a></nav>
</header>`;
}

function section(id: string, title: string, content: string): string {
  return `<section><h2 id="${id}">${escapeText(title)}</h2>\n${content}\n</section>`;
}

function note(lines: readonly string[]): string {
  return `<p class="note">${lines.map((line) => escapeText(line)).join("<br>\n")}</p>`;
}

function machineSection(facts: RunFacts): string {
  const { machine, vcpus, profile, clock, versions, exits } = facts;
  const flag = (on: boolean) => on ? "yes" : "no";
  const left = factList([
    ["guest", `${machine.arch}, ${machine.mode}-bit, ${machine.order === "le" ? "little" : "big"}-endian`],
    ["backend", `${machine.backend}: ${machine.backendTitle}`],
    ["hypervisor", machine.hypervisor],
    ...(machine.wrongHypercall === null
      ? []
      : [["wrong hypercall", machine.wrongHypercall] as [string, string]]),
    ["RAM", sizeText(machine.ram)],
    ["vCPUs", machine.turn === null ? machine.vcpus : `${machine.vcpus}, turns of ${machine.turn}`],
    ["interrupts", flag(machine.interrupts)],
    ...(machine.hostTick === null
      ? []
      : [["host tick", `${grouped(machine.hostTick)} cycles`] as [string, string]]),
    ["unclaimed", machine.unclaimed === "ones" ? "reads as all ones" : "stops the run"],
  ]);
  const right = factList([
    ["profile", `${profile.name}: ${profile.title}`],
    ["source", profile.source],
    ["clock", `${grouped(clock.hz)} cycles a second (${clock.provenance})`],
    ["recorded rows", `${grouped(exits.rows)} of ${grouped(exits.count)}`],
    ["trapsh", versions.trapsh],
    ["Deno", versions.deno],
  ]);
  const clocks = htmlTable([
    { title: "vCPU", value: ({ index }) => String(index) },
    { title: "Instructions", value: ({ instructions }) => instructions, right: true },
    { title: "Cycles", value: ({ cycles }) => cycles, right: true },
    { title: "of them waiting", value: ({ idleCycles }) => idleCycles, right: true },
  ], vcpus);
  const devices = machine.devices.length === 0 ? "" : `<div><h3>Devices</h3>${
    htmlTable([
      { title: "Name", value: ({ name }) => name, style: "name" },
      { title: "Handle", value: ({ handle }) => String(handle), right: true },
      { title: "Port", value: ({ port }) => port === null ? "" : hex(port), right: true, style: "mono" },
      { title: "Address", value: ({ gpa }) => hex(gpa), right: true, style: "mono" },
      { title: "Bytes", value: ({ size }) => size, right: true },
    ], machine.devices)
  }</div>`;
  const earlier = facts.earlier.length === 0
    ? ""
    : `<p class="warning">Before these exits the machine made others, which are not in this report: ${
      facts.earlier.map((one) =>
        escapeText(
          `${grouped(one.exits)} exits, ${
            grouped(one.cycles)
          } cycles on ${one.backend} as ${one.hypervisor} under ` +
            one.profile,
        )
      ).join("; ")
    }.</p>`;
  return section(
    "machine",
    "Machine",
    `<div class="columns">${left}${right}</div>${earlier}\n` +
      `<div class="columns"><div><h3>Clocks</h3>${clocks}</div>${devices}</div>`,
  );
}

const hex = (value: number) => `0x${value.toString(16)}`;

function figure(drawing: Drawing, width: number, caption: string): string {
  return `<figure><svg class="plot" viewBox="0 0 ${width} ${drawing.height}" role="img" aria-label="${
    escapeText(caption)
  }">${drawing.markup}</svg></figure>`;
}

const HALF = 580, WHOLE = 1190;

function exitSection(table: ExitTable): string {
  if (table.exits === 0) return section("exits", "Exits", `<p>No exits.</p>`);
  const mean = figure(stageBars(table, { of: "mean", width: HALF }), HALF, "Cycles of one exit by stage");
  const sum = figure(stageBars(table, { of: "sum", width: HALF }), HALF, "Cycles of all exits by stage");
  return section(
    "exits",
    "Exits",
    `<div class="columns"><div><h3>What one costs</h3>${mean}</div><div><h3>What all cost</h3>${sum}</div></div>\n` +
      `<h3>By exit reason</h3>${exitHtmlTable(table)}${
        note(exitTableNotes(table, { width: Infinity, mean: "Mean" }))
      }`,
  );
}

function timelineSection(ledger: LedgerView): string {
  const data = tabulateTimeline(ledger, { buckets: PLOT_BUCKETS });
  const plot = figure(timelinePlot(data, WHOLE), WHOLE, "Exits over virtual time");
  return section("timeline", "Timeline", `${plot}${note(timelineNotes(data))}`);
}

function keySection(vm: Vm, ledger: LedgerView): string {
  const nameOf = deviceNames(vm);
  const tables = KEYS.flatMap(([by, title]) => {
    const data = tabulateExits(ledger, { by, nameOf });
    if (data.rows.length === 0) return [];
    const covers = data.notShown > 0
      ? [`${grouped(data.total.samples)} of ${grouped(data.exits)} exits`]
      : [];
    const figures = `figures: ${originText(data.provenance, data.total.cycles.device > 0)}`;
    return [
      `<h3>${escapeText(title)}</h3>${exitHtmlTable(data)}${note([...covers, figures, ...data.notes])}`,
    ];
  });
  const text = tables.length > 0 ? tables.join("\n") : "<p>No exit has a key, and none has a row.</p>";
  return section("keys", "Keys and places", text);
}

/** As `ledger.js` knows them, with the pixels that they need; where there are more, each gets its share. */
const LEDGER_COLUMNS: readonly (readonly [name: string, title: string, width: number, right: boolean])[] = [
  ["seq", "seq", 70, true],
  ["at", "at cycle", 114, true],
  ["us", "us", 76, true],
  ["vcpu", "cpu", 36, true],
  ["pc", "pc", 140, false],
  ["exit", "exit", 114, false],
  ["key", "key", 158, false],
  ["way", "way", 40, false],
  ["size", "size", 44, true],
  ["place", "by", 78, false],
  ["accesses", "acc", 42, true],
  ["switch", "switch", 58, true],
  ["dispatch", "disp", 50, true],
  ["decode", "dec", 50, true],
  ["userspace", "user", 56, true],
  ["device", "dev", 56, true],
  ["total", "total", 64, true],
];

function ledgerSection(ledger: LedgerView, { exits }: RunFacts): string {
  const missing = exits.count - exits.rows;
  const dropped = exits.droppedRows > 0 ? ` (${grouped(exits.droppedRows)} had to make room)` : "";
  const heads = LEDGER_COLUMNS.map(([name, title, , right]) =>
    `<th scope="col" data-column="${name}"${
      right ? ' class="right"' : ""
    }><button type="button">${title}</button></th>`
  ).join("");
  const all = LEDGER_COLUMNS.reduce((sum, [, , width]) => sum + width, 0);
  // Widths as attributes: the policy allows no style attributes.
  const widths = LEDGER_COLUMNS.map(([, , width]) => `<col width="${(100 * width / all).toFixed(2)}%">`).join(
    "",
  );
  const head =
    `<p class="note">Each recorded exit, oldest first. Words are searched in pc, symbol, exit, reason, key, way and
where it was handled (by); all have to be found. in and out are ways, #17 is row 17. A head sorts, again the other way. Cycles by profile ${
      escapeText(ledger.profile.name)
    }.</p>`;
  const rest = missing > 0
    ? `<p class="note">${grouped(missing)} of ${
      grouped(exits.count)
    } exits have no row${dropped}: rows are kept while recording is on, the last ones.</p>`
    : "";
  return section(
    "ledger-title",
    "Ledger",
    `${head}${rest}
<div class="finder"><input id="ledger-search" type="search" placeholder="search: mmio out 0xfeb0 ..." aria-label="Search the ledger" autocomplete="off" spellcheck="false"><span id="ledger-count" class="note" role="status"></span></div>
<div id="ledger" tabindex="0"><table><colgroup>${widths}</colgroup><thead><tr>${heads}</tr></thead><tbody></tbody></table></div>
<noscript><p class="warning">The ledger's rows are shown by the script in this file, which is switched off here.</p></noscript>`,
  );
}

interface NamedFigure {
  readonly name: string;
  readonly figure: Figure;
}

function profileSection(ledger: LedgerView): string {
  const { profile } = ledger, data = profileData(profile);
  const used = htmlTable([
    { title: "Exit", value: ({ reason }) => reason },
    { title: "Way", value: ({ direction }) => direction === "none" ? "" : direction },
    { title: "Stage", value: ({ stage }) => STAGE_NAMES[stage], style: "whole" },
    { title: "Cycles", value: ({ cycles }) => cycles, right: true },
    { title: "Provenance", value: ({ provenance }) => provenanceBadge(provenance) },
    { title: "Source", value: ({ source }) => source },
    { title: "Note", value: (row) => row.note ?? "" },
  ], usedFigures(profile, ledger.aggregates()));
  const published = data.published.length === 0
    ? "<p>Nothing published is known to hold this profile against.</p>"
    : htmlTable<PublishedFigure>([
      { title: "Row", value: ({ row }) => row },
      { title: "Published", value: ({ published }) => published },
      { title: "Profile", value: ({ profile }) => profile },
      { title: "Error", value: ({ error }) => `${error.toFixed(1)}%`, right: true },
      { title: "Used for", value: ({ usedFor }) => usedFor },
      { title: "Source", value: ({ source }) => source },
    ], data.published);
  return section(
    "figures",
    "Where the figures are from",
    `<p>${escapeText(`${profile.name}: ${profile.title}`)}</p>${
      note([`source: ${data.source}`, ...data.notes])
    }
<h3>Figures that these exits were charged by</h3>${used}
<h3>Instructions</h3>${instructionTable(profile)}
<h3>Published rows that the profile is held against</h3>${published}
<p class="note"><span class="badge published">published</span>: its source prints it.
<span class="badge calibrated">calibrated</span>: derived so that published totals come out.
<span class="badge assumed">assumed</span>: nobody published it.</p>`,
  );
}

function instructionTable({ data }: CostProfile): string {
  const figures = Object.entries(data.instructions).map(([name, figure]): NamedFigure => ({ name, figure }));
  return htmlTable<NamedFigure>([
    { title: "Class", value: ({ name }) => name === "default" ? "any other" : name },
    { title: "Cycles", value: ({ figure }) => figure.cycles, right: true },
    { title: "Provenance", value: ({ figure }) => provenanceBadge(provenanceText(figure)) },
    { title: "Note", value: ({ figure }) => figure.note ?? "" },
  ], figures);
}

function footer({ versions, hash }: RunFacts): string {
  return `<footer>Written by trapsh ${escapeText(versions.trapsh)} on Deno ${
    escapeText(versions.deno)
  }; equal runs have the hash <code>${
    hash.slice(0, 16)
  }</code> and, under the same versions, this very file.</footer>`;
}
