import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { saveVm } from "../../../emulator/machine/snapshot/snapshot.ts";
import { startSession } from "./session.ts";

Deno.test("savevm and loadvm go back to where the machine was, and on", async () => {
  const { session, type } = startSession();
  await type("arch x86");
  await type("asm at 0x1000 again: inc eax");
  await type("asm jmp again");
  await type("run 11");
  assertStringIncludes(await type("savevm here"), "11 instructions");
  const bytes = saveVm(session.vm);
  await type("run 100");
  await type("break 0x1002");
  assertStringIncludes(await type("loadvm here"), "on vmx");
  assertEquals(saveVm(session.vm), bytes);
  assertEquals(session.vm.breakpoints.list().length, 1);
  assertStringIncludes(await type("print $eax"), "6");
  assertStringIncludes(await type("loadvm here on svm"), "on svm");
  assertEquals([session.settings.backend, session.vm.backend.name], ["svm", "svm"]);
  assertStringIncludes(await type("loadvm here on kvm-hv"), "there is no backend kvm-hv for x86");
  assertStringIncludes(await type("loadvm there"), "There is no snapshot there: there is here");
  assertStringIncludes(await type("info snapshots"), "x86 64-bit on vmx");
  await type("arch ppc");
  assertStringIncludes(await type("loadvm here"), "here: ");
  assertStringIncludes(await type("arch"), "x86, 64-bit, on vmx");
  assertStringIncludes(await type("delvm here"), "deleted here");
  assertStringIncludes(await type("info snapshots"), "no snapshots");
  session.close();
});

Deno.test("loadvm gives events of the session their signals again, and names those that wait", async () => {
  const { session, type } = startSession();
  await type("arch x86");
  await type("let rung = 0");
  await type(
    'vm.ioevents.add({ bus: "pio", address: 0x80, length: 1, name: "bell", signal: () => void rung++ })',
  );
  await type("savevm here");
  await type("out.b 0x80 1");
  assertStringIncludes(await type("loadvm here"), "on vmx");
  await type("out.b 0x80 1");
  assertStringIncludes(await type("rung"), "2");
  assertEquals(session.vm.ioevents.list.map(({ count, waits }) => [count, waits]), [[1, false]]);
  await type("arch ppc");
  const said = await type("loadvm here");
  assertStringIncludes(said, "bell (pio 0x80) waits for its signal: vm.ioevents.add it again");
  assertStringIncludes(await type("out.b 0x80 1"), "nobody has given vm.ioevents its signal again");
  session.close();
});

Deno.test("a snapshot in a file, with a device of the session that stays attached by name", async () => {
  const folder = await Deno.makeTempDir();
  const { session, type } = startSession();
  try {
    const device = join(folder, "counter.ts"), file = join(folder, "guest.vm");
    await Deno.writeTextFile(
      device,
      `let count = 0;
      export default { name: "counter", call: () => ++count, save: () => count, load: (state: number) => void (count = state) };`,
    );
    await type("arch x86");
    await type(`device add ${device}`);
    await type("open counter via mmio");
    assertStringIncludes(await type("call 1"), "= 0x1");
    assertStringIncludes(await type(`savevm ${file}`), "guest.vm: ");
    assertStringIncludes(await type("call 1"), "= 0x2");
    assertStringIncludes(await type(`loadvm ${file}`), "guest.vm: ");
    // The handle is open again, and the device where it was.
    assertStringIncludes(await type("call 1"), "= 0x2");
    assertStringIncludes(await type(`info snapshots ${file}`), "x86 64-bit on vmx");
    assertStringIncludes(await type(`delvm ${file}`), "is a file");
    await type("device remove counter");
    assertStringIncludes(await type(`loadvm ${file}`), "not given: counter");
    const bytes = await Deno.readFile(file);
    await Deno.writeFile(file, bytes.subarray(0, 500));
    assertStringIncludes(await type(`loadvm ${file}`), "is cut off");
    await Deno.writeTextFile(device, "export default { name: 'keeper', call: () => 1 };");
    await type(`device add ${device}`);
    assertStringIncludes(await type("savevm x"), "no snapshot can hold keeper");
    assert((await type("device list")).includes("keeper"));
  } finally {
    session.close();
    await Deno.remove(folder, { recursive: true });
  }
});
