/** `in`, `out` and `hypercall`: single accesses by guest code, without a device handle. */
import { object } from "@optique/core/constructs";
import { type Command, defineCommand } from "../command.ts";
import { hex } from "../reports/hexdump.ts";
import { costLines } from "../reports/cost_lines.ts";
import { word, words } from "./support/grammar.ts";
import { access, type AccessData } from "./support/guest_access.ts";
import { type Cost, measure } from "./support/measure.ts";
import { numberOf, valueOf } from "./support/numbers.ts";

const SIZES = { b: 1, w: 2, l: 4 } as const;
type Letter = keyof typeof SIZES;

/** Takes the `.b`, `.w` or `.l` off the words; bytes without one. */
function takeSize(command: string, words: readonly string[]): { letter: Letter; rest: readonly string[] } {
  if (!words[0]?.startsWith(".")) return { letter: "b", rest: words };
  const letter = words[0].slice(1);
  if (!(letter in SIZES)) {
    throw new SyntaxError(
      `${command}${words[0]} has no size that there is: .b, .w and .l are 1, 2 and 4 bytes`,
    );
  }
  return { letter: letter as Letter, rest: words.slice(1) };
}

const STUB =
  `A stub of guest code makes the access, as io.open(...).read does, so it counts as an exit; the guest's registers
are as before. On ppc the PCI I/O window turns it into a load or store. Values are in the bus's
byte order: little-endian.`;

function printAccess({ access, value, cost }: AccessData): string {
  const done = value === undefined ? access : `${access} = ${hex(value)}`;
  return [done, ...costLines(cost)].join("\n");
}

const PORT = "port";

export const inPort = defineCommand({
  name: "in",
  group: "devices",
  summary: "read an I/O port: in.b, in.w, in.l",
  description: `in.b PORT reads 1 byte, in.w 2, in.l 4. ${STUB}`,
  suffix: ".",
  grammar: object({ words: words("PORT", 1) }),
  examples: [
    { line: "in.b 0x61", after: ["arch x86"], shows: "in.b 0x61 = 0x" },
    { line: "in.l 0xcfc", after: ["arch ppc"], shows: "MMIO" },
  ],
  async run(session, { words }): Promise<AccessData> {
    const { letter, rest } = takeSize("in", words);
    if (rest.length !== 1) {
      throw new SyntaxError(`in.${letter} takes one port and was given ${rest.length} words`);
    }
    const port = numberOf(session, rest[0], PORT, 0, 0xffff);
    return await access(
      session,
      `in.${letter} ${hex(port)}`,
      () => session.io.guest.portIn(port, SIZES[letter]),
    );
  },
  print: printAccess,
});

export const outPort = defineCommand({
  name: "out",
  group: "devices",
  summary: "write an I/O port: out.b, out.w, out.l",
  description: `out.b PORT VALUE writes 1 byte, out.w 2, out.l 4. ${STUB}`,
  suffix: ".",
  grammar: object({ words: words("PORT VALUE", 1) }),
  examples: [{ line: "out.b 0x80 1", after: ["arch x86"], shows: "IO_INSTRUCTION 30" }],
  async run(session, { words }): Promise<AccessData> {
    const { letter, rest } = takeSize("out", words);
    if (rest.length !== 2) {
      throw new SyntaxError(`out.${letter} takes a port and a value and was given ${rest.length} words`);
    }
    const size = SIZES[letter];
    const port = numberOf(session, rest[0], PORT, 0, 0xffff);
    const value = valueOf(session, rest[1], size, "value");
    const name = `out.${letter} ${hex(port)} ${hex(value)}`;
    return await access(session, name, () => session.io.guest.portOut(port, size, value));
  },
  print: printAccess,
});

export interface HypercallData {
  readonly access: string;
  /** The ABI's status register, unsigned. */
  readonly value: bigint;
  /** The ABI's output registers. */
  readonly outputs: Readonly<Record<string, bigint>>;
  readonly cost: Cost;
}

/** A negative status is an error of the ABI, which people know in decimal: -1000 is ENOSYS of KVM. */
function signed(value: bigint): string {
  const bits = value > 0xffff_ffffn ? 64 : 32;
  const number = BigInt.asIntN(bits, value);
  return number < 0n ? ` (${number})` : "";
}

export const hypercall: Command = defineCommand({
  name: "hypercall",
  aliases: ["hcall"],
  group: "devices",
  summary: "make a raw hypercall and show what it returns",
  description:
    `hypercall NUMBER [ARGUMENT...]: a stub of guest code puts the number and the arguments into the registers of the
hypervisor's ABI and traps: KVM x86 rax and rbx rcx rdx rsi; Xen rdi rsi rdx r10 r8 r9 or ebx ecx edx esi edi, by
its page; Hyper-V a fast call by its page, rdx r8 or ebx:ecx edi:esi; VMware ecx and ebx esi edi, by its port;
PAPR (kvm-hv) r3 and r4 on; ePAPR (kvm-pr) r11 and r3 on; OSI r5 and r6 on. Arguments are register values, 32 or 64 bits wide as the guest is. The result is
the ABI's status register; an unknown number gives the ABI's own error and no failure here.`,
  grammar: object({ number: word("NUMBER"), args: words("ARGUMENT") }),
  examples: [{ line: "hypercall 0x5000 1 2", after: ["arch x86"], shows: "VMCALL 18" }],
  async run(session, { number, args }): Promise<HypercallData> {
    const bytes = session.vm.mode === 64 ? 8 : 4;
    const nr = numberOf(session, number, "hypercall number", 0, 0xffff_ffff);
    const values = args.map((text) => valueOf(session, text, bytes, "argument"));
    const name = ["hypercall", hex(nr), ...values.map((value) => hex(value))].join(" ");
    const { result, cost } = await measure(session, session.vm, () => session.io.guest.hypercall(nr, values));
    return { access: name, value: result.status, outputs: result.outputs, cost };
  },
  print: ({ access, value, outputs, cost }) => {
    const names = Object.entries(outputs).map(([name, output]) => `${name}=${hex(output)}`).join(" ");
    return [
      `${access}: status ${hex(value)}${signed(value)}`,
      ...(names === "" ? [] : [names]),
      ...costLines(cost),
    ].join("\n");
  },
});
