/** A C guest compiled with its lines, so that GDB shows source. */
import type { GuestTarget } from "../../support/guest_targets.ts";

const RUNTIME = new URL("../../../scripts/guests/runtime", import.meta.url).pathname;

export const SOURCE = [
  "static volatile int total;",
  "",
  "__attribute__((noinline)) int add(int a, int b)",
  "{",
  "  total += a;",
  "  return a + b;",
  "}",
  "",
  "int main(void)",
  "{",
  "  int sum = 0;",
  "  for (int i = 1; i <= 3; i++)",
  "    sum = add(i, sum);",
  "  return sum;",
  "}",
];

export interface LinedGuest {
  readonly image: Uint8Array;
  /** The ELF file, for GDB. */
  readonly file: string;
  remove(): Promise<void>;
}

/** Throws `Error` with the compiler's words. */
export async function compiledWithLines(target: GuestTarget): Promise<LinedGuest> {
  const folder = await Deno.makeTempDir({ prefix: "trapsh-gdb-" });
  const source = `${folder}/sums.c`, file = `${folder}/sums.elf`;
  await Deno.writeTextFile(source, `${SOURCE.join("\n")}\n`);
  const runtime = [...Deno.readDirSync(RUNTIME)].map(({ name }) => name).filter((name) =>
    /\.[cS]$/.test(name)
  );
  const { code, stderr } = await new Deno.Command(target.compiler, {
    args: [
      ...target.options,
      `@${RUNTIME}/${target.flags}`,
      ...["-g", "-O0", "-T", `${RUNTIME}/guest.ld`],
      ...runtime.sort().map((name) => `${RUNTIME}/${name}`),
      ...[source, "-o", file],
    ],
  }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  return {
    image: await Deno.readFile(file),
    file,
    remove: () => Deno.remove(folder, { recursive: true }),
  };
}
