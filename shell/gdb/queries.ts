/** General queries: `q` asks, `Q` sets. GDB manual, "General Query Packets". */
import { bytesOfHex, hexOfText } from "./hex.ts";
import { hasMemoryMap, memoryMapXml } from "./memory_map.ts";
import { PACKET_SIZE } from "./packets.ts";
import type { GdbStub } from "./stub.ts";
import { targetXml } from "./target_xml.ts";
import { parseThreadId, threadIdOf, threadsXml, threadText } from "./threads.ts";

type Answer = string | readonly string[] | Promise<readonly string[]>;

const UNSUPPORTED = "", MALFORMED = "E16", OK = "OK";

/** What a query begins with, and the answer to what follows it. */
const QUERIES: readonly (readonly [prefix: string, answer: (stub: GdbStub, rest: string) => Answer])[] = [
  ["qSupported", supported],
  ["qXfer:", transfer],
  ["qRcmd,", monitor],
  ["qThreadExtraInfo,", extraInfo],
];

/** The same for queries without anything that follows. */
const WHOLE: Readonly<Record<string, (stub: GdbStub) => Answer>> = {
  QStartNoAckMode(stub) {
    stub.noAck = true;
    return OK;
  },
  qC: (stub) => `QC${threadIdOf(stub.vcpu.index)}`,
  // The guest was there before GDB came: it is to be left alone when GDB goes.
  qAttached: () => "1",
  qfThreadInfo: ({ threads }) =>
    threads.length === 0 ? "l" : `m${threads.map(({ index }) => threadIdOf(index)).join(",")}`,
  qsThreadInfo: () => "l",
  // GDB offers to look symbols up: none are needed.
  "qSymbol::": () => OK,
};

export function answerQuery(stub: GdbStub, text: string): Answer {
  if (Object.hasOwn(WHOLE, text)) return WHOLE[text](stub);
  for (const [prefix, answer] of QUERIES) {
    if (text.startsWith(prefix)) return answer(stub, text.slice(prefix.length));
  }
  return UNSUPPORTED;
}

function supported({ vm }: GdbStub): string {
  return [
    `PacketSize=${PACKET_SIZE.toString(16)}`,
    ...["QStartNoAckMode+", "qXfer:features:read+", "qXfer:threads:read+"],
    ...hasMemoryMap(vm) ? ["qXfer:memory-map:read+"] : [],
    ...["swbreak+", "hwbreak+", "vContSupported+"],
  ].join(";");
}

/** `OBJECT:read:ANNEX:OFFSET,LENGTH`. */
function transfer(stub: GdbStub, rest: string): string {
  const match = /^([a-z-]+):read:([^:]*):([0-9a-f]{1,8}),([0-9a-f]{1,8})$/i.exec(rest);
  if (!match) return UNSUPPORTED;
  const [, object, annex, offset, length] = match;
  const document = documentOf(stub, object);
  if (document === undefined) return UNSUPPORTED;
  if (annex !== document.annex) return "E00";
  const from = parseInt(offset, 16), { text } = document;
  const to = from + Math.min(parseInt(length, 16), PACKET_SIZE / 2);
  if (from > text.length) return MALFORMED;
  return (to < text.length ? "m" : "l") + text.slice(from, to);
}

function documentOf(stub: GdbStub, object: string): { annex: string; text: string } | undefined {
  switch (object) {
    case "features":
      return { annex: "target.xml", text: targetXml(stub.layout) };
    case "threads":
      return { annex: "", text: threadsXml(stub.threads) };
    case "memory-map":
      return hasMemoryMap(stub.vm) ? { annex: "", text: memoryMapXml(stub.vm) } : undefined;
  }
  return undefined;
}

function extraInfo({ vm }: GdbStub, rest: string): string {
  const id = parseThreadId(rest, vm.vcpus.length);
  return id?.kind === "one" ? hexOfText(`vCPU ${id.index}: ${threadText(vm.vcpus[id.index])}`) : MALFORMED;
}

/** Characters of a command's output that GDB is sent; the rest is only counted. */
const MOST_OUTPUT = 1 << 20;
/** Bytes of output in one packet, which has them as pairs of digits. */
const OUTPUT_PIECE = PACKET_SIZE / 4;

/** `monitor COMMAND`: its output in pieces that GDB prints as they come. */
async function monitor(stub: GdbStub, rest: string): Promise<readonly string[]> {
  const bytes = bytesOfHex(rest);
  if (bytes === undefined) return [MALFORMED];
  const output = await stub.monitor(new TextDecoder().decode(bytes));
  if (output === undefined) return [UNSUPPORTED];
  const left = output.length - MOST_OUTPUT;
  const shown = left > 0 ? `${output.slice(0, MOST_OUTPUT)}\n... and ${left} characters more\n` : output;
  const pieces = shown.match(new RegExp(`[^]{1,${OUTPUT_PIECE / 4}}`, "gu")) ?? [];
  return [...pieces.map((piece) => `O${hexOfText(piece)}`), OK];
}
