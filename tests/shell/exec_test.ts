import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { consoleDevice } from "../../shell/console_device.ts";
import { UserError } from "../../shell/errors.ts";
import { execGuest } from "../../shell/exec.ts";
import { LiveSession } from "../../shell/live_session.ts";
import { stringSink } from "../../shell/sinks.ts";
import { plain } from "../../shell/style.ts";
import { smallTable } from "./small_table.ts";

/** mov dx, 0x3f8; mov al, 'H'; out dx, al; mov al, 'i'; out dx, al; hlt */
const HELLO = "66baf803b048eeb069eef4";
/** ud2, and no IDT */
const CRASH = "0f0b";
/** jmp to itself */
const LOOP = "ebfe";

const canWrite = Deno.permissions.querySync({ name: "write", path: "/tmp" }).state === "granted";

function exec(name: string, test: (folder: string) => Promise<void>): void {
  Deno.test({
    name: `execGuest() ${name}`,
    ignore: !canWrite,
    fn: async () => {
      const folder = await Deno.makeTempDir({ dir: "/tmp" });
      try {
        await test(folder);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

async function guest(folder: string, hexBytes: string) {
  const file = join(folder, "guest.bin");
  await Deno.writeFile(file, Uint8Array.fromHex(hexBytes));
  const out = stringSink();
  const session = new LiveSession({
    table: smallTable,
    out,
    style: plain,
    devices: [consoleDevice(out)],
  });
  return { file, out, session };
}

exec("prints the guest's console and writes its statistics", async (folder) => {
  const { file, out, session } = await guest(folder, HELLO);
  const stats = join(folder, "stats.json");
  const stop = await execGuest(session, { guest: file, stats });
  assertEquals([stop.reason, out.text], ["HLT", "Hi"]);
  const written = JSON.parse(await Deno.readTextFile(stats));
  assertEquals([written.instructions, written.totals.count, written.stop.reason], [6, 3, "HLT"]);
});

exec("fails when the budget ends, after writing the statistics", async (folder) => {
  const { file, session } = await guest(folder, LOOP);
  const stats = join(folder, "stats.json");
  await assertRejects(() => execGuest(session, { guest: file, stats, budget: 100 }), UserError, "BUDGET");
  assertEquals(JSON.parse(await Deno.readTextFile(stats)).instructions, 100);
});

exec("says why a guest cannot be read", async (folder) => {
  const { session } = await guest(folder, LOOP);
  const error = await execGuest(session, { guest: join(folder, "none") }).catch((thrown) => thrown);
  assert(error instanceof UserError);
  assertStringIncludes(error.message, "cannot be read");
});

exec("takes a triple fault for a failure", async (folder) => {
  const { file, session } = await guest(folder, CRASH);
  const error = await assertRejects(() => execGuest(session, { guest: file }), UserError);
  assertStringIncludes(error.message, "SHUTDOWN: triple fault: exception 6 (#UD)");
});
