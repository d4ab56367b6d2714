/**
 * Compiles C guests. `buildGuests()` is what tests call: it runs this file as a program of its own, which may run
 * the compilers that are installed and the native program that they make, and nothing else. So the tests need no
 * more than their permission to run `deno`, and nothing is ever installed.
 */
import { deno } from "./readme.ts";
import { type GuestTarget, isInstalled, type Optimisation, OPTIMISATIONS, TARGETS } from "./guest_targets.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const GUESTS = `${ROOT}scripts/guests`;
const NATIVE_COMPILER = "gcc";
/** Sources that print the same whenever they run. */
const PRINTING = ["all", "float"] as const;
export type Source = typeof PRINTING[number] | "copy" | "virtio" | "probe" | "drivers";

export interface BuiltGuests {
  /** What the sources print when they are compiled for this machine, with its own C library. */
  readonly printed: Readonly<Record<typeof PRINTING[number], string>>;
  /** The ELF file for a target. */
  image(target: GuestTarget, source: Source, optimisation: Optimisation): Uint8Array;
}

/** Which sources are compiled at which optimisation; the others, small enough for the oracle, are not needed twice. */
function buildsFor(target: GuestTarget): { source: Source; optimisation: Optimisation }[] {
  const twice: Source[] = target.float ? ["all", "float"] : ["all"];
  return [
    ...OPTIMISATIONS.flatMap((optimisation) => twice.map((source) => ({ source, optimisation }))),
    { source: "copy", optimisation: "-O2" },
    { source: "virtio", optimisation: "-O2" },
    { source: "probe", optimisation: "-O2" },
    { source: "drivers", optimisation: "-O2" },
  ];
}

/** What only tests of its own need, which name it. */
const BY_NAME: readonly string[] = ["virtio", "drivers"];

/**
 * Compiles for every target whose compiler is installed: the guests that are named, none of them native, or all but those
 * that tests have to name.
 * Throws `Error` with the compiler's words.
 */
export async function buildGuests(
  ...only: readonly Exclude<Source, "all" | "float">[]
): Promise<BuiltGuests> {
  const folder = await Deno.makeTempDir({ prefix: "trapsh-guests-" });
  const compilers = new Set(
    [NATIVE_COMPILER, ...TARGETS.map(({ compiler }) => compiler)].filter(isInstalled),
  );
  const programs = [...compilers, ...PRINTING.map((source) => native(folder, source))].join(",");
  const { code, stdout, stderr } = await deno(ROOT, [
    "run",
    "--no-prompt",
    "--allow-read",
    "--allow-env",
    `--allow-run=${programs}`,
    new URL(import.meta.url).pathname,
    folder,
    ...only,
  ]);
  try {
    if (code !== 0) throw new Error(`the guests were not compiled: ${stderr}`);
    const images = new Map<string, Uint8Array>();
    for (const { name } of Deno.readDirSync(folder)) images.set(name, Deno.readFileSync(`${folder}/${name}`));
    return {
      printed: JSON.parse(stdout),
      image: (target, source, optimisation) => images.get(imageName(target, source, optimisation))!,
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function imageName({ name }: GuestTarget, source: Source, optimisation: Optimisation): string {
  return `${source}.${name}${optimisation}.elf`;
}

function native(folder: string, source: Source): string {
  return `${folder}/${source}.native`;
}

/** A folder's sources, as a shell's `runtime/*.[cS]` gives them. */
function sourcesIn(folder: "runtime" | "driver"): string[] {
  return [...Deno.readDirSync(`${GUESTS}/${folder}`)].map(({ name }) => name)
    .filter((name) => /\.[cS]$/.test(name)).sort().map((name) => `${GUESTS}/${folder}/${name}`);
}

/** The compiler's arguments for one guest. */
function compileArguments(target: GuestTarget, source: Source, optimisation: string, out: string): string[] {
  return [
    ...target.options,
    `@${GUESTS}/runtime/${target.flags}`,
    ...(source === "float" ? target.float ?? [] : []),
    optimisation,
    ...["-T", `${GUESTS}/runtime/guest.ld`],
    ...sourcesIn("runtime"),
    ...(source === "drivers" ? sourcesIn("driver") : []),
    `${GUESTS}/${source}.c`,
    ...["-Wall", "-Wextra", "-Werror", "-o", out],
  ];
}

async function run(program: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  const decoder = new TextDecoder();
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

/** Two at a time: the machines that test this have two processors at least. */
async function inPairs(work: readonly (() => Promise<unknown>)[]): Promise<void> {
  const left = [...work];
  const worker = async () => {
    for (let next = left.shift(); next; next = left.shift()) await next();
  };
  await Promise.all([worker(), worker()]);
}

async function main(folder: string, only: readonly string[]): Promise<void> {
  const isWanted = (source: string) => only.length === 0 ? !BY_NAME.includes(source) : only.includes(source);
  const printed: Record<string, string> = {};
  await inPairs([
    ...PRINTING.filter(isWanted).map((source) => async () => {
      const out = native(folder, source);
      await run(NATIVE_COMPILER, [
        "-std=gnu11",
        "-fno-builtin",
        "-ffp-contract=off",
        "-O1",
        `${GUESTS}/${source}.c`,
        "-o",
        out,
      ]);
      printed[source] = await run(out, []);
    }),
    ...TARGETS.filter(({ compiler }) => isInstalled(compiler)).flatMap((target) =>
      buildsFor(target).filter(({ source }) => isWanted(source)).map(
        ({ source, optimisation }) => async () => {
          const out = `${folder}/${imageName(target, source, optimisation)}`;
          await run(target.compiler, compileArguments(target, source, optimisation, out));
        },
      )
    ),
  ]);
  console.log(JSON.stringify(printed));
}

if (import.meta.main) await main(Deno.args[0], Deno.args.slice(1));
