import { assertEquals } from "@std/assert";
import { wholeReply } from "../../../transports/vehicles/whole_reply.ts";

Deno.test("wholeReply() asks for the rest of a reply only where there is one, and once", async () => {
  const asked: number[] = [];
  const rest = (bytes: number) => {
    asked.push(bytes);
    return Promise.resolve({ part: Uint8Array.of(3, 4, 5).subarray(0, bytes), length: 5 });
  };
  const part = Uint8Array.of(1, 2);
  assertEquals(await wholeReply({ part, length: 2 }, rest), part);
  assertEquals(asked, []);
  assertEquals(await wholeReply({ part, length: 5 }, rest), Uint8Array.of(1, 2, 3, 4, 5));
  assertEquals(asked, [3]);
});
