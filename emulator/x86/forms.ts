/** Definitions expanded to forms: one per combination of operand shapes and widths. */
import type { Fields, Ops, Value } from "../ir/ops.ts";
import type { Form } from "../isa/isa.ts";
import { bindOperand, fieldsOf, type Shape } from "./operand.ts";
import {
  addressWidth,
  bytesOf,
  type Definition,
  type Encoding,
  type OperandSize,
  type OperandSpec,
  widthOf,
} from "./record.ts";
import type { Variant } from "./variant.ts";

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
    case "X":
      return "source";
    case "Y":
      return "destination";
    case "A":
      return "far";
    case "B":
      return "table";
    case "C":
    case "D":
    case "L":
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
      return width === 64 ? "simm32" : `imm${width}`;
    case "i64":
      return "imm64";
    case "j":
      return "rel";
    case "s":
      return "sreg";
    case "source":
    case "destination":
    case "table":
      return `mem${width}`;
    case "far":
      return `ptr${width}`;
    default:
      return `${shape}${width}`;
  }
}

function operandName({ kind, size }: OperandSpec, shape: Shape, width: number): string {
  if (kind === "C" || kind === "D") return kind === "C" ? "creg" : "dreg";
  return shapeName(shape, width) + size.replace(/[^fpa]/, "");
}

const MEMORY: ReadonlySet<Shape> = new Set(["m", "x", "source", "destination", "table"]);

function cycleClass(definition: Definition, shapes: readonly Shape[]): string {
  const memory = shapes.findIndex((s) => MEMORY.has(s));
  // Of the simple ones, it is the memory access that costs; LEA and NOP make none.
  if (memory < 0 || definition.cycleClass !== "alu" || definition.memory === "none") {
    return definition.cycleClass;
  }
  return memory === 0 ? definition.memory ?? "load" : "load";
}

/** The forms of one variant, made on demand and unique by name. */
export class FormSet {
  readonly #forms = new Map<string, { form: Form; definition: Definition }>();

  constructor(readonly variant: Variant) {}

  get all(): readonly Form[] {
    return [...this.#forms.values()].map((f) => f.form);
  }

  /** Throws TypeError where two definitions would make the same form. */
  formOf(encoding: Encoding, size: OperandSize, place: Place): Form {
    const { definition, cc, prefix } = encoding;
    const { variant } = this, { mode } = variant;
    const address = addressWidth(mode, encoding.otherAddress);
    // REPNE means REP where no flag is compared.
    const mnemonic = definition.repeats === "rep"
      ? encoding.mnemonic.replace("repne", "rep")
      : encoding.mnemonic;
    const repeats = definition.repeats !== undefined && (prefix === "f2" || prefix === "f3");
    const repeat = repeats ? prefix : undefined;
    const operands = definition.ignoresOperands ? [] : encoding.operands;
    const shapes = operands.map((spec) => shapeOf(spec, size, place));
    const widths = operands.map((spec) => widthOf(spec, size));
    const parts = operands.map((spec, i) => operandName(spec, shapes[i], widths[i]));
    const sizes = (definition.sized ? ` o${size}` : "") + (encoding.otherAddress ? ` a${address}` : "");
    const name = `${mnemonic}${sizes} ${parts.join(", ")}`.trim();
    const fields = shapes.map((shape) => fieldsOf(shape, mode));
    const known = this.#forms.get(name);
    if (known !== undefined) {
      if (known.definition !== definition) throw new TypeError(`two definitions make the form "${name}"`);
      // Whichever is met first makes the form of both.
      if (known.form.fields.join() !== fields.flat().join()) {
        throw new TypeError(`two encodings make the form "${name}" with other fields`);
      }
      return known.form;
    }
    const instance = { mode, variant, size, cc, address, repeat };
    const bytes = operands.map((spec) => bytesOf(spec, size));
    const starts: number[] = [];
    fields.reduce((start, f) => (starts.push(start), start + f.length), 0);
    const form: Form = {
      name,
      fields: fields.flat(),
      endsBlock: repeats || (definition.endsBlock ?? false),
      cycleClass: cycleClass(definition, shapes),
      semantics<V extends Value>(b: Ops<V>, f: Fields<V>): void {
        definition.semantics(
          b,
          shapes.map((s, i) =>
            bindOperand(s, {
              width: widths[i],
              bytes: bytes[i],
              mode,
              variant,
              address,
              fields: f,
              index: starts[i],
            })
          ),
          instance,
        );
      },
    };
    this.#forms.set(name, { form, definition });
    return form;
  }
}
