/** Writes what the guest executes and which exits it makes, as it goes, to the terminal or to a file; bounded. */
import type { NativeReason } from "../../../emulator/engine/native_reason.ts";
import type { VirtualCpu, Vm } from "../../machine_types.ts";
import { hex } from "../../reports/hexdump.ts";
import type { Session } from "../../session.ts";
import { filterText, type TraceFilter } from "./trace_filter.ts";
import { nameOf } from "./symbols.ts";

/** A trace as `trace` tells of it. */
export interface TraceData {
  readonly on: boolean;
  /** The file; undefined for the terminal. */
  readonly to?: string;
  /** As typed; empty for everything. */
  readonly filter: string;
  /** Lines so far, and how many there may be. */
  readonly lines: number;
  readonly limit: number;
}

/** Characters that are kept before a file is written to. */
const BUFFER = 1 << 16;
/** Instructions whose text is remembered. */
const REMEMBERED = 65_536;

interface Known {
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly symbol: string;
}

class Tracer {
  readonly vm: Vm;
  readonly to: string | undefined;
  readonly filter: TraceFilter;
  readonly limit: number;
  lines = 0;
  on = true;
  readonly #out: Session["out"];
  readonly #write: (text: string) => void;
  readonly #known = new Map<bigint, Known>();
  readonly #stop: (() => void)[];
  #buffer = "";

  constructor({ vm, out }: Session, to: string | undefined, filter: TraceFilter, limit: number) {
    this.vm = vm;
    this.#out = out;
    this.to = to;
    this.filter = filter;
    this.limit = limit;
    this.#write = (text) => to === undefined ? out.write(text) : this.#keep(text);
    const { ranges, mnemonics, exits } = filter;
    const onlyExits = exits.length > 0 && ranges.length === 0 && mnemonics.length === 0;
    const onlyInstructions = exits.length === 0 && ranges.length + mnemonics.length > 0;
    this.#stop = [];
    if (!onlyExits) this.#stop.push(vm.observe((vcpu) => this.#instruction(vcpu)));
    if (!onlyInstructions) {
      this.#stop.push(vm.exits.onExit((native, key, direction, size, _in, site) => {
        const vcpu = vm.vcpus[site.vcpu];
        if (this.#isMeant(native)) this.#exit(vcpu, native, key, direction, size);
      }));
    }
  }

  get data(): TraceData {
    const { on, to, filter, lines, limit } = this;
    return { on, ...(to !== undefined && { to }), filter: filterText(filter), lines, limit };
  }

  off(): void {
    for (const stop of this.#stop) stop();
    this.on = false;
    this.flush();
  }

  /** Brings what was kept to the file. Where that fails the trace ends and says so: the guest's run goes on. */
  flush(): void {
    if (this.to === undefined || this.#buffer === "") return;
    const text = this.#buffer;
    this.#buffer = "";
    try {
      Deno.writeTextFileSync(this.to, text, { append: true });
    } catch (error) {
      this.#out.write(`trace: off: ${error instanceof Error ? error.message : String(error)}\n`);
      this.off();
    }
  }

  #keep(text: string): void {
    this.#buffer += text;
    if (this.#buffer.length >= BUFFER) this.flush();
  }

  #instruction(vcpu: VirtualCpu): void {
    const at = vcpu.fetchAddress(), { ranges, mnemonics } = this.filter;
    if (ranges.length > 0 && !ranges.some(({ first, last }) => at >= first && at <= last)) return;
    const known = this.#textAt(vcpu, at);
    if (mnemonics.length > 0) {
      // Prefixes stand before a mnemonic: "rep movsb", "lock inc".
      const words = known.text.split(/[ ,]/, 3);
      if (!mnemonics.some((name) => words.slice(0, 2).includes(name) && !/^[er]?[a-d]x$/.test(name))) return;
    }
    const name = known.symbol === "" ? "" : `<${known.symbol}> `;
    this.#line(vcpu, `${hex(at, 8)}  ${name}${known.text}`);
  }

  #isMeant({ reason, name, keySpace }: NativeReason): boolean {
    const { exits } = this.filter;
    if (exits.length === 0) return true;
    return exits.some((one) =>
      one === reason || one === name.toUpperCase() || one === "PIO" && keySpace === "port" ||
      one === "HYPERCALL" && keySpace === "hypercall"
    );
  }

  #exit(vcpu: VirtualCpu, native: NativeReason, key: number, direction: string, size: number): void {
    const { reason, name, code, keySpace } = native;
    const what = keySpace === "none" ? "" : ` ${keySpace} ${hex(key)}`;
    const access = direction === "none" ? "" : ` ${direction} ${size} byte${size === 1 ? "" : "s"}`;
    this.#line(vcpu, `exit ${reason} (${name} ${code > 255 ? hex(code) : code})${what}${access}`);
  }

  #line({ index, instructions }: VirtualCpu, text: string): void {
    if (!this.on) return;
    const cpu = this.vm.vcpus.length > 1 ? `cpu ${index} ` : "";
    this.#write(`${String(instructions).padStart(8)}  ${cpu}${text}\n`);
    if (++this.lines < this.limit) return;
    this.#write(`trace: off after ${this.limit} lines; "trace on --limit N" takes more\n`);
    this.off();
  }

  /** Text of an instruction; what is remembered counts while its bytes are the same. */
  #textAt(vcpu: VirtualCpu, at: bigint): Known {
    const known = this.#known.get(at);
    if (known && isSame(vcpu, at, known.bytes)) return known;
    const [line] = this.vm.disassemble(at, 1, { vcpu });
    const found = {
      bytes: line?.bytes ?? new Uint8Array(),
      text: line?.text ?? "(no memory)",
      symbol: nameOf(this.vm, at) ?? "",
    };
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    this.#known.set(at, found);
    return found;
  }
}

function isSame(vcpu: VirtualCpu, at: bigint, bytes: Uint8Array): boolean {
  try {
    const now = vcpu.readMemory(at, bytes.length);
    return now.every((byte, i) => byte === bytes[i]);
  } catch {
    return false;
  }
}

const tracers = new WeakMap<Session, Tracer>();

/** The trace of the session's present machine; undefined if there is none. */
export function traceOf(session: Session): TraceData | undefined {
  const tracer = tracers.get(session);
  return tracer && session.hasVm && tracer.vm === session.vm ? tracer.data : undefined;
}

/** Begins a trace, in place of one that there is; a file is made empty first. Throws what writing to it throws. */
export function startTrace(
  session: Session,
  to: string | undefined,
  filter: TraceFilter,
  limit: number,
): TraceData {
  if (to !== undefined) Deno.writeTextFileSync(to, "");
  tracers.get(session)?.off();
  const tracer = new Tracer(session, to, filter, limit);
  tracers.set(session, tracer);
  return tracer.data;
}

/** Ends the trace; undefined if there is none. */
export function stopTrace(session: Session): TraceData | undefined {
  const tracer = tracers.get(session);
  tracer?.off();
  tracers.delete(session);
  return tracer?.data;
}

/** After the guest has run: brings what was traced to its file. */
export function flushTrace(session: Session): void {
  tracers.get(session)?.flush();
}
