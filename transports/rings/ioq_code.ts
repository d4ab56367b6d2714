/** An IOQ's driver (north) as guest code; the steps are those of AlacrityVM's `ioq` and `shm_signal`. */
import { ANSWER, DRIVER, RECORD, RESULT } from "./driver_block.ts";
import type { DriverCode } from "./driver_code.ts";
import type { GuestCode } from "./guest_code.ts";
import { IOQ } from "./ioq_layout.ts";
import { SHM_SIGNAL } from "./shm_signal.ts";

const NORTH = IOQ.signal + SHM_SIGNAL.irq, SOUTH = NORTH + SHM_SIGNAL.irqSize;
const ENABLED = 0, PENDING = 1, DIRTY = 2, HEAD = 0, TAIL = 4, FULL = 8;

/** See `DriverCode`. Labels begin with `p`. */
export function ioqCode(code: GuestCode, p: string): DriverCode {
  const { get, put, set, copy, add, or, shl, load, store, label, goto, branch, fence } = code;
  const answers = (answer: number) => set("a", answer) + put("block", DRIVER.answer, "a");
  const head = get("t", "block", DRIVER.available);
  /** The descriptor, or the record, of the position in `a`. */
  const position = (base: "descriptors" | "records") =>
    copy("d", "a") + shl("d", 5) + get("b", "block", DRIVER[base]) + add("d", "b");
  const wrapped = (register: "a" | "b", spare: "b" | "c", name: string) =>
    add(register, 1) + get(spare, "block", DRIVER.count) + branch("below", register, spare, `${p}${name}`) +
    set(register, 0) + label(`${p}${name}`);
  /** One of the two indices takes the tail in `b`; it may be full then. */
  const advance = (index: number, name: string) =>
    store(4, "t", index + TAIL, "b") + load(4, "c", "t", index + HEAD) +
    branch("ne", "b", "c", `${p}${name}`) +
    set("c", 1) + store(1, "t", index + FULL, "c") + label(`${p}${name}`);
  const word = (from: "number" | "request" | "length", to: number) =>
    get("b", "block", DRIVER[from]) + store(4, "d", to, "b");
  return {
    push: head + load(1, "a", "t", IOQ.inUse + FULL) + branch("ne", "a", 0, `${p}full`) +
      load(4, "a", "t", IOQ.inUse + TAIL) + position("descriptors") + set("b", 0) +
      store(4, "d", IOQ.cookie + 4, "b") + store(4, "d", IOQ.ptr + 4, "b") + store(4, "d", IOQ.len + 4, "b") +
      word("number", IOQ.cookie) + word("request", IOQ.ptr) + word("length", IOQ.len) + set("b", 0x101) +
      store(2, "d", IOQ.validFlag, "b") + position("records") +
      ([["reply", RECORD.reply], ["capacity", RECORD.capacity], ["number", RECORD.number]] as const)
        .map(([from, to]) => get("b", "block", DRIVER[from]) + put("d", to, "b")).join("") +
      copy("b", "a") + wrapped("b", "c", "pushed") + advance(IOQ.inUse, "used") + fence("write") +
      advance(IOQ.valid, "given") + set("a", 1) + put("block", DRIVER.next, "a") + answers(ANSWER.pushed) +
      goto(`${p}done`) + label(`${p}full`) + answers(ANSWER.full) + label(`${p}done`),

    // shm_signal_inject: dirty, and a kick unless the device has not enabled them or one is pending.
    decide: get("a", "block", DRIVER.next) + branch("eq", "a", 0, `${p}quiet`) + set("a", 0) +
      put("block", DRIVER.next, "a") + head + set("a", 1) + store(1, "t", SOUTH + DIRTY, "a") +
      fence("full") +
      load(1, "c", "t", SOUTH + ENABLED) + branch("eq", "c", 0, `${p}quiet`) +
      load(1, "c", "t", SOUTH + PENDING) + branch("ne", "c", 0, `${p}quiet`) +
      store(1, "t", SOUTH + PENDING, "a") + goto(`${p}ring`) + label(`${p}quiet`) + answers(ANSWER.quiet) +
      goto(`${p}end`) + label(`${p}ring`) + answers(ANSWER.rang),

    take: (arm) =>
      set("a", 0) + put("block", DRIVER.taken, "a") + put("block", DRIVER.answer, "a") +
      get("s", "block", DRIVER.results) + label(`${p}again`) + head + load(4, "a", "t", IOQ.inUse + HEAD) +
      load(4, "b", "t", IOQ.inUse + TAIL) + branch("ne", "a", "b", `${p}some`) +
      load(1, "b", "t", IOQ.inUse + FULL) + branch("eq", "b", 0, `${p}none`) + label(`${p}some`) +
      position("descriptors") + load(1, "b", "d", IOQ.sown) + branch("ne", "b", 0, `${p}none`) +
      fence("read") +
      load(4, "c", "d", IOQ.len) + position("records") + get("b", "d", RECORD.capacity) +
      branch("above", "c", "b", `${p}bad`) + put("s", RESULT.length, "c") + get("c", "d", RECORD.number) +
      put("s", RESULT.number, "c") + get("c", "d", RECORD.reply) + put("s", RESULT.reply, "c") +
      add("s", RESULT.size) + set("b", 0) + store(1, "t", IOQ.inUse + FULL, "b") +
      wrapped("a", "b", "popped") +
      store(4, "t", IOQ.inUse + HEAD, "a") + get("b", "block", DRIVER.taken) + add("b", 1) +
      put("block", DRIVER.taken, "b") + get("c", "block", DRIVER.room) +
      branch("below", "b", "c", `${p}again`) +
      label(`${p}none`) +
      // shm_signal_enable and its wakeup: what has changed in between is looked at once more.
      (arm
        ? set("b", 1) + store(1, "t", NORTH + ENABLED, "b") + load(1, "b", "t", NORTH + DIRTY) +
          load(1, "c", "t", NORTH + PENDING) + or("b", "c") + branch("eq", "b", 0, `${p}done`) + set("b", 0) +
          store(1, "t", NORTH + DIRTY, "b") + store(1, "t", NORTH + PENDING, "b") + fence("full") +
          get("c", "block", DRIVER.taken) + get("d", "block", DRIVER.room) +
          branch("below", "c", "d", `${p}again`)
        : "") +
      goto(`${p}done`) + label(`${p}bad`) + answers(ANSWER.bad) + label(`${p}done`),
  };
}
