/** x86 registers as GDB has them. GDB manual, "Standard Target Features", i386; its own names for what has no standard. */
import type { GdbFeature, GdbLayout, GdbRegister, LayoutWidth } from "./layout.ts";

const ARCHITECTURES: Readonly<Record<LayoutWidth, string>> = {
  16: "i8086",
  32: "i386",
  64: "i386:x86-64",
};

/** GDB's order, which is that of the psABI's DWARF numbers in 64-bit mode and of the encodings in 32-bit mode. */
const GENERAL_64 = [
  ...["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"],
  ...["r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"],
];
const GENERAL_32 = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"];
/** GDB's order, too. */
const SEGMENTS = ["cs", "ss", "ds", "es", "fs", "gs"];
const FLOAT_CONTROL = ["fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop"];

/** EFLAGS by its bits: SDM vol. 1, 3.4.3. */
const FLAGS: readonly (readonly [name: string, bit: number])[] = [
  ...[["CF", 0], ["", 1], ["PF", 2], ["AF", 4], ["ZF", 6], ["SF", 7], ["TF", 8], ["IF", 9]] as const,
  ...[["DF", 10], ["OF", 11], ["NT", 14], ["RF", 16], ["VM", 17], ["AC", 18], ["VIF", 19], [
    "VIP",
    20,
  ]] as const,
  ["ID", 21],
];
const FLAGS_TYPE = [
  '<flags id="i386_eflags" size="4">',
  ...FLAGS.map(([name, bit]) => `<field name="${name}" start="${bit}" end="${bit}"/>`),
  "</flags>",
].join("");

/** GDB has them in its core, and would refuse a description without; this guest's processor has no x87. */
const ABSENT_X87: readonly GdbRegister[] = [
  ...Array.from({ length: 8 }, (_, i) => ({ name: `st${i}`, bits: 80, type: "i387_ext", source: [] })),
  ...FLOAT_CONTROL.map((name) => ({ name, bits: 32, type: "int", group: "float", source: [] })),
];

/** The layout for guests of a width. Registers are little-endian. */
export function x86Layout(width: LayoutWidth): GdbLayout {
  const long = width === 64;
  return {
    architecture: ARCHITECTURES[width],
    ...width === 16 && { osabi: "none" },
    features: [core(long), ...long ? [bases64] : [], system(width)],
    order: "le",
    expedited: long ? ["rbp", "rsp", "rip"] : ["ebp", "esp", "eip"],
  };
}

function core(long: boolean): GdbFeature {
  const bits = long ? 64 : 32;
  const pointer = (name: string) => /^[re][sb]p$/.test(name) ? "data_ptr" : long ? "int64" : "int32";
  // A 64-bit guest may be in a 32-bit mode now: its registers are there by half then.
  const source = (name: string) => long && /^r[a-z]/.test(name) ? [name, `e${name.slice(1)}`] : [name];
  return {
    name: "org.gnu.gdb.i386.core",
    types: FLAGS_TYPE,
    registers: [
      ...(long ? GENERAL_64 : GENERAL_32).map((name) => ({
        name,
        bits,
        type: pointer(name),
        source: source(name),
      })),
      { name: long ? "rip" : "eip", bits, type: "code_ptr", source: ["pc"], isPc: true },
      { name: "eflags", bits: 32, type: "i386_eflags", source: ["eflags"] },
      ...SEGMENTS.map((name) => ({ name, bits: 32, type: "int32", source: [name] })),
      ...ABSENT_X87,
    ],
  };
}

/** The two bases that count in 64-bit mode, where GDB knows them. */
const bases64: GdbFeature = {
  name: "org.gnu.gdb.i386.segments",
  registers: ["fs_base", "gs_base"].map((name) => ({ name, bits: 64, type: "int", source: [name] })),
};

/** What else the vCPU has. `ip` is the offset into the code segment, where `eip` tells the address. */
function system(width: LayoutWidth): GdbFeature {
  const long = width === 64, bits = long ? 64 : 32;
  const bases = (long ? SEGMENTS.slice(0, 4) : SEGMENTS).map((name) => `${name}_base`);
  const wide = ["cr0", "cr2", "cr3", "cr4", ...bases, "gdt_base", "idt_base"];
  const register = (name: string, bits: number, source = name): GdbRegister => ({
    name,
    bits,
    type: `uint${bits}`,
    group: "system",
    source: [source],
  });
  return {
    name: "org.trapsh.x86.system",
    registers: [
      ...width === 16 ? [register("ip", 32, "eip")] : [],
      ...wide.map((name) => register(name, bits)),
      register("efer", 64),
      ...["gdt_limit", "idt_limit", "ldtr", "tr"].map((name) => register(name, 16)),
    ],
  };
}
