/** `page`, `info mem`, `info tlb`: how the guest's addresses come to memory. */
import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { defineCommand } from "../command.ts";
import type { PageMapping, PageWalk } from "../machine_types.ts";
import { hex } from "../reports/hexdump.ts";
import { table } from "../reports/table.ts";
import { maybeWord, oneOf, word } from "./support/grammar.ts";
import { addressOf, numberOf } from "./support/numbers.ts";
import { symbolNames } from "./support/symbols.ts";

/** Pages that are looked at, at most: tables that lead to themselves map more than anyone lives to see. */
const MOST_PAGES = 200_000;
/** Pages that `info tlb` lists where no number is given. */
const SHOWN = 100;

/** What a guest with paging, once it has built its tables and turned it on, is asked in examples. */
const PAGED = [
  "arch x86 32",
  "writemem.l 0x8000 0x9003",
  "writemem.l 0x9000 0x0003 0x1003 0x2001 0 0x5007",
  "set $cr3 = 0x8000",
  "set $cr0 = 0x80000011",
];

export const page = defineCommand({
  name: "page",
  aliases: ["gva2gpa"],
  group: "inspect",
  summary: "show how an address comes to memory, table by table, or why it does not",
  description:
    `page ADDR [load|store|fetch] [user|supervisor]: a load if nothing is said, by the privilege that the vCPU has now. Bits of the
entries are named as in the manuals; on PowerPC blocks (BATs), then segments and the hashed page table. Nothing is changed: no
accessed or dirty bit is set.`,
  grammar: object({
    address: word("ADDR"),
    reach: optional(oneOf(["load", "store", "fetch"], "REACH")),
    privilege: optional(oneOf(["user", "supervisor"], "PRIVILEGE")),
  }),
  examples: [
    { line: "page 0x1234", after: PAGED, shows: "PT[1]" },
    { line: "page 0x3000", after: PAGED, shows: "PT[3] is not present" },
    { line: "page 0x1000 load user", after: PAGED, shows: "is the supervisor's" },
    { line: "page 0x1000", after: ["arch ppc"], shows: "addresses are guest-physical" },
  ],
  complete: (session, typed) => typed.length < 2 ? symbolNames(session) : [],
  run(session, { address, reach, privilege }): PageWalk {
    return session.vcpu.walk(addressOf(session, address), {
      reach,
      user: privilege === undefined ? undefined : privilege === "user",
    });
  },
  print({ address, reach, user, mode, steps, physical, size, fault }) {
    const head = `${hex(address)}, ${reach} as ${user ? "user" : "supervisor"}: ${mode}`;
    const lines = steps.length === 0 ? [] : table([
      { title: "", value: (step) => step.name },
      { title: "at", value: (step) => step.at === undefined ? undefined : hex(step.at) },
      {
        title: "value",
        value: (step) => step.value === undefined ? undefined : hex(step.value),
        right: true,
      },
      { title: "says", value: (step) => step.says },
    ], steps);
    const end = fault ??
      `guest-physical ${hex(physical!)}${size === undefined ? "" : `, page of ${sizeText(size)}`}`;
    return [head, ...lines, end].join("\n");
  },
});

/** Mapped ranges, or single pages. */
export interface MappingData {
  /** How addresses are translated now. */
  readonly mode: string;
  readonly mappings: readonly PageMapping[];
  /** Whether there are more than were looked at. */
  readonly more: boolean;
}

const rightsText = ({ user, writable, executable, accessed, dirty }: PageMapping) =>
  `${user ? "u" : "-"}r${writable ? "w" : "-"}${executable ? "x" : "-"}${accessed ? "A" : "-"}${
    dirty ? "D" : "-"
  }`;

/** Pages that follow each other, in both spaces and with the same rights, as one range. */
function merged(pages: readonly PageMapping[]): PageMapping[] {
  const ranges: PageMapping[] = [];
  for (const page of pages) {
    const last = ranges.at(-1), size = BigInt(last?.size ?? 0);
    const follows = last && last.address + size === page.address && last.physical + size === page.physical &&
      last.via === page.via && rightsText(last).slice(0, 4) === rightsText(page).slice(0, 4);
    if (!follows) ranges.push({ ...page, accessed: undefined, dirty: undefined });
    else ranges[ranges.length - 1] = { ...last, size: last.size + page.size };
  }
  return ranges;
}

function sizeText(size: number): string {
  for (const [unit, name] of [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]] as const) {
    if (size >= unit && size % unit === 0) return `${size / unit} ${name}`;
  }
  return `${size} bytes`;
}

function printMappings({ mode, mappings, more }: MappingData, pages: boolean): string {
  if (mappings.length === 0) return mode;
  const rows = table<PageMapping>([
    { title: "from", value: ({ address }) => hex(address), right: true },
    { title: "to", value: ({ address, size }) => hex(address + BigInt(size) - 1n), right: true },
    { title: "size", value: ({ size }) => sizeText(size), right: true },
    { title: "rights", value: (one) => rightsText(one).slice(0, pages ? 6 : 4) },
    { title: "guest-physical", value: ({ physical }) => hex(physical), right: true },
    { title: "by", value: ({ via }) => via },
  ], mappings);
  return [
    mode,
    ...rows,
    ...more ? [`there are more: ${pages ? '"info tlb N" lists N' : "the tables go on"}`] : [],
  ]
    .join("\n");
}

export const infoMem = defineCommand({
  name: "info mem",
  group: "inspect",
  summary: "list the ranges of addresses that are mapped, with their rights",
  description:
    `u: a user's program may read it; w: writable; x: code may be fetched. Ranges are joined where pages follow each other on
both sides. page ADDR shows one address's way, info tlb single pages, info mtree what is in guest-physical memory.`,
  grammar: object({}),
  examples: [
    { line: "info mem", after: PAGED, shows: "-rwx" },
    { line: "info mem", after: ["arch x86"], shows: "guest-physical" },
  ],
  run(session): MappingData {
    const { mappings, complete } = session.vcpu.mappings(MOST_PAGES);
    return { mode: session.vcpu.walk(0n).mode, mappings: merged(mappings), more: !complete };
  },
  print: (data) => printMappings(data, false),
});

export const infoTlb = defineCommand({
  name: "info tlb",
  group: "inspect",
  summary: "list the pages that are mapped, one by one",
  description:
    `info tlb [N]: the first N (${SHOWN}) pages that the guest's tables map, as in QEMU; A: accessed, D: dirty. A processor's
translation cache is not modelled: a write to a table counts at once. On PowerPC blocks (BATs) first, then entries of the hashed page
table that a segment uses.`,
  grammar: object({ count: maybeWord("N") }),
  examples: [{ line: "info tlb", after: PAGED, shows: "4 KiB" }],
  run(session, { count }): MappingData {
    const most = count === undefined ? SHOWN : numberOf(session, count, "count", 1, MOST_PAGES);
    const { mappings, complete } = session.vcpu.mappings(most);
    return { mode: session.vcpu.walk(0n).mode, mappings, more: !complete };
  },
  print: (data) => printMappings(data, true),
});
