/** Guest RAM for tests of the host's side alone. */
import type { GuestRam } from "../../transports/descriptor.ts";

/** `size` bytes from guest-physical 0. */
export function fakeRam(size: number): GuestRam & { readonly bytes: Uint8Array } {
  const bytes = new Uint8Array(size);
  const holds = (gpa: number | bigint, length: number) => Number(gpa) + length <= size;
  const check = (gpa: number | bigint, length: number) => {
    if (!holds(gpa, length)) throw new RangeError(`0x${gpa.toString(16)} is outside`);
  };
  return {
    bytes,
    holds,
    read(gpa, length) {
      check(gpa, length);
      return bytes.slice(Number(gpa), Number(gpa) + length);
    },
    write(gpa, data) {
      check(gpa, data.length);
      bytes.set(data, Number(gpa));
    },
  };
}
