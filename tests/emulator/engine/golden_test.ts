/** What two definitions become, as a handler and as a region: a change of the emitted code shows as a diff. */
import { HANDLER, interpreterBytes } from "../../../emulator/engine/interpreter_module.ts";
import { regionBytes } from "../../../emulator/engine/region.ts";
import type { Form, Isa } from "../../../emulator/isa/isa.ts";
import { functionText } from "../wasm/wasm_text.ts";

const FLAG = 248;

/** Counts a slot down, its zero flag lazily. */
const down: Form = {
  name: "down slot",
  fields: ["slot"],
  endsBlock: false,
  cycleClass: "alu",
  semantics(b, f) {
    const result = b.sub(b.read(f.slot(0), 32), b.constant(32, 1));
    b.write(f.slot(0), result);
    b.flags({
      writes: [[FLAG, b.zext(result, 64)]],
      conditions: { z: () => b.eq(result, b.constant(32, 0)) },
      operands: [result],
    });
  },
};

/** Branches while the flag is not zero: in a region straight from the result. */
const unlessZero: Form = {
  name: "unless zero",
  fields: ["i64"],
  endsBlock: true,
  cycleClass: "branch",
  semantics(b, f) {
    const zero = b.condition("z", () => b.eq(b.read(FLAG, 64), b.constant(64, 0)));
    b.branchIf(b.not(zero), f.value(0, 64));
  },
};

const isa: Isa = {
  name: "golden",
  addressWidth: 64,
  order: "le",
  maxLength: 1,
  forms: [down, unlessZero],
  traps: [],
  registers: [],
  reset: new Map(),
  decode: () => ({ undecodable: true, length: 1, reason: "nothing is decoded" }),
  disassemble: () => undefined,
};

Deno.test("an interpreter of two forms", async (t) => {
  // Function 0 makes the state precise, function 1 runs.
  await t.assertSnapshot(
    functionText(
      interpreterBytes({
        isa,
        cpu: 0,
        handlers: isa.forms.map((form) => ({ forms: [form] as const })),
        from: HANDLER.forms,
      }),
      1,
    ),
  );
});

Deno.test("a region of a loop", async (t) => {
  const { bytes } = regionBytes(isa, [
    {
      pc: 0x1000n,
      nextPc: 0x1001n,
      cost: 1,
      decoded: { form: down, length: 1, values: [128], relative: false },
    },
    {
      pc: 0x1001n,
      nextPc: 0x1002n,
      cost: 2,
      decoded: { form: unlessZero, length: 1, values: [0x1000n], relative: true },
    },
  ]);
  await t.assertSnapshot(functionText(bytes, 0));
});
