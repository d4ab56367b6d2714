/** What holds for every form: the decoder makes it, and it can be executed again after a fault. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { execute, type ExecuteHost } from "../../../emulator/ir/execute.ts";
import type { Decoded } from "../../../emulator/isa/isa.ts";
import { x86Isa, x86IsaOf } from "../../../emulator/x86/isa.ts";
import { VARIANT_NAMES, type VariantName, variantNamed } from "../../../emulator/x86/variant.ts";
import type { Mode } from "../../../emulator/x86/registers.ts";
import {
  CODE_LAST,
  gpr,
  segmentBase,
  segmentReadable,
  segmentWritable,
} from "../../../emulator/x86/slots.ts";
import { createState } from "../../support/named_state.ts";
import { random } from "./samples.ts";

/** Every opcode with every ModRM.reg, as register and as memory in both shapes, after several prefixes. */
function* allShapes(mode: Mode): Generator<Uint8Array> {
  const rex = mode === 64 ? [[0x48], [0x49]] : [];
  for (const prefix of [[], [0x66], [0x67], [0x66, 0x67], [0xf3], [0xf2], ...repeated(mode), ...rex]) {
    for (const segment of [[], [0x64]]) {
      if (segment.length > 0 && prefix.some((byte) => byte === 0xf3 || byte === 0xf2)) continue;
      for (let opcode = 0; opcode < 512; opcode++) {
        for (let reg = 0; reg < 8; reg++) {
          // The last two make fa and fb, of ENDBR.
          for (const modrm of [0x00, 0x04, 0xc0, 0xc1, 0xc2, 0xc3]) {
            const map = opcode >= 256 ? [0x0f, opcode & 0xff] : [opcode];
            // The byte after ModRM is a SIB byte with base and index; all else is zeros.
            const head = [...segment, ...prefix, ...map, modrm | reg << 3, modrm === 4 ? 0x08 : 0];
            yield Uint8Array.from({ length: 15 }, (_, i) => head[i] ?? 0);
          }
        }
      }
    }
  }
}

/** Repeat prefixes with every operand and address size. */
function repeated(mode: Mode): number[][] {
  const sizes = [[0x66], [], ...mode === 64 ? [[0x48]] : []];
  return [0xf3, 0xf2].flatMap((repeat) =>
    [[], [0x67]].flatMap((address) => sizes.map((size) => [repeat, ...address, ...size]))
  ).concat(mode === 64 ? [[0x67, 0x48]] : []);
}

/** One decoded instruction for each form. */
function instances(name: VariantName): Map<string, Decoded> {
  const found = new Map<string, Decoded>(), isa = x86IsaOf(variantNamed(name));
  for (const bytes of allShapes(variantNamed(name).mode)) {
    const decoded = isa.decode(bytes, 0x1000n);
    if (!("undecodable" in decoded) && !found.has(decoded.form.name)) found.set(decoded.form.name, decoded);
  }
  return found;
}

class Fault extends Error {}

function snapshot(state: ReturnType<typeof createState>): string {
  return Array.from({ length: 64 }, (_, i) => state.get64(128 + 8 * i)).join();
}

/** Runs with a fault at effect `failing` (from 0); gives whether one was raised. */
function runWithFault(decoded: Decoded, failing: number): boolean {
  const state = createState(), next = random(5);
  for (let i = 0; i < 16; i++) state.set64(gpr(i), BigInt(next()) << 32n | BigInt(next()));
  for (let i = 0; i < 6; i++) {
    state.set64(segmentBase(i), BigInt(next() & 0xffff));
    state.set64(segmentReadable(i), 0xffff_ffffn << 32n);
    state.set64(segmentWritable(i), 0xffff_ffffn << 32n);
  }
  state.set64(CODE_LAST, 0xffff_ffffn);
  const before = snapshot(state);
  let effect = 0, stored = false;
  const raise = () => {
    if (effect++ !== failing) return;
    assertEquals(snapshot(state), before, `${decoded.form.name}: effect ${failing} comes after a write`);
    throw new Fault();
  };
  const host: ExecuteHost = {
    state,
    load: () => {
      // ENTER copies frame pointers one by one.
      assert(!stored || decoded.form.name.startsWith("enter"), `${decoded.form.name}: a load after a store`);
      raise();
      return 5n;
    },
    store: () => {
      raise();
      stored = true;
    },
    trap: () => {
      raise();
      return 7n;
    },
  };
  try {
    execute(decoded, 0x1000n, host);
    return false;
  } catch (error) {
    if (error instanceof Fault) return true;
    throw error;
  }
}

for (const variant of VARIANT_NAMES) {
  Deno.test(`${variant}: every form is decodable, restartable and reads its own fields`, () => {
    const isa = x86IsaOf(variantNamed(variant)), found = instances(variant);
    assertEquals(isa.forms.map((f) => f.name).filter((name) => !found.has(name)), [], "never decoded");
    for (const [name, decoded] of found) {
      assertEquals(decoded.values.length, decoded.form.fields.length, name);
      decoded.form.fields.forEach((kind, i) => {
        assertEquals(typeof decoded.values[i], kind === "i64" ? "bigint" : "number", `${name}: field ${i}`);
      });
      for (let n = 0; runWithFault(decoded, n); n++) assert(n < 64, name);
    }
  });
}

Deno.test("x86Isa() has unique forms, few enough, and is built once", () => {
  for (const name of VARIANT_NAMES) {
    const isa = x86IsaOf(variantNamed(name)), { forms } = isa;
    assertEquals(isa.name, name);
    assertEquals(new Set(forms.map((f) => f.name)).size, forms.length);
    assert(forms.length <= 1500, `${forms.length} forms of ${name}`);
    assertStrictEquals(x86IsaOf({ ...variantNamed(name) }), isa);
  }
  for (const mode of [16, 32, 64] as const) assertEquals(x86Isa(mode).name, `x86-${mode}`);
  assertThrows(
    () => x86IsaOf({ mode: 32, stack: 32, selectors: "real", flat: false }),
    RangeError,
    "there is no 32-bit code with a 32-bit stack and real selectors",
  );
});
