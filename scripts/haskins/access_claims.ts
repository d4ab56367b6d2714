/** Claims 1 to 4: what an access by each vehicle costs, and how much it carries. */
import { type HypervisorName, HYPERVISORS } from "../../mod.ts";
import { fastMmio, vectors } from "./guests.ts";
import { type Host, HOSTS, VMX } from "./hosts.ts";
import { type Lab, PAYLOAD } from "./lab.ts";
import { type Cell, type Finding, holds, judged } from "./verdict.ts";

/** 16 bytes, which fit into registers. */
export const SHORT = Uint8Array.from({ length: 16 }, (_, i) => i);

const percent = (part: number, whole: number) => `${(100 * part / whole).toFixed(0)}%`;

export async function accessClaims(lab: Lab, cells: readonly Cell[]): Promise<Finding[]> {
  const list: Finding[] = [];
  const pio = await lab.store(VMX, "pio"),
    mmio = await lab.store(VMX, "mmio"),
    call = await lab.store(VMX, "hypercall");
  const fast = await fastMmio(lab);
  list.push(judged(
    ["1", "Haskins", "MMIO is a page fault that must be decoded: expensive"],
    mmio.stages.decode > 0 && mmio.cycles > pio.cycles
      ? fast.stages.decode === 0 ? "in part" : "holds"
      : "does not hold",
    { mmio: mmio.cycles, pio: pio.cycles, decode: mmio.stages.decode, fastMmio: fast.cycles },
    `a store costs ${mmio.cycles} cycles by MMIO, ${pio.cycles} by PIO (vmx, kernel); ${mmio.stages.decode} (${
      percent(mmio.stages.decode, mmio.cycles)
    }) are decode; matched by address alone (since 2014) it is ${fast.cycles} with ${fast.stages.decode} of decode`,
  ));

  const words = await lab.call(VMX, "pio", "words", PAYLOAD),
    wide = await lab.call(VMX, "mmio", "words", PAYLOAD);
  const packed = await lab.call(VMX, "hypercall", "registers", PAYLOAD);
  const string = await lab.call(VMX, "pio", "string", PAYLOAD);
  const ports = cells.filter(({ host, via }) => host.startsWith("ppc") && via === "pio");
  const turned = ports.filter(({ label }) => label.startsWith("mmio"));
  list.push(judged(
    ["2", "Haskins", "PIO: 2^16 ports, a word at a time, absent on PowerPC"],
    holds(words.exits > wide.exits && turned.length === ports.length),
    { pioExits: words.exits, mmioExits: wide.exits, hypercallExits: packed.exits, stringExits: string.exits },
    `64 bytes and their answer by words: ${words.exits} exits by PIO (${string.exits} by REP OUTS in the kernel), ${wide.exits} by MMIO, ${packed.exits} by hypercall; on PowerPC PIO was MMIO in ${turned.length} of ${ports.length} cells`,
  ));

  const empty = vectors({}, 0), used = vectors({ interrupts: true }, 8);
  list.push(judged(
    ["3", "Haskins", "At most 8k vectors of 8 bytes fit the port space, fewer in practice"],
    holds(empty.taken === 8192 && used.taken < empty.taken),
    { empty: empty.taken, used: used.taken },
    `${empty.taken} vectors were taken, then the next one was refused; ${used.taken} beside interrupt controllers and 8 devices of 256 ports`,
  ));

  const inRegisters = await lab.call(VMX, "hypercall", "registers", SHORT);
  const argumentsOf = (name: HypervisorName, { backend, mode }: Host["options"]) => {
    const abi = HYPERVISORS.find((hypervisor) => hypervisor.name === name)!.abi(backend as "vmx", mode as 64);
    return typeof abi === "string" ? 0 : abi.args.length;
  };
  const counts = HOSTS.map(({ options }) => argumentsOf(options.hypervisor, options));
  list.push(judged(
    ["4", "Haskins", "Hypercalls are direct like PIO and pack several registers"],
    holds(inRegisters.exits === 1 && call.cycles <= pio.cycles && call.stages.decode === 0),
    { hypercall: call.cycles, pio: pio.cycles, exits16: inRegisters.exits, most: Math.max(...counts) },
    `a store costs ${call.cycles} cycles by hypercall, ${pio.cycles} by PIO, neither decodes; 16 bytes and their answer are ${inRegisters.exits} exit; ABIs carry ${
      Math.min(...counts)
    } to ${Math.max(...counts)} argument registers`,
  ));
  return list;
}
