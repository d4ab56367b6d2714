/** `arch`, `backend`, `engine`, `reset`: which machine the session works on. */
import { argument } from "@optique/core/primitives";
import { multiple, optional } from "@optique/core/modifiers";
import { object } from "@optique/core/constructs";
import { choice } from "@optique/core/valueparser";
import { defineCommand } from "../command.ts";
import { ramOf } from "../ram.ts";
import { sizeText } from "../reports/numbers.ts";
import type { Session, Settings } from "../session.ts";
import { BACKENDS } from "./support/backends.ts";
import { oneOf } from "./support/grammar.ts";
import { stateOf } from "./support/state.ts";

/** What a machine is, as `arch`, `backend` and `engine` report it. */
export interface MachineData {
  readonly arch: "x86" | "ppc";
  readonly mode: number;
  /** Byte order of code and data. */
  readonly order: "le" | "be";
  readonly backend: string;
  readonly title: string;
  /** Bytes of guest RAM. */
  readonly memory: number;
  /** Name of the cost profile. */
  readonly profile: string;
}

function machineData(session: Session): MachineData {
  const { arch, mode, isa: { order }, backend, profile } = session.vm;
  const hypervisor = { backend: backend.name, title: backend.title };
  return { arch, mode, order, ...hypervisor, memory: ramOf(session.vm), profile: profile.name };
}

function printMachine(data: MachineData): string {
  const bits = `${data.mode}-bit${data.arch === "ppc" && data.order === "le" ? " little-endian" : ""}`;
  return `${data.arch}, ${bits}, on ${data.backend} (${data.title}), ${
    sizeText(data.memory)
  } of RAM, profile ${data.profile}`;
}

/** Makes the machine that `change` asks for; if it cannot be, the present one stays. */
function change(session: Session, change: Partial<Settings>): MachineData {
  const before = session.settings;
  session.configure(change);
  try {
    return machineData(session);
  } catch (error) {
    session.configure(before);
    throw error;
  }
}

/** Words that name an architecture, a mode or both. */
const ARCHES: Readonly<Record<string, Pick<Partial<Settings>, "arch" | "mode" | "order">>> = {
  x86: { arch: "x86" },
  ppc: { arch: "ppc" },
  "16": { mode: 16 },
  "32": { mode: 32 },
  "64": { mode: 64 },
  "x86-16": { arch: "x86", mode: 16 },
  "x86-32": { arch: "x86", mode: 32 },
  "x86-64": { arch: "x86", mode: 64 },
  ppc32: { arch: "ppc", mode: 32 },
  ppc64: { arch: "ppc", mode: 64 },
  ppc64le: { arch: "ppc", mode: 64, order: "le" },
};

/** In this order; an object would put the numbers first. */
// deno-fmt-ignore
const ARCH_WORDS = ["x86", "ppc", "16", "32", "64", "x86-16", "x86-32", "x86-64", "ppc32", "ppc64", "ppc64le"] as const;

export const arch = defineCommand({
  name: "arch",
  group: "machine",
  summary: "show or choose the guest's architecture and mode",
  description:
    `Modes of x86: 16 (real), 32 (protected, flat), 64 (long); of ppc: 32 and 64, big-endian unless ppc64le.
The default mode is 64. Another architecture or mode makes a new machine: guest memory, registers and
exits of the old one are gone, the session's devices are attached to the new one.`,
  grammar: object({
    words: multiple(argument(choice(ARCH_WORDS, { metavar: "ARCH" })), { max: 2 }),
  }),
  examples: [
    { line: "arch ppc", shows: "ppc, 64-bit, on kvm-hv" },
    { line: "arch ppc 32", shows: "ppc, 32-bit, on kvm-pr" },
    { line: "arch x86 16", shows: "x86, 16-bit, on vmx" },
    { line: "arch", shows: "x86, 64-bit, on vmx" },
  ],
  run(session, { words }): MachineData {
    if (words.length === 0) return machineData(session);
    const wanted: { -readonly [name in "arch" | "mode" | "order"]?: Settings[name] } = {};
    for (const word of words) {
      const part = ARCHES[word];
      if ((part.arch && wanted.arch) || (part.mode && wanted.mode)) {
        throw new SyntaxError(
          `"arch ${words.join(" ")}" names two of a kind: give one architecture and one mode`,
        );
      }
      Object.assign(wanted, part);
    }
    const arch = wanted.arch ?? session.settings.arch;
    const order = wanted.arch === undefined ? session.settings.order : wanted.order;
    // Without a mode the default one; without a backend the default of arch and mode, unless it fits.
    const { backend, mode: old } = session.settings;
    const mode = wanted.mode ?? (arch === session.settings.arch ? old : undefined);
    if (arch === "ppc" && mode === 16) {
      throw new RangeError("ppc has no 16-bit mode: give 32 or 64");
    }
    const keeps = backend !== undefined && BACKENDS[backend].arch === arch &&
      BACKENDS[backend].modes.includes(mode ?? 64);
    const profile = arch === session.settings.arch ? session.settings.profile : undefined;
    // What the hypervisor shows itself as may not be there: the backend's own is.
    const shown = { hypervisor: undefined, wrongHypercall: undefined };
    return change(session, { arch, mode, order, backend: keeps ? backend : undefined, profile, ...shown });
  },
  print: printMachine,
});

export const backend = defineCommand({
  name: "backend",
  group: "machine",
  summary: "show or choose the hypervisor whose exits are counted",
  description:
    `vmx and svm run x86 guests, kvm-hv (64-bit) and kvm-pr (32 and 64-bit) run ppc guests. A backend decides
what leaves the guest and under which name and number. Another one makes a new machine.`,
  grammar: object({ name: optional(oneOf(["vmx", "svm", "kvm-hv", "kvm-pr"], "BACKEND")) }),
  examples: [
    { line: "backend svm", shows: "on svm" },
    { line: "backend", shows: "on vmx" },
  ],
  run(session, { name }): MachineData {
    if (name === undefined) return machineData(session);
    const { arch, mode } = session.settings;
    const { arch: needs, modes } = BACKENDS[name];
    if (needs !== arch) {
      throw new TypeError(
        `backend ${name} runs ${needs} guests and this one is ${arch}: type "arch ${needs}" first`,
      );
    }
    if (!modes.includes(mode ?? 64)) {
      throw new TypeError(
        `backend ${name} runs no ${mode}-bit guests: type "arch ${arch} ${modes[0]}" first`,
      );
    }
    // One that both backends can show is kept: that is what a comparison of the two is about.
    const { hypervisor } = session.settings;
    const kept = arch === "x86" || hypervisor === "papr" || hypervisor === "none";
    const shown = kept ? {} : { hypervisor: undefined, wrongHypercall: undefined };
    return change(session, { backend: name, ...shown });
  },
  print: printMachine,
});

export const engine = defineCommand({
  name: "engine",
  group: "machine",
  summary: "show or choose what executes the guest's instructions",
  description:
    `interpreter is WebAssembly made of the instructions' definitions; oracle reads the same definitions with plain
values, slow and obvious, to check the other by. Exits and cycles are the same. Another one makes a new machine.`,
  grammar: object({ name: optional(oneOf(["interpreter", "oracle"], "ENGINE")) }),
  examples: [{ line: "engine oracle", shows: "engine oracle" }, {
    line: "engine",
    shows: "engine interpreter",
  }],
  run(session, { name }): MachineData & { readonly engine: "interpreter" | "oracle" } {
    const data = name === undefined ? machineData(session) : change(session, { engine: name });
    return { ...data, engine: session.settings.engine ?? "interpreter" };
  },
  print: (data) => `engine ${data.engine}: ${printMachine(data)}`,
});

export const reset = defineCommand({
  name: "reset",
  group: "machine",
  summary: "put registers and devices back to where they began",
  description:
    "The program counter goes to the entry of what load or asm brought. Memory, the exit ledger and the guest's time stay as they are; exits reset forgets the exits.",
  grammar: object({}),
  examples: [{ line: "reset", shows: "reset; pc 0x" }],
  run(session): { pc: bigint } {
    session.vm.reset();
    const { entry } = stateOf(session);
    if (entry !== undefined) session.vm.vcpu.pc = entry;
    return { pc: session.vm.vcpu.pc };
  },
  print: ({ pc }) => `reset; pc 0x${pc.toString(16)}`,
});
