/** Rules of `ops.ts` that every definition of both architectures keeps, and the readers rely on. */
import { assertEquals, assertThrows } from "@std/assert";
import { EmitOps } from "../../../emulator/ir/emit.ts";
import { execute } from "../../../emulator/ir/execute.ts";
import { Node, type Step } from "../../../emulator/ir/nodes.ts";
import type { Form } from "../../../emulator/isa/isa.ts";
import { ppcIsa } from "../../../emulator/ppc/isa.ts";
import { x86IsaOf } from "../../../emulator/x86/isa.ts";
import { VARIANT_NAMES, variantNamed } from "../../../emulator/x86/variant.ts";
import { createState } from "../../support/named_state.ts";

function stepsOf(form: Form): Step[] {
  const steps: Step[] = [];
  const ops = new EmitOps({ steps, fuses: false, recipes: [], trapNumber: () => 0 });
  form.semantics(ops, {
    slot: (field) => ({ field }),
    value: (field, width) => new Node(width, { kind: "field", field }),
  });
  return steps;
}

/** Whether anything follows that is not only a value. */
const branchesEarly = (steps: readonly Step[]): boolean => {
  const at = steps.findIndex(({ kind }) => kind === "branch");
  return (at >= 0 && steps.slice(at + 1).some(({ kind }) => kind !== "value")) ||
    steps.some((step) => step.kind === "when" && branchesEarly(step.then));
};

for (const isa of [...VARIANT_NAMES.map((name) => x86IsaOf(variantNamed(name))), ppcIsa(32), ppcIsa(64)]) {
  Deno.test(`no definition of ${isa.name} does anything after it has branched`, () => {
    assertEquals(isa.forms.filter((form) => branchesEarly(stepsOf(form))).map(({ name }) => name), []);
  });
}

Deno.test("the readers refuse what the operations do not allow", () => {
  const run = (semantics: Form["semantics"]) => {
    const form: Form = { name: "f", fields: [], endsBlock: false, cycleClass: "", semantics };
    return () =>
      execute({ form, values: [], length: 1 }, 0n, {
        state: createState(),
        load: () => 0n,
        store: () => {},
        trap: () => 0n,
      });
  };
  assertThrows(
    run((b) => void b.add(b.constant(8, 1), b.constant(16, 1))),
    TypeError,
    "operands of 8 and 16 bits",
  );
  assertThrows(
    run((b) => void b.shl(b.constant(8, 1), b.constant(8, 32))),
    TypeError,
    "shift of 8 bits by 32",
  );
  assertThrows(run((b) => void b.divu(b.constant(32, 1), b.constant(32, 0))), TypeError, "division by zero");
  assertThrows(run((b) => void b.clz(b.constant(16, 1))), TypeError, "operand of 16 bits");
  assertThrows(run((b) => void b.zext(b.constant(16, 1), 8)), TypeError, "narrows");
  assertThrows(run((b) => void b.trunc(b.constant(8, 1), 16)), TypeError, "widens");
  assertThrows(run((b) => void b.branch(b.constant(32, 1))), TypeError, "branch target has 32 bits");
  assertThrows(run((b) => b.when(b.constant(8, 1), () => {})), TypeError, "condition of 8 bits");
});
