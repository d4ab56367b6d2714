/**
 * The list that a definition leaves behind when it is read for WebAssembly: values in the order of their
 * making, effects between them. `emit.ts` records it, `lower.ts` turns it into code.
 *
 * Values of 32 bits and fewer are i32, of 64 bits i64. The bits of an 8- or 16-bit value above its width
 * may be garbage (`dirty`) until someone needs them clean: sums and products need not be masked each time.
 */
import type { Opcode, ValueType } from "../wasm/opcodes.ts";
import type { KeptRecipe } from "./keeper.ts";
import type { AccessOptions, FieldRef, Value, Width } from "./ops.ts";

/** How a value is computed. */
export type Source =
  | { readonly kind: "constant"; readonly value: bigint }
  /** A WebAssembly operator over operands; no effect, so it may be computed late or not at all. */
  | { readonly kind: "operator"; readonly emit: readonly Opcode[]; readonly operands: readonly Node[] }
  | { readonly kind: "select"; readonly operands: readonly Node[] }
  | { readonly kind: "slot"; readonly slot: number | FieldRef }
  | { readonly kind: "field"; readonly field: number }
  | { readonly kind: "pc" }
  | { readonly kind: "nextPc" }
  | { readonly kind: "load"; readonly operands: readonly Node[]; readonly options: AccessOptions }
  | {
    readonly kind: "trap";
    readonly trap: number;
    readonly operands: readonly Node[];
    /** It never comes back to the instruction. */
    readonly final: boolean;
  };

export class Node implements Value {
  /** How many consumers; one that is never used is not computed unless it is an effect. */
  uses = 0;
  /** The local that holds it once it is computed, or -1. */
  local = -1;

  constructor(readonly width: Width, readonly source: Source, readonly dirty = false) {
    if ("operands" in source) { for (const operand of source.operands) operand.uses++; }
  }

  get type(): ValueType {
    return this.width === 64 ? "i64" : "i32";
  }

  /** The value, if it is known when code is made. */
  get constant(): bigint | undefined {
    return this.source.kind === "constant" ? this.source.value : undefined;
  }
}

/** What happens, in order. */
export type Step =
  | { readonly kind: "value"; readonly node: Node }
  | { readonly kind: "write"; readonly slot: number | FieldRef; readonly value: Node }
  | { readonly kind: "store"; readonly address: Node; readonly value: Node; readonly options: AccessOptions }
  | { readonly kind: "when"; readonly condition: Node; readonly then: readonly Step[] }
  | { readonly kind: "branch"; readonly target: Node; readonly condition?: Node }
  /** Slots of flags are kept as what their recipe is made of, in a region only: see `keeper.ts`. */
  | { readonly kind: "keep"; readonly recipe: KeptRecipe }
  /** Such slots become what the recipe writes; `all`: nothing is kept then. */
  | {
    readonly kind: "settle";
    /** Its group, whether a recipe is kept or not. */
    readonly group: number;
    readonly recipe: KeptRecipe | undefined;
    readonly slots: readonly number[];
    readonly all: boolean;
  };
