/** What a sweep is, so that results of another one are not mixed with its own: parameters, texts of modules, trapsh itself. */
import { basename, dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../errors.ts";
import { VERSION } from "../version.ts";
import { cellCount } from "./product.ts";
import type { SweepParameters, SweepValue } from "./definition.ts";

/** JSON that a module of trapsh's own gets with each cell. */
export type SweepInput = Readonly<Record<string, SweepValue | readonly string[] | null>>;

/** Equal for equal sweeps, on every machine: no absolute path, no time. */
export interface SweepIdentity {
  /** The module's file name. */
  readonly name: string;
  /** A line to stand above the table. */
  readonly title?: string;
  /** Version of trapsh. */
  readonly version: string;
  /** Hash of trapsh's own modules: whoever works on the emulator does not change the version each time. */
  readonly sources: string;
  /** Hashes of the module and what it imports by relative paths, counted from its folder. */
  readonly files: Readonly<Record<string, string>>;
  readonly input?: SweepInput;
  readonly parameters: SweepParameters;
}

const ROOT = new URL("../../", import.meta.url);
const OWN_FOLDERS = ["emulator", "shell", "transports"];
/** Relative imports, static or not. What stands in a comment may match: a file that is not there is passed over. */
const IMPORT = /\b(?:from|import)\s*\(?\s*(["'])(\.{1,2}\/.+?)\1/g;

/** The identity of the sweep in `path` (absolute), with `also` further files that it depends on. */
export async function identify(
  path: string,
  sweep: { title?: string; parameters: SweepParameters; input?: SweepInput; also?: readonly string[] },
): Promise<SweepIdentity> {
  const { title, parameters, input, also = [] } = sweep;
  const texts = new Map<string, string>();
  for (const file of [path, ...also]) await collect(file, texts);
  // Trapsh's own module is none of its files, and where it lies is nobody's business.
  const folder = dirname(isOwn(path) && also.length > 0 ? also[0] : path);
  const files: Record<string, string> = {};
  for (const file of [...texts.keys()].sort()) {
    files[relative(folder, file).replaceAll("\\", "/")] = await hash(texts.get(file)!);
  }
  return {
    name: basename(path),
    ...(title !== undefined && { title }),
    version: VERSION,
    sources: await ownSources(),
    // By name: paths outside of the folder sort differently on another machine.
    files: Object.fromEntries(Object.entries(files).sort(([a], [b]) => a < b ? -1 : 1)),
    ...(input !== undefined && { input }),
    parameters,
  };
}

/** `path` and what it imports from files, each once; without trapsh's own, which are hashed together. */
async function collect(path: string, texts: Map<string, string>): Promise<void> {
  if (texts.has(path) || isOwn(path)) return;
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.IsADirectory) return;
    throw error;
  }
  texts.set(path, text);
  if (!/\.[cm]?[jt]sx?$/.test(path)) return;
  for (const [, , specifier] of text.matchAll(IMPORT)) {
    await collect(resolve(dirname(path), specifier), texts);
  }
}

function isOwn(path: string): boolean {
  if (ROOT.protocol !== "file:") return false;
  const from = relative(fileURLToPath(ROOT), path).replaceAll("\\", "/");
  return from === "mod.ts" || OWN_FOLDERS.includes(from.split("/")[0]);
}

/**
 * One hash over trapsh's modules and profiles; where they are no files, the version alone has to do. What is loaded stays
 * what it is while the process runs: they are read once.
 */
const ownSources = once(hashSources);

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}

async function hashSources(): Promise<string> {
  if (ROOT.protocol !== "file:") return "";
  const files: string[] = ["mod.ts"];
  for (const folder of OWN_FOLDERS) await listModules(folder, files);
  const parts = await Promise.all(
    files.sort().map(async (file) => {
      const text = await Deno.readTextFile(new URL(file, ROOT)).catch(() => "");
      return `${file} ${text.length}\n${text}`;
    }),
  );
  return await hash(parts.join("\n"));
}

async function listModules(folder: string, files: string[]): Promise<void> {
  for await (const entry of Deno.readDir(new URL(`${folder}/`, ROOT))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) await listModules(path, files);
    else if (/\.([jt]s|json)$/.test(entry.name)) files.push(path);
  }
}

/** 64 bits of SHA-256 in hexadecimal: against accidents, not against attackers. */
async function hash(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return bytes.subarray(0, 8).toHex();
}

/** A short name for an identity. */
export function identityHash(identity: SweepIdentity): Promise<string> {
  return hash(JSON.stringify(identity));
}

/** In what they differ, for people; empty if they are equal. */
export function differences(was: SweepIdentity, is: SweepIdentity): string[] {
  const found: string[] = [];
  const differ = (what: string, a: unknown, b: unknown) => {
    if (JSON.stringify(a) !== JSON.stringify(b)) found.push(`${what} was ${show(a)} and is ${show(b)}`);
  };
  differ("the module", was.name, is.name);
  differ("trapsh", was.version, is.version);
  if (was.version === is.version && was.sources !== is.sources) {
    found.push("trapsh's own sources have changed");
  }
  for (const name of keysOf(was.files, is.files)) {
    const [a, b] = [was.files[name], is.files[name]];
    if (a !== b) {
      found.push(`${name} ${a === undefined ? "is new" : b === undefined ? "is gone" : "has changed"}`);
    }
  }
  for (const name of keysOf(was.parameters, is.parameters)) {
    differ(`the parameter ${name}`, was.parameters[name], is.parameters[name]);
  }
  const order = (identity: SweepIdentity) => Object.keys(identity.parameters);
  if (found.length === 0) differ("the order of parameters", order(was), order(is));
  for (const name of keysOf(was.input ?? {}, is.input ?? {})) {
    differ(name, was.input?.[name], is.input?.[name]);
  }
  if (found.length === 0) differ("the title", was.title, is.title);
  return found;
}

function keysOf(...objects: readonly object[]): Set<string> {
  return new Set(objects.flatMap((one) => Object.keys(one)));
}

function show(value: unknown): string {
  if (value === undefined) return "not there";
  const text = Array.isArray(value) ? value.join(",") : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

/** What the first line of a journal holds, checked. Throws `UserError`. */
export function checkIdentity(given: unknown, where: string): SweepIdentity {
  const it = given as Partial<SweepIdentity> | null | undefined;
  const fine = typeof it === "object" && it !== null && typeof it.name === "string" &&
    typeof it.version === "string" && typeof it.sources === "string" && isRecord(it.files) &&
    isRecord(it.parameters) &&
    Object.values(it.parameters!).every((values) => Array.isArray(values) && values.length > 0);
  if (!fine) throw new UserError(`${where} is no journal of a sweep`);
  cellCount(it.parameters!);
  return given as SweepIdentity;
}

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
