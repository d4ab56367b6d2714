/** The port: on loopback only, one debugger at a time, and given back. */
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { UserError } from "../../../shell/errors.ts";
import { debugGuest } from "../../../shell/gdb/debug_guest.ts";
import { PacketReader } from "../../../shell/gdb/packets.ts";
import { LOOPBACK } from "../../../shell/gdb/address.ts";
import { serveGdb } from "../../../shell/gdb/server.ts";
import { restoreVm, saveVm } from "../../../emulator/machine/snapshot/snapshot.ts";
import { startSession } from "../commands/session.ts";
import { framed } from "./client.ts";
import { GUESTS, guestVm } from "./guests.ts";

const allowed = Deno.permissions.querySync({ name: "net", host: LOOPBACK }).state === "granted";

function socketTest(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: `${name}${allowed ? "" : " (skipped: needs --allow-net=127.0.0.1)"}`,
    ignore: !allowed,
    fn,
  });
}

/** A debugger that waits for each answer. */
async function connect(port: number) {
  const wire = await Deno.connect({ hostname: LOOPBACK, port }), reader = new PacketReader();
  const events: string[] = [], buffer = new Uint8Array(4096);
  const next = async () => {
    while (events.length === 0) {
      const length = await wire.read(buffer);
      if (length === null) return undefined;
      for (const event of reader.feed(buffer.subarray(0, length))) {
        if (event.kind === "packet") events.push(event.text);
      }
    }
    return events.shift();
  };
  return {
    wire,
    async ask(packet: string) {
      await wire.write(framed(packet));
      return await next();
    },
    next,
    /** True once there is nothing more to come. */
    async end() {
      while (await wire.read(buffer).catch(() => null) !== null);
      return true;
    },
  };
}

socketTest("serveGdb() listens on 127.0.0.1 and on no other address", async () => {
  const server = serveGdb(guestVm(GUESTS.ppc), { port: 0 });
  assertEquals(LOOPBACK, "127.0.0.1");
  // Linux keeps tables of sockets: local address and port in hexadecimal, state 0A where it listens. Deno reads none of /proc.
  if (Deno.build.os === "linux") {
    const port = server.port.toString(16).toUpperCase().padStart(4, "0");
    const cat = await new Deno.Command("cat", { args: ["/proc/net/tcp", "/proc/net/tcp6"], stderr: "null" })
      .output();
    const listening = new TextDecoder().decode(cat.stdout).split("\n").map((line) => line.trim().split(/\s+/))
      .filter(([, local, , state]) => state === "0A" && local.endsWith(`:${port}`));
    assertEquals(listening.map(([, local]) => local), [`0100007F:${port}`]);
  }
  await server.close();
});

socketTest("serveGdb() serves one debugger at a time, and the next one after it", async () => {
  const vm = guestVm(GUESTS["x86-64"]), server = serveGdb(vm, { port: 0 });
  const first = await connect(server.port);
  assertMatch((await first.ask("?"))!, /^T05/);
  assert(server.connected);
  const second = await connect(server.port);
  assert(await second.end(), "the second one is closed");
  second.wire.close();
  const ended = server.next();
  assertEquals(await first.ask("D"), "OK");
  assertEquals(await ended, { how: "detached" });
  first.wire.close();
  const third = await connect(server.port);
  assertMatch((await third.ask("?"))!, /^T05/);
  const closed = server.next();
  third.wire.close();
  assertEquals(await closed, { how: "closed" });
  assertEquals(server.sessions, 2);
  await server.close();
  assertEquals(await server.next(), undefined);
});

socketTest("a debugger that disappears leaves a guest that stands still", async () => {
  const vm = guestVm({ vm: { arch: "x86" }, source: "again: jmp again" }), server = serveGdb(vm, { port: 0 });
  const peer = await connect(server.port);
  await peer.ask("Z0,5000,1");
  await peer.wire.write(framed("vCont;c"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert(server.running);
  await assertRejects(() => vm.run(), Error, "running");
  const ended = server.next();
  peer.wire.close();
  assertEquals((await ended)?.how, "closed");
  assertEquals(vm.busy, false);
  assertEquals(vm.breakpoints.list(), []);
  await server.close();
});

socketTest("close() ends the session at hand", async () => {
  const vm = guestVm({ vm: { arch: "x86" }, source: "again: jmp again" }), server = serveGdb(vm, { port: 0 });
  const peer = await connect(server.port);
  await peer.wire.write(framed("vCont;c"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  const ended = server.next();
  await server.close();
  assertEquals((await ended)?.how, "closed");
  peer.wire.close();
  assertEquals(vm.busy, false);
});

socketTest("an interrupt and a wrong checksum are heeded over the wire", async () => {
  const server = serveGdb(guestVm({ vm: { arch: "x86" }, source: "again: jmp again" }), { port: 0 });
  const peer = await connect(server.port);
  await peer.wire.write(framed("vCont;c"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  await peer.wire.write(Uint8Array.of(3));
  assertMatch((await peer.next())!, /^T02/);
  await peer.wire.write(new TextEncoder().encode("$qC#00"));
  const answer = new Uint8Array(1);
  await peer.wire.read(answer);
  assertEquals(String.fromCharCode(answer[0]), "-");
  // What it did not get is sent again.
  await peer.wire.write(new TextEncoder().encode("-"));
  assertMatch((await peer.next())!, /^T02/);
  assertEquals(await peer.ask("QStartNoAckMode"), "OK");
  assertEquals(await peer.ask("qC"), "QC1");
  const ended = server.next();
  peer.wire.close();
  await ended;
  await server.close();
});

socketTest("a port that is taken, and one that is none, are told", async () => {
  const vm = guestVm(GUESTS.ppc), server = serveGdb(vm, { port: 0 });
  assertThrows(() => serveGdb(vm, { port: server.port }), UserError, "the port is taken");
  assertThrows(() => serveGdb(vm, { port: 70_000 }), RangeError, "there is no port 70000");
  await server.close();
});

socketTest("gdbserver at a prompt goes on in the background, and says what there is", async () => {
  const { session, type } = startSession({ interactive: true });
  await type("asm again: jmp again");
  const text = await type("gdbserver 0");
  assertMatch(text, /target remote :\d+\nno debugger is attached/);
  assertMatch(await type("gdbserver 0"), /listens on port \d+ already/);
  const peer = await connect(Number(/:(\d+)/.exec(text)![1]));
  await peer.ask("?");
  assertMatch(await type("info gdbserver"), /attached, the guest stands still/);
  await peer.wire.write(framed("vCont;c"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertMatch(await type("info gdbserver"), /attached, the guest runs/);
  assertMatch(await type("run"), /^error: .*gdb/);
  assertMatch(await type("arch ppc"), /^error: .*gdb/);
  assertMatch(await type("gdbserver none"), /no gdbserver/);
  assert(await peer.end());
  peer.wire.close();
  assertMatch(await type("step"), /DEBUG at/);
  session.close();
});

socketTest("gdbserver elsewhere waits until the debugger has gone", async () => {
  const { session, type } = startSession();
  await type("asm mov eax, 7 ;; hlt");
  let text = "";
  const printed = Promise.withResolvers<void>(), write = session.out.write;
  session.out.write = (part) => {
    text += part;
    printed.resolve();
    write(part);
  };
  const line = type("gdbserver 0");
  await printed.promise;
  // What is no debugger is not what it waits for.
  const scan = await connect(Number(/:(\d+)/.exec(text)![1]));
  await scan.wire.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
  assert(await scan.end());
  scan.wire.close();
  const peer = await connect(Number(/:(\d+)/.exec(text)![1]));
  const hex = new TextEncoder().encode("regs rax").toHex();
  await peer.ask("vCont;s:1");
  assertMatch((await peer.ask(`qRcmd,${hex}`))!, /^O/);
  assertEquals(await peer.next(), "OK");
  assertEquals(await peer.ask("D"), "OK");
  assertMatch(await line, /the debugger detached; the guest is at 0x1005/);
  peer.wire.close();
  // Ctrl-C ends a wait that nobody comes to end.
  const waits = type("gdbserver 0");
  await new Promise((resolve) => setTimeout(resolve, 5));
  session.interrupt();
  assertMatch(await waits, /Interrupted/);
  assertMatch(await type("info gdbserver"), /no gdbserver/);
  session.close();
});

socketTest("monitor does commands, and neither TypeScript nor what ends the session", async () => {
  const { session } = startSession({ interactive: true });
  await session.ready();
  const { monitor } = await import("../../../shell/gdb/monitor.ts");
  const say = (line: string) => monitor(session, line, new AbortController().signal);
  assertMatch(await say("regs"), /rax/);
  assertMatch(await say("regs nonsense"), /^error: .*nonsense/);
  assertMatch(await say("while (true);"), /^error: monitor takes commands/);
  assertMatch(await say("=1 + 1"), /^error: monitor takes commands/);
  for (const line of ["quit", "gdbserver none", "gdbs 0"]) {
    assertMatch(await say(line), /is the shell's alone/);
  }
  assertEquals(await say(""), "");
  assertEquals(session.quitStatus, undefined);
  // A command that would never end is stopped by GDB's interrupt.
  await session.execute("asm again: jmp again");
  const stop = new AbortController(), running = monitor(session, "run", stop.signal);
  await new Promise((resolve) => setTimeout(resolve, 20));
  stop.abort();
  assertMatch(await running, /INTERRUPTED at/);
  session.close();
});

socketTest(
  "a debugger goes on after loadvm, and is let go when the architecture is another one",
  async () => {
    const { session, type } = startSession({ interactive: true });
    await type("asm mov eax, 7 ;; after: mov eax, 8 ;; hlt");
    const text = await type("gdbserver 0");
    const peer = await connect(Number(/:(\d+)/.exec(text)![1]));
    const run = (line: string) => peer.ask(`qRcmd,${new TextEncoder().encode(line).toHex()}`);
    const { vm } = session;
    assertEquals(await peer.ask("Z0,1005,1"), "OK");
    const devices = [...session.devices.values()].map(({ device }) => device);
    await session.adopt(restoreVm(saveVm(vm), { devices }));
    assert(session.vm !== vm);
    assertMatch((await peer.ask("vCont;c"))!, /^T05thread:1;swbreak:;/);
    assertEquals(session.vm.vcpu.pc, 0x1005n);
    assertEquals(session.vm.breakpoints.list().length, 1);
    assertEquals(await peer.ask("z0,1005,1"), "OK");
    assertEquals(session.vm.breakpoints.list().length, 0);
    assertMatch((await run("arch ppc"))!, /^O/);
    assert(await peer.end());
    peer.wire.close();
    assertMatch(await type("info gdbserver"), /no debugger is attached/);
    await type("gdbserver none");
    session.close();
  },
);

socketTest("debugGuest() answers the guest's own end, or that it is to go on", async () => {
  const begin = async () => {
    const { session } = startSession();
    await session.execute("asm mov eax, 5 ;; mov edx, 0x501 ;; out dx, al ;; hlt");
    const told = Promise.withResolvers<string>();
    const end = debugGuest(session, { port: 0, tell: told.resolve });
    const peer = await connect(Number(/:(\d+)/.exec(await told.promise)![1]));
    return { peer, end };
  };
  const exits = await begin();
  assertEquals(await exits.peer.ask("vCont;c"), "W05");
  exits.peer.wire.close();
  assertEquals((await exits.end)?.reason, "SYSTEM_EVENT");
  const leaves = await begin();
  await leaves.peer.ask("vCont;s:1");
  await leaves.peer.ask("D");
  assertEquals(await leaves.end, undefined);
  leaves.peer.wire.close();
  const kills = await begin();
  await kills.peer.wire.write(framed("k"));
  await assertRejects(() => kills.end, UserError, "The debugger ended the guest");
  kills.peer.wire.close();
});
