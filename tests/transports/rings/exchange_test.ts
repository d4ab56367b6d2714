/** Nothing is lost and nothing doubled, whoever wants to be told of what and when. `TRAPSH_CASES` makes a longer run. */
import { assert, assertEquals } from "@std/assert";
import { RingService } from "../../../transports/rings/ring_service.ts";
import { Random } from "../../support/random.ts";
import { KINDS } from "./kinds.ts";

const REQUESTS = Math.max(4_000, Number(Deno.env.get("TRAPSH_CASES") ?? 0));

for (const kind of KINDS) {
  Deno.test(`${kind.name}: every request is answered once, with random batches, delays and suppression`, () => {
    const random = new Random(kind.name.length * 7919);
    for (const entries of [1, 2, 8, 64]) {
      // A chain of two buffers and a reply is three descriptors, and no longer than the queue.
      if (entries < 4 && kind.name.startsWith("virtqueue")) continue;
      const { driver, device } = kind.make(entries, 0xff80);
      let asked = 0, served = 0, rung = 0, raised = 0, suppressed = 0;
      const service = new RingService(device, {
        serve({ bytes }) {
          served++;
          return bytes.slice().reverse();
        },
        interrupt: () => raised++,
      });
      /** A kick on its way to the device, which looks only later; an interrupt on its way to the driver. */
      let kicked = false;
      const outstanding = new Map<number, Uint8Array>();
      const submit = (): boolean => {
        const bytes = new Uint8Array(4 + random.below(40));
        new DataView(bytes.buffer).setUint32(0, asked, true);
        const cut = random.below(bytes.length);
        const parts = random.below(2) === 0 ? [bytes] : [bytes.subarray(0, cut), bytes.subarray(cut)];
        const id = driver.submit(parts, bytes.length + random.below(8));
        if (id === undefined) return false;
        assert(!outstanding.has(id));
        outstanding.set(id, bytes);
        asked++;
        return true;
      };
      const collect = () => {
        for (let answer = driver.collect(); answer; answer = driver.collect()) {
          const sent = outstanding.get(answer.id);
          assert(sent !== undefined, `answer ${answer.id} was not asked for, or comes twice`);
          outstanding.delete(answer.id);
          assertEquals(answer.bytes, sent.slice().reverse());
        }
      };
      /** The driver has asked for an interrupt, and nothing was answered then. */
      let armed = false;
      for (let collected = 0; collected < REQUESTS / 4;) {
        for (let batch = 1 + random.below(2 * entries); batch > 0 && submit(); batch--);
        if (driver.wantsKick()) {
          kicked = true;
          rung++;
        } else suppressed++;
        if (random.below(3) === 0) continue;
        const before = raised, earlier = served, { size } = outstanding;
        if (kicked) service.kick();
        kicked = false;
        assertEquals(service.broken, undefined);
        if (armed && served > earlier) assert(raised > before, "the driver was not told");
        if (served > earlier) armed = false;
        if (random.below(2) === 0) collect();
        const wants = random.below(2) === 0;
        if (driver.wantInterrupts(wants)) collect();
        else armed = wants;
        collected += size - outstanding.size;
      }
      if (kicked || driver.wantsKick()) service.kick();
      collect();
      assertEquals([outstanding.size, served, service.stats.completed], [0, asked, asked]);
      assertEquals(service.stats.interrupts + service.stats.suppressedInterrupts, asked);
      assert(rung > 0 && raised > 0 && (suppressed > 0 || entries === 1), `${rung} ${raised} ${suppressed}`);
    }
  });

  Deno.test(`${kind.name}: a kick that waits holds back others; a device that has looked asks again`, () => {
    const { driver, device } = kind.make(16);
    let raised = 0;
    const service = new RingService(device, { serve: ({ bytes }) => bytes, interrupt: () => raised++ });
    driver.wantInterrupts(false);
    const send = () => driver.submit([Uint8Array.of(1, 2, 3)], 8) !== undefined && driver.wantsKick();
    // Without event indices a virtqueue has a flag, which the device sets only once it looks.
    const events = kind.name === "ioq" || kind.name.includes("event");
    assertEquals([send(), send(), send()], events ? [true, false, false] : [true, true, true]);
    service.kick();
    assertEquals([service.stats.completed, raised], [3, 0]);
    assertEquals(send(), true);
    service.kick();
    for (let i = 0; i < 4; i++) assertEquals(driver.collect()?.bytes, Uint8Array.of(1, 2, 3));
    assertEquals(driver.collect(), undefined);
    driver.wantInterrupts(true);
    send();
    service.kick();
    assertEquals(raised, 1);
  });
}

Deno.test("an answer that comes later holds the ring until it is there, and a handler's error frees it", async () => {
  const { driver, device } = KINDS[0].make(4);
  let fail = true;
  const service = new RingService(device, {
    async serve({ bytes }) {
      await Promise.resolve();
      if (fail) throw new Error("not now");
      return bytes;
    },
  });
  driver.submit([Uint8Array.of(7)], 1);
  let message = "";
  await Promise.resolve(service.kick()).catch((error) => message = error.message);
  assertEquals([message, driver.collect()], ["not now", undefined]);
  fail = false;
});
