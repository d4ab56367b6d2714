/** Forms read as steps for a handler: one, or a pair that is worth a handler of its own. */
import { EmitOps, type Recording } from "../ir/emit.ts";
import { Node, type Step } from "../ir/nodes.ts";
import type { Form, Isa } from "../isa/isa.ts";

/** The forms that one handler executes. The fields of a second one count on from those of the first. */
export type Sequence = readonly [Form] | readonly [Form, Form];

/** What a handler does: the first of two forms, then the last one. */
export function readSteps(isa: Isa, forms: Sequence): { before: Step[]; steps: Step[] } {
  const steps: Step[] = [], recording = recordingOf(isa, forms, steps);
  let start = 0, field = 0;
  for (const form of forms) {
    const base = field;
    start = steps.length;
    form.semantics(new EmitOps(recording), {
      slot: (index) => ({ field: base + index }),
      value: (index, width) => new Node(width, { kind: "field", field: base + index }),
    });
    field += form.fields.length;
  }
  return { before: steps.slice(0, start), steps: steps.slice(start) };
}

/**
 * Whether two forms are better executed by one handler: the second branches by flags that the first has just made, which
 * are then had from its operands. Neither can leave half-way, so nobody sees the moment between them.
 */
export function isPair(isa: Isa, first: Form, second: Form): boolean {
  if (first.endsBlock || !second.endsBlock) return false;
  const steps: Step[] = [], recording = recordingOf(isa, [first, second], steps);
  const fields = {
    slot: (field: number) => ({ field }),
    value: (field: number, width: Node["width"]) => new Node(width, { kind: "field", field }),
  };
  first.semantics(new EmitOps(recording), fields);
  if (recording.recipes.length === 0 || !steps.every(isPlain)) return false;
  steps.length = 0;
  second.semantics(new EmitOps(recording), fields);
  const last = steps.pop();
  return last?.kind === "branch" && last.condition !== undefined && steps.every(isQuiet);
}

function recordingOf(isa: Isa, forms: Sequence, steps: Step[]): Recording {
  return {
    steps,
    fuses: forms.length > 1,
    recipes: [],
    trapNumber: (name) => {
      const number = isa.traps.indexOf(name);
      if (number >= 0) return number;
      throw new TypeError(
        `form "${forms[forms.length - 1].name}" raises trap "${name}", which ${isa.name} lacks`,
      );
    },
  };
}

/** A step that asks nobody. */
function isQuiet(step: Step): boolean {
  if (step.kind === "write") return true;
  return step.kind === "value" && step.node.source.kind !== "load" && step.node.source.kind !== "trap";
}

/** The same, and its meaning does not depend on where the instruction is. */
function isPlain(step: Step): boolean {
  return isQuiet(step) &&
    !(step.kind === "value" && (step.node.source.kind === "pc" || step.node.source.kind === "nextPc"));
}
