/** Writes a WebAssembly module: imported functions, one imported memory, own functions, exports. */
import { Bytes } from "./bytes.ts";
import { FunctionWriter } from "./function_writer.ts";
import { TYPE, type ValueType } from "./opcodes.ts";

export interface Signature {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

const FUNCTION_REFERENCE = 0x70;
const PAGE = 65536;
const SECTION = { custom: 0, type: 1, import: 2, function: 3, export: 7, code: 10 } as const;

export class ModuleWriter {
  readonly #types: string[] = [];
  readonly #typeBytes: Uint8Array[] = [];
  readonly #imports: { module: string; name: string; type: number }[] = [];
  #table: { module: string; name: string; least: number } | undefined;
  readonly #functions: { type: number; writer: FunctionWriter; exportName?: string }[] = [];

  /** Index of the imported function. All imports come before the first `define`. */
  importFunction(module: string, name: string, signature: Signature): number {
    if (this.#functions.length > 0) throw new TypeError(`import ${name} comes after a defined function`);
    return this.#imports.push({ module, name, type: this.#type(signature) }) - 1;
  }

  /** Imports the table that `callIndirect` calls through, of at least so many functions. */
  importTable(module: string, name: string, least: number): void {
    this.#table = { module, name, least };
  }

  /** Index of a function type, for `callIndirect`. */
  type(signature: Signature): number {
    return this.#type(signature);
  }

  /** A new function of this module: its index and the writer for its body. */
  define(signature: Signature, exportName?: string): { index: number; code: FunctionWriter } {
    const code = new FunctionWriter(signature.parameters);
    this.#functions.push({ type: this.#type(signature), writer: code, exportName });
    return { index: this.#imports.length + this.#functions.length - 1, code };
  }

  /** The module's bytes. It imports its memory as `env.memory`, which has so many bytes at least. */
  finish(memory = PAGE): Uint8Array<ArrayBuffer> {
    const out = new Bytes().append(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    section(out, SECTION.type, this.#typeBytes, (bytes, type) => bytes.append(type));
    const imports = new Bytes().uleb(this.#imports.length + (this.#table ? 2 : 1));
    imports.name("env").name("memory").u8(2).u8(0).uleb(Math.ceil(memory / PAGE));
    if (this.#table) {
      const { module, name, least } = this.#table;
      imports.name(module).name(name).u8(1).u8(FUNCTION_REFERENCE).u8(0).uleb(least);
    }
    for (const { module, name, type } of this.#imports) imports.name(module).name(name).u8(0).uleb(type);
    out.u8(SECTION.import).uleb(imports.length).append(imports.finish());
    section(out, SECTION.function, this.#functions, (bytes, { type }) => bytes.uleb(type));
    const exported = this.#functions.flatMap(({ exportName }, i) => exportName ? [{ exportName, i }] : []);
    section(out, SECTION.export, exported, (bytes, { exportName, i }) => {
      bytes.name(exportName).u8(0).uleb(this.#imports.length + i);
    });
    this.#writeHints(out);
    section(out, SECTION.code, this.#functions, (bytes, { writer }) => bytes.append(writer.finish()));
    return out.finish();
  }

  /** The hints stand before the code. */
  #writeHints(out: Bytes): void {
    const hinted = this.#functions.flatMap(({ writer }, i) => {
      const hints = writer.hints();
      return hints ? [{ index: this.#imports.length + i, hints }] : [];
    });
    if (hinted.length === 0) return;
    const bytes = new Bytes().name("metadata.code.branch_hint").uleb(hinted.length);
    for (const { index, hints } of hinted) bytes.uleb(index).append(hints);
    out.u8(SECTION.custom).uleb(bytes.length).append(bytes.finish());
  }

  #type({ parameters, results }: Signature): number {
    const key = `${parameters}>${results}`;
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    const bytes = new Bytes().u8(0x60).uleb(parameters.length);
    for (const type of parameters) bytes.u8(TYPE[type]);
    bytes.uleb(results.length);
    for (const type of results) bytes.u8(TYPE[type]);
    this.#typeBytes.push(bytes.finish());
    return this.#types.push(key) - 1;
  }
}

function section<T>(
  out: Bytes,
  id: number,
  items: readonly T[],
  write: (bytes: Bytes, item: T) => void,
): void {
  const bytes = new Bytes().uleb(items.length);
  for (const item of items) write(bytes, item);
  out.u8(id).uleb(bytes.length).append(bytes.finish());
}
