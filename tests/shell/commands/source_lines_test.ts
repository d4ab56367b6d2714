/** Source lines at stops, in `list`, and as places for breakpoints, in a guest compiled with -g. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { startSession } from "./session.ts";

const SOURCE = `int total;
int add(int n) {
  total += n;
  return total;
}
void _start(void) {
  for (int i = 0; i < 3; i++)
    add(i);
  for (;;)
    ;
}
`;
const FLAGS = [
  "-g",
  "-O0",
  "-ffreestanding",
  "-nostdlib",
  "-static",
  "-fno-pic",
  "-no-pie",
  "-Wl,-Ttext=0x10000",
];

async function run(command: string, args: readonly string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args: [...args], stdout: "null", stderr: "null" }).output())
      .success;
  } catch {
    return false;
  }
}

Deno.test({
  name: "a guest compiled with -g is debugged by its lines",
  ignore: !await run("gcc", ["--version"]),
  async fn() {
    const folder = await Deno.makeTempDir(),
      source = join(folder, "adder.c"),
      file = join(folder, "adder.elf");
    await Deno.writeTextFile(source, SOURCE);
    const { session, type } = startSession();
    const built = await run("gcc", ["-m64", "-mno-red-zone", ...FLAGS, source, "-o", file]);
    if (!built) throw new Error("gcc could not compile the guest");
    await type(`load ${file}`);
    await type("set $rsp = 0x9000");
    assertStringIncludes(await type("break adder.c:3 if w[total] == 1"), "<add+");
    assertStringIncludes(await type("run"), "\nadder.c:3  total += n;\n");
    assertEquals(
      await type("list adder.c:3"),
      [
        "      1  int total;",
        "      2  int add(int n) {",
        "=>    3    total += n;",
        "      4    return total;",
        "      5  }",
        "      6  void _start(void) {",
        "      7    for (int i = 0; i < 3; i++)",
        "      8      add(i);",
        "      9    for (;;)",
        "     10      ;",
        "",
      ].join("\n"),
    );
    assertStringIncludes(await type("list"), "     11  }");
    assertStringIncludes(await type("until adder.c:9"), "UNTIL at 0x");
    assertStringIncludes(await type("break adder.c:99"), "has no code from line 99 on");
    await type("delete");
    await type("reset");
    await type("set $rsp = 0x9000");
    await type("tbreak adder.c:8");
    await type("run");
    assertStringIncludes(await type("step -l"), "\nadder.c:2  int add(int n) {\n");
    assertStringIncludes(await type("step --line"), "\nadder.c:3  total += n;\n");
    assertStringIncludes(await type("next -l 2"), "\nadder.c:5  }\n");
    assertStringIncludes(await type("finish"), "\nadder.c:7  for (int i = 0; i < 3; i++)\n");
    assertStringIncludes(await type("next -l"), "\nadder.c:8  add(i);\n");
    assertStringIncludes(await type("next -l"), "\nadder.c:7  for");
    // A snapshot has no lines of its own.
    await type("savevm here");
    await type("loadvm here");
    assertStringIncludes(await type("list add"), "int add(int n) {");
    await Deno.remove(source);
    const other = startSession();
    await other.type(`load ${file}`);
    assertStringIncludes(await other.type("list add"), "cannot be read from here");
    other.session.close();
    session.close();
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test("without debug information list says what to do", async () => {
  const { session, type } = startSession();
  await type("asm start: hlt");
  assertStringIncludes(await type("list"), "No source line is known for 0x1000: compile with -g");
  assertStringIncludes(await type("step -l"), "no source line is known here");
  assertStringIncludes(await type("list start.c:3"), "There is no symbol start.c");
  session.close();
});
