import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { startSession } from "./session.ts";

Deno.test("profile changes the price of what is to come, and keeps the machine", async () => {
  const { session, type } = startSession();
  await type("asm hlt");
  const { vm } = session;
  assertStringIncludes(await type("profile pci-testdev"), "pci-testdev:");
  assertEquals(session.vm, vm);
  await type("out.b 0x80 1");
  assertStringIncludes(await type("info exits"), "profile pci-testdev");
  session.close();
});

Deno.test("info exits under prices again without running again", async () => {
  const { session, type } = startSession();
  await type("out.b 0x80 1");
  const before = await type("info exits");
  assertStringIncludes(await type("info exits under kvm-unit-tests-2012"), "profile kvm-unit-tests-2012");
  assertEquals(await type("info exits"), before);
  session.close();
});

Deno.test("profile takes a user's file, and says what is wrong in one", async () => {
  const folder = await Deno.makeTempDir();
  const file = join(folder, "mine.json");
  const figure = (cycles: number) => ({ cycles, provenance: "assumed", note: "an example" });
  const mine = {
    name: "mine",
    title: "an example",
    arch: "x86",
    source: "nobody",
    tscHz: { hz: 1e9, provenance: "assumed" },
    instructions: { default: figure(1) },
    stages: {
      default: { worldSwitch: figure(100), dispatch: figure(10), decode: figure(0), userspace: figure(1000) },
    },
    published: [],
  };
  await Deno.writeTextFile(file, JSON.stringify(mine));
  const { session, type } = startSession();
  assertStringIncludes(await type(`profile ${file}`), "mine: an example");
  assertStringIncludes(
    await type("out.b 0x80 1"),
    "1110 cycles = 100 world switch + 10 dispatch + 1000 userspace",
  );
  await type("exits reset");
  await Deno.writeTextFile(file, "{");
  assertStringIncludes(await type(`profile ${file}`), "error:");
  await Deno.writeTextFile(file, JSON.stringify({ ...mine, arch: "mips" }));
  assertStringIncludes(await type(`profile ${file}`), "arch");
  assertStringIncludes(await type(`profile ${join(folder, "none.json")}`), "cannot be read");
  session.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("profile shows figures with their provenance", async (t) => {
  const { session, type } = startSession();
  await t.assertSnapshot(await type("profile tsirkin-2013"));
  session.close();
});

Deno.test("compare shows every cell of the matrix", async (t) => {
  const { session, type } = startSession();
  await t.assertSnapshot(await type("compare echo 1 0x2a"));
  session.close();
});
