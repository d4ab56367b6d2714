/** Definitions expanded to forms: one per combination of operand shapes and widths. */
import type { Fields, Ops, Value } from "../ir/ops.ts";
import type { Form } from "../isa/isa.ts";
import { bindOperand, fieldsOf, type Shape } from "./operand.ts";
import { type Definition, type Encoding, type OperandSize, type OperandSpec, widthOf } from "./record.ts";
import type { Mode } from "./registers.ts";

/** Where a ModRM or moffs operand is: register, or memory in one of two shapes. */
export type Place = "r" | "m" | "x";

/** The shape of an operand in one form. */
export function shapeOf(spec: OperandSpec, size: OperandSize, place: Place): Shape {
  switch (spec.kind) {
    case "E":
    case "M":
    case "O":
      return place;
    case "I":
      return spec.size === "v" && size === 64 ? "i64" : "i";
    case "J":
      return "j";
    case "S":
    case "segment":
      return "s";
    case "one":
      return "i";
    default:
      return "r";
  }
}

function shapeName(shape: Shape, width: number): string {
  switch (shape) {
    case "x":
      return `mx${width}`;
    case "i":
    case "i64":
      return `imm${width}`;
    case "j":
      return "rel";
    case "s":
      return "sreg";
    default:
      return `${shape}${width}`;
  }
}

function cycleClass(definition: Definition, shapes: readonly Shape[]): string {
  const memory = shapes.findIndex((s) => s === "m" || s === "x");
  // Of the simple ones, it is the memory access that costs; LEA and NOP make none.
  if (memory < 0 || definition.cycleClass !== "alu" || definition.memory === "none") {
    return definition.cycleClass;
  }
  return memory === 0 ? definition.memory ?? "load" : "load";
}

/** The forms of one mode, made on demand and unique by name. */
export class FormSet {
  readonly #forms = new Map<string, { form: Form; definition: Definition }>();

  constructor(readonly mode: Mode) {}

  get all(): readonly Form[] {
    return [...this.#forms.values()].map((f) => f.form);
  }

  /** Throws TypeError where two definitions would make the same form. */
  formOf(encoding: Encoding, size: OperandSize, place: Place): Form {
    const { definition, cc } = encoding;
    const operands = definition.ignoresOperands ? [] : encoding.operands;
    const shapes = operands.map((spec) => shapeOf(spec, size, place));
    const widths = operands.map((spec) => widthOf(spec, size));
    const parts = shapes.map((shape, i) => shapeName(shape, widths[i]));
    const name = `${encoding.mnemonic}${definition.sized ? ` o${size}` : ""} ${parts.join(", ")}`.trim();
    const known = this.#forms.get(name);
    if (known !== undefined) {
      if (known.definition !== definition) throw new TypeError(`two definitions make the form "${name}"`);
      return known.form;
    }
    const mode = this.mode, instance = { mode, size, cc };
    const fields = shapes.map((shape) => fieldsOf(shape, mode));
    const starts: number[] = [];
    fields.reduce((start, f) => (starts.push(start), start + f.length), 0);
    const form: Form = {
      name,
      fields: fields.flat(),
      endsBlock: definition.endsBlock ?? false,
      cycleClass: cycleClass(definition, shapes),
      semantics<V extends Value>(b: Ops<V>, f: Fields<V>): void {
        definition.semantics(
          b,
          shapes.map((s, i) => bindOperand(s, widths[i], mode, f, starts[i])),
          instance,
        );
      },
    };
    this.#forms.set(name, { form, definition });
    return form;
  }
}
