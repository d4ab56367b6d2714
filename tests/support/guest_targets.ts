/** What the C guests of `scripts/guests/` are compiled for, and by which compilers. */
import type { VmOptions } from "../../emulator/machine/vm_options.ts";

export interface GuestTarget {
  readonly name: string;
  /** As found on PATH; Debian's names. */
  readonly compiler: string;
  /** Compiler options beside those of the response file. */
  readonly options: readonly string[];
  /** The response file in `scripts/guests/runtime/`. */
  readonly flags: "x86.flags" | "ppc.flags";
  readonly vm: VmOptions;
  /** It has floating point, by these options; the others are whole-number guests only. */
  readonly float?: readonly string[];
}

/** A fused multiply-add rounds once where the source rounds twice. */
const FLOAT = ["-mhard-float", "-ffp-contract=off"];

export const TARGETS: readonly GuestTarget[] = [
  { name: "x86-64", compiler: "gcc", options: ["-m64"], flags: "x86.flags", vm: { arch: "x86", mode: 64 } },
  { name: "i386", compiler: "gcc", options: ["-m32"], flags: "x86.flags", vm: { arch: "x86", mode: 32 } },
  {
    name: "ppc",
    compiler: "powerpc-linux-gnu-gcc",
    options: [],
    flags: "ppc.flags",
    vm: { arch: "ppc", mode: 32 },
    float: FLOAT,
  },
  {
    name: "ppc64",
    compiler: "powerpc64-linux-gnu-gcc",
    options: [],
    flags: "ppc.flags",
    vm: { arch: "ppc", mode: 64 },
    float: FLOAT,
  },
  {
    name: "ppc64le",
    compiler: "powerpc64le-linux-gnu-gcc",
    options: [],
    flags: "ppc.flags",
    vm: { arch: "ppc", mode: 64, order: "le" },
    float: FLOAT,
  },
];

export const OPTIMISATIONS = ["-O0", "-O2"] as const;
export type Optimisation = typeof OPTIMISATIONS[number];

/** Whether a program of that name stands in a folder of PATH. It is looked for, not run. */
export function isInstalled(program: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").some((folder) => {
    try {
      return Deno.statSync(`${folder}/${program}`).isFile;
    } catch {
      return false;
    }
  });
}

/** Why nothing can be compiled for the target here, or undefined. */
export function whyNot({ compiler }: Pick<GuestTarget, "compiler">): string | undefined {
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") return "needs Linux on x86-64";
  if (Deno.permissions.querySync({ name: "run", command: "deno" }).state !== "granted") {
    return "needs --allow-run=deno";
  }
  return isInstalled(compiler) ? undefined : `${compiler} is not installed`;
}
