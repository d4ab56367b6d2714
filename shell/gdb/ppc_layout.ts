/** PowerPC registers as GDB has them. GDB manual, "Standard Target Features", PowerPC. */
import type { GdbFeature, GdbLayout, GdbRegister } from "./layout.ts";

const numbered = (letter: string, count: number) => Array.from({ length: count }, (_, i) => `${letter}${i}`);

/** The layout for guests of a width. Registers are in the guest's byte order. */
export function ppcLayout(width: 32 | 64, order: "le" | "be"): GdbLayout {
  return {
    architecture: width === 64 ? "powerpc:common64" : "powerpc:common",
    features: [core(width), FLOAT, system(width)],
    order,
    expedited: ["r1", "pc"],
  };
}

function core(width: 32 | 64): GdbFeature {
  const type = `uint${width}`;
  const whole = (name: string): GdbRegister => ({ name, bits: width, type, source: [name] });
  const word = (name: string): GdbRegister => ({ name, bits: 32, type: "uint32", source: [name] });
  return {
    name: "org.gnu.gdb.power.core",
    registers: [
      ...numbered("r", 32).map(whole),
      { name: "pc", bits: width, type: "code_ptr", source: ["pc"], isPc: true },
      whole("msr"),
      word("cr"),
      { ...whole("lr"), type: "code_ptr" },
      whole("ctr"),
      word("xer"),
    ],
  };
}

/** GDB has FPSCR with 64 bits, whose upper half is 0 here. */
const FLOAT: GdbFeature = {
  name: "org.gnu.gdb.power.fpu",
  registers: [
    ...numbered("f", 32).map((name) => ({ name, bits: 64, type: "ieee_double", source: [name] })),
    { name: "fpscr", bits: 64, type: "uint64", group: "float", source: ["fpscr"] },
  ],
};

/** What else the vCPU has. */
function system(width: 32 | 64): GdbFeature {
  const register = (name: string, bits: number): GdbRegister => ({
    name,
    bits,
    type: `uint${bits}`,
    group: "system",
    source: [name],
  });
  const wide = ["srr0", "srr1", "sprg0", "sprg1", "sprg2", "sprg3", "dar"];
  const blocks = ["ibat", "dbat"].flatMap((kind) =>
    numbered(kind, 4).flatMap((bat) => [`${bat}u`, `${bat}l`])
  );
  return {
    name: "org.trapsh.power.system",
    registers: [
      ...wide.map((name) => register(name, width)),
      ...["dsisr", "dec", "pvr"].map((name) => register(name, 32)),
      ...width === 64
        ? [register("lpcr", 64)]
        : ["sdr1", ...blocks, ...numbered("sr", 16)].map((name) => register(name, 32)),
    ],
  };
}
