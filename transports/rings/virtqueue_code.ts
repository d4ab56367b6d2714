/** A split virtqueue's driver as guest code: virtio 1.2, 2.7.13 (what is pushed) and 2.7.14 (what was used). */
import { ANSWER, DRIVER, PART, RECORD, RESULT } from "./driver_block.ts";
import type { GuestCode } from "./guest_code.ts";
import type { DriverCode } from "./driver_code.ts";
import { DESC, type VirtqueuePlace } from "./virtqueue_layout.ts";

/** See `DriverCode`. Labels begin with `p`. */
export function virtqueueCode(
  code: GuestCode,
  { eventIdx, indirect }: Pick<VirtqueuePlace, "eventIdx" | "indirect">,
  p: string,
): DriverCode {
  const { get, put, set, copy, add, sub, and, shl, load, store, label, goto, branch, fence } = code;
  const answers = (answer: number) => set("a", answer) + put("block", DRIVER.answer, "a");
  /** The descriptor at `t` from the part at `s`, but for what follows it. */
  const describe = get("b", "s", PART.address) + store(4, "t", 0, "b") + set("b", 0) + store(4, "t", 4, "b") +
    get("b", "s", PART.length) + store(4, "t", 8, "b") + get("b", "s", PART.flags) + store(2, "t", 12, "b");
  /** What is free after the descriptor in `a`. */
  const follow = shl("a", 2) + get("b", "block", DRIVER.links) + add("a", "b") + get("a", "a", 0);
  const descriptor = copy("t", "a") + shl("t", 4) + get("b", "block", DRIVER.descriptors) + add("t", "b");
  const parts = copy("s", "block") + add("s", DRIVER.list) + get("c", "block", DRIVER.parts);
  const nextPart = add("s", PART.size) + add("c", -1) + branch("ne", "c", 0, `${p}part`);
  const direct = get("c", "block", DRIVER.parts) + branch("below", "a", "c", `${p}full`) + sub("a", "c") +
    put("block", DRIVER.freeCount, "a") + get("a", "block", DRIVER.free) + put("block", DRIVER.head, "a") +
    parts + label(`${p}part`) + descriptor + describe + copy("d", "a") + follow + store(2, "t", 14, "a") +
    nextPart + put("block", DRIVER.free, "a");
  // One descriptor, whose table has the parts; each one's flags say whether another follows.
  const byTable = branch("eq", "a", 0, `${p}full`) + add("a", -1) + put("block", DRIVER.freeCount, "a") +
    get("a", "block", DRIVER.free) + put("block", DRIVER.head, "a") + copy("d", "a") + follow +
    put("block", DRIVER.free, "a") + get("t", "block", DRIVER.table) + set("a", 0) + parts +
    label(`${p}part`) +
    describe + add("a", 1) + store(2, "t", 14, "a") + add("t", DESC.size) + nextPart +
    copy("a", "d") + descriptor + get("b", "block", DRIVER.request) + store(4, "t", 0, "b") + set("b", 0) +
    store(4, "t", 4, "b") + store(2, "t", 14, "b") + get("b", "block", DRIVER.parts) + shl("b", 4) +
    store(4, "t", 8, "b") + set("b", DESC.indirect) + store(2, "t", 12, "b");
  const remember = get("a", "block", DRIVER.head) + copy("t", "a") + shl("t", RECORD.log2) +
    get("b", "block", DRIVER.records) + add("t", "b") + put("t", RECORD.tail, "d") +
    (indirect ? set("b", 1) : get("b", "block", DRIVER.parts)) + put("t", RECORD.descriptors, "b") +
    ([["reply", RECORD.reply], ["capacity", RECORD.capacity], ["number", RECORD.number]] as const)
      .map(([from, to]) => get("b", "block", DRIVER[from]) + put("t", to, "b")).join("");
  const publish = get("b", "block", DRIVER.next) + get("c", "block", DRIVER.count) + copy("d", "b") +
    and("d", "c") + shl("d", 1) + get("t", "block", DRIVER.available) + add("d", "t") +
    store(2, "d", 4, "a") +
    fence("write") + add("b", 1) + and("b", 0xffff) + put("block", DRIVER.next, "b") + store(2, "t", 2, "b");
  return {
    push: get("a", "block", DRIVER.freeCount) + (indirect ? byTable : direct) + remember + publish +
      answers(ANSWER.pushed) + goto(`${p}done`) + label(`${p}full`) + answers(ANSWER.full) +
      label(`${p}done`),

    // 2.7.10: with event indices, whether the index that the device asked for was passed since.
    decide: get("a", "block", DRIVER.next) + get("b", "block", DRIVER.told) + put("block", DRIVER.told, "a") +
      branch("eq", "a", "b", `${p}quiet`) + fence("full") +
      (eventIdx
        ? get("t", "block", DRIVER.availEvent) + load(2, "c", "t", 0) + copy("d", "a") + sub("d", "c") +
          add("d", -1) + and("d", 0xffff) + sub("a", "b") + and("a", 0xffff) +
          branch("below", "d", "a", `${p}ring`)
        : get("t", "block", DRIVER.used) + load(2, "c", "t", 0) + and("c", 1) +
          branch("eq", "c", 0, `${p}ring`)) +
      label(`${p}quiet`) + answers(ANSWER.quiet) + goto(`${p}end`) + label(`${p}ring`) + answers(ANSWER.rang),

    take: (arm) =>
      set("a", 0) + put("block", DRIVER.taken, "a") + put("block", DRIVER.answer, "a") +
      get("s", "block", DRIVER.results) + label(`${p}again`) + get("t", "block", DRIVER.used) +
      load(2, "b", "t", 2) + get("a", "block", DRIVER.seen) + branch("eq", "a", "b", `${p}none`) +
      fence("read") + get("b", "block", DRIVER.count) + copy("d", "a") + and("d", "b") + shl("d", 3) +
      add("d", "t") + load(4, "c", "d", 8) + load(4, "d", "d", 4) + branch("above", "d", "b", `${p}bad`) +
      // What the device names has to be under way, and no longer than its room.
      copy("t", "d") + shl("t", RECORD.log2) + get("b", "block", DRIVER.records) + add("t", "b") +
      get("b", "t", RECORD.descriptors) + branch("eq", "b", 0, `${p}bad`) + get("b", "t", RECORD.capacity) +
      branch("above", "c", "b", `${p}bad`) + put("s", RESULT.length, "c") + get("c", "t", RECORD.number) +
      put("s", RESULT.number, "c") + get("c", "t", RECORD.reply) + put("s", RESULT.reply, "c") +
      add("s", RESULT.size) +
      // Its descriptors are free again, the first ones to be taken.
      get("b", "t", RECORD.descriptors) + get("c", "block", DRIVER.freeCount) + add("c", "b") +
      put("block", DRIVER.freeCount, "c") + set("b", 0) + put("t", RECORD.descriptors, "b") +
      get("c", "t", RECORD.tail) + shl("c", 2) + get("b", "block", DRIVER.links) + add("c", "b") +
      get("b", "block", DRIVER.free) + put("c", 0, "b") + put("block", DRIVER.free, "d") + add("a", 1) +
      and("a", 0xffff) + put("block", DRIVER.seen, "a") + get("b", "block", DRIVER.taken) + add("b", 1) +
      put("block", DRIVER.taken, "b") + get("c", "block", DRIVER.room) +
      branch("below", "b", "c", `${p}again`) +
      label(`${p}none`) +
      (arm && eventIdx
        ? get("a", "block", DRIVER.seen) + get("t", "block", DRIVER.usedEvent) + store(2, "t", 0, "a") +
          fence("full") + get("t", "block", DRIVER.used) + load(2, "b", "t", 2) +
          get("c", "block", DRIVER.taken) + get("d", "block", DRIVER.room) +
          branch("eq", "c", "d", `${p}done`) +
          branch("ne", "a", "b", `${p}again`)
        : "") +
      goto(`${p}done`) + label(`${p}bad`) + answers(ANSWER.bad) + label(`${p}done`),
  };
}
