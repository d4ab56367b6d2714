/**
 * The instructions that are implemented against a real 80286 in real mode: `../shared/vectors`, read where it
 * is, skipped visibly where it is not. Flags that the manual leaves undefined are masked by `UNDEFINED`.
 */
import { assertEquals } from "@std/assert";
import { gunzipSync } from "node:zlib";
import { createVm, type Vm } from "../../emulator/machine/vm.ts";
import { vcpuOf } from "../support/vcpu.ts";

const FILE = new URL("../../../shared/vectors/x86_real_mode_286.ndjson.gz", import.meta.url);

interface VectorCase {
  readonly op: string;
  readonly n: number;
  readonly name: string;
  readonly bytes: string;
  readonly r0: Readonly<Record<string, number>>;
  readonly m0: readonly (readonly [number, number])[];
  readonly r1: Readonly<Record<string, number>>;
  readonly m1: readonly (readonly [number, number])[];
  readonly exc?: readonly [number, number];
}

const CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, OF = 0x800;
/** IOPL and NT are random before and a later processor treats them differently; bit 15 too. */
const IGNORED = 0xf000;

/** Flags that the SDM (vol. 2, "Flags Affected") leaves undefined, by mnemonic; `once` where the count is 1. */
const UNDEFINED: Readonly<Record<string, { always: number; once?: number }>> = {
  and: { always: AF },
  or: { always: AF },
  xor: { always: AF },
  test: { always: AF },
  imul: { always: SF | ZF | AF | PF },
  mul: { always: SF | ZF | AF | PF },
  // CF too where the count is not below the operand's width.
  shl: { always: AF | OF | CF, once: AF },
  shr: { always: AF | OF | CF, once: AF },
  sar: { always: AF | OF, once: AF },
  rol: { always: OF, once: 0 },
  ror: { always: OF, once: 0 },
};

Deno.test({
  name: "implemented real-mode instructions do what an 80286 does",
  ignore: !exists(FILE),
  fn() {
    const cases = new TextDecoder().decode(gunzipSync(Deno.readFileSync(FILE))).trim().split("\n")
      .map((line) => JSON.parse(line) as VectorCase);
    for (const engine of ["interpreter", "oracle"] as const) {
      const vm = createVm({ arch: "x86", mode: 16, engine, memory: 2 * 2 ** 20 });
      vm.memory.addSlot({ name: "hole", gpa: 0xa_0000, size: 0x6_0000 });
      const failed: string[] = [];
      let passed = 0, missing = 0, faults = 0, masked = 0;
      for (const one of cases) {
        if (one.exc) faults++;
        const result = one.exc ? "fault" : runCase(vm, one);
        if (result === "missing") missing++;
        else if (result === "fault") continue;
        else if (result.length > 0) failed.push(`${one.op} ${one.n} ${one.name}: ${result.join("; ")}`);
        else passed++;
        if (result !== "missing" && undefinedFlags(one) !== 0) masked++;
      }
      console.log(
        `80286 vectors, ${engine}: ${passed} passed, ${failed.length} failed, ${missing} not implemented, ` +
          `${faults} excluded (they fault, and delivery is not implemented), ${masked} with undefined flags masked`,
      );
      assertEquals(failed.slice(0, 20), []);
      assertEquals(passed > 14_000, true, `only ${passed} cases ran`);
    }
  },
});

function runCase(vm: Vm, one: VectorCase): string[] | "missing" {
  const vcpu = vcpuOf(vm);
  vcpu.restoreState(vcpu.resetState());
  for (const [address, byte] of one.m0) vm.memory.write(address, Uint8Array.of(byte));
  for (const [name, value] of Object.entries(one.r0)) {
    if (name === "flags") vcpu.registers.set("flags", BigInt(value & 0xcd5));
    else vcpu.registers.set(name, BigInt(value));
  }
  const stop = vcpu.engine.run(2, true);
  const detail = vcpu.takeStop();
  if (stop.kind === "undecodable" || detail?.reason === "UNIMPLEMENTED") return "missing";
  if (detail?.reason !== "HLT") return [`stopped by ${stop.kind} ${detail?.message ?? ""}`];
  const wrong: string[] = [];
  const ignored = undefinedFlags(one) | IGNORED;
  for (const name of Object.keys(one.r0)) {
    const expected = one.r1[name] ?? one.r0[name];
    const found = Number(vcpu.registers.get(name));
    const mask = name === "flags" ? 0xffff & ~ignored & ~2 : 0xffff;
    if ((expected & mask) !== (found & mask)) {
      wrong.push(`${name} is 0x${(found & mask).toString(16)}, not 0x${(expected & mask).toString(16)}`);
    }
  }
  for (const [address, byte] of one.m1) {
    const [found] = vm.memory.read(address, 1);
    if (found !== byte) {
      wrong.push(`[0x${address.toString(16)}] is 0x${found.toString(16)}, not 0x${byte.toString(16)}`);
    }
  }
  return wrong;
}

/** The flags that this case says nothing about. */
function undefinedFlags({ name, bytes }: VectorCase): number {
  const mnemonic = name.replace(/^(lock|repn?[ez]?|[cdefgs]s) /g, "").split(" ")[0];
  const rule = UNDEFINED[mnemonic];
  if (!rule) return 0;
  const once = rule.once !== undefined && (/,1h?$/.test(name) || /^(26|2e|36|3e|f0|f2|f3)*d[01]/.test(bytes));
  return once ? rule.once! : rule.always;
}

function exists(file: URL): boolean {
  try {
    return Deno.statSync(file).isFile;
  } catch {
    return false;
  }
}
