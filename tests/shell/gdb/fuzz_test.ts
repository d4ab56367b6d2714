/** Whatever a peer sends, it is answered or passed over, and guest and session go on. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { serveConnection, type Wire } from "../../../shell/gdb/connection.ts";
import { monitor } from "../../../shell/gdb/monitor.ts";
import { PACKET_SIZE } from "../../../shell/gdb/packets.ts";
import { GdbStub } from "../../../shell/gdb/stub.ts";
import { startSession } from "../commands/session.ts";
import { framed, latin } from "./client.ts";
import { GUESTS, guestVm } from "./guests.ts";

const hex = (text: string) => new TextEncoder().encode(text).toHex();

/** Packets that mean something, to be mutated. */
const VALID = [
  ...["?", "g", "G00", "p0", "p10", "P0=0000000000000001", "P10=ffffffffffffffff", "P11=ffffffff"],
  ...["m1000,40", "m0,ffffffff", "M2000,2:ffff", "X2000,3:abc", "mffffffff,8"],
  ...["Z0,1000,1", "z0,1000,1", "Z1,100a,4", "Z2,2000,4", "Z3,0,8", "Z4,ffffffffffffffff,1", "z2,2000,4"],
  ...["c", "s", "c1000", "s0", "C05", "S05;1000", "vCont?", "vCont;c", "vCont;s:1;c", "vCont;r1000,1020:1"],
  ...["Hg0", "Hg1", "Hc-1", "T1", "qC", "qfThreadInfo", "qsThreadInfo", "qThreadExtraInfo,1", "qAttached"],
  ...["qSupported:swbreak+;hwbreak+", "QStartNoAckMode", "qXfer:features:read:target.xml:0,1000"],
  ...[
    "qXfer:threads:read::0,1000",
    "qXfer:memory-map:read::0,1000",
    "qSymbol::",
    "!",
    "R00",
    "vMustReplyEmpty",
  ],
  ...["regs", "x/4xw 0", "step", "info break", "help", "gdbserver none", "quit", "1 + 1", "break 0x1000"]
    .map((line) => `qRcmd,${hex(line)}`),
];

const character = fc.integer({ min: 0, max: 255 }).map((it) => String.fromCharCode(it));
const digits = fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 1, maxLength: 18 });

/** A packet with a number replaced, a character changed, cut off, or made long. */
const mutated = fc.tuple(
  fc.constantFrom(...VALID),
  fc.constantFrom("number", "character", "cut", "long", "none"),
  digits,
  fc.nat(),
  character,
).map(([packet, how, number, at, it]) => {
  const place = at % (packet.length + 1);
  switch (how) {
    case "number":
      return packet.replace(/[0-9a-f]+(?=[,:;=]|$)/i, number);
    case "character":
      return packet.slice(0, place) + it + packet.slice(place + 1);
    case "cut":
      return packet.slice(0, place);
    case "long":
      return packet + it.repeat(at % (PACKET_SIZE + 10));
    default:
      return packet;
  }
});

/** Raw noise, framed packets, and what stands between packets. */
const piece = fc.oneof(
  { weight: 1, arbitrary: fc.string({ unit: character, maxLength: 60 }).map(latin) },
  { weight: 6, arbitrary: mutated.map(framed) },
  { weight: 1, arbitrary: fc.constantFrom("+", "-", "\x03", "$", "#", "$#00", "$}#7d", "$OK#00").map(latin) },
);

/** Gives a debugger's bytes, then the end; a turn of the event loop between two pieces, as a socket would. */
function wireOf(pieces: readonly Uint8Array[]): Wire & { sent: number; closed: boolean } {
  const left = [...pieces];
  return {
    sent: 0,
    closed: false,
    async read(into) {
      await new Promise((resolve) => setTimeout(resolve));
      const next = left.shift();
      if (!next || this.closed) return null;
      const length = Math.min(next.length, into.length);
      into.set(next.subarray(0, length));
      if (length < next.length) left.unshift(next.subarray(length));
      return length;
    },
    write(bytes) {
      this.sent += bytes.length;
      return Promise.resolve(bytes.length);
    },
    close() {
      this.closed = true;
    },
  };
}

for (const name of ["x86-64", "i8086", "ppc", "ppc64le"] as const) {
  Deno.test(`${name}: any stream of packets ends, and the guest and the session go on`, async () => {
    const { session } = startSession({ interactive: true });
    await session.ready();
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 25 }), async (pieces) => {
        const vm = guestVm(GUESTS[name]);
        await session.adopt(vm);
        const stub = new GdbStub(vm, { monitor: (line, signal) => monitor(session, line, signal) });
        const wire = wireOf(pieces);
        const end = await serveConnection({ wire, stub, machine: () => session.vm });
        assert(
          ["detached", "killed", "exited", "closed", "replaced", "foreign", "flooded"].includes(end),
          end,
        );
        assert(wire.closed);
        assertEquals(stub.running, false);
        assert(wire.sent <= pieces.length * (1 << 17), `${wire.sent} bytes sent`);
        assertEquals(session.quitStatus, undefined);
        // The machine can be used as before, and nothing of the debugger's is left on it.
        for (const { id } of [...vm.watchpoints.list()]) assert(false, `watchpoint ${id} is left`);
        vm.reset();
        vm.load(vm.assemble("nop"));
        vm.breakpoints.list().forEach(({ id }) => vm.breakpoints.remove(id));
        const stop = await vm.run({ instructions: 1 });
        assert(["BUDGET", "DEBUG"].includes(stop.reason), stop.message);
        const { outcome } = await session.capture("regs");
        assert(outcome.ok);
      }),
      { numRuns: Number(Deno.env.get("TRAPSH_CASES") ?? 25) },
    );
    session.close();
  });
}

Deno.test("a peer that never waits for an answer while the guest runs is cut off", async () => {
  const vm = guestVm({ vm: { arch: "x86" }, source: "again: jmp again" });
  const packets = Array.from({ length: 40 }, () => framed(`m0,${"0".repeat(PACKET_SIZE - 10)}1`));
  const wire = wireOf([framed("vCont;c"), ...packets]);
  assertEquals(await serveConnection({ wire, stub: new GdbStub(vm) }), "flooded");
  assertEquals(vm.busy, false);
});

Deno.test("what a browser sends does nothing, whatever packets are in it", async () => {
  const vm = guestVm(GUESTS["x86-64"]);
  let did = "";
  const stub = new GdbStub(vm, {
    monitor: (line) => {
      did += line;
      return Promise.resolve("");
    },
  });
  const head = latin("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  const wire = wireOf([head, framed(`qRcmd,${hex("regs")}`), framed("vCont;s:1")]);
  assertEquals(await serveConnection({ wire, stub }), "foreign");
  assertEquals([did, vm.vcpu.instructions, wire.sent], ["", 0, 0]);
});
