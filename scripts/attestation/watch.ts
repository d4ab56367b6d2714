/** Which exit changed which byte: the guest is executed one instruction at a time, and its text looked at. */
import type { Vm } from "../../mod.ts";
import { TEXT, TEXT_END } from "./image.ts";

/** What changed bytes of the text: an exit, or an instruction of the guest's own. */
interface Culprit {
  /** The exit's position among all; none for the guest's own store. */
  readonly seq?: number;
  readonly what: string;
  readonly pc: number;
}

/** A run of bytes that one culprit changed. */
export interface Change extends Culprit {
  readonly address: number;
  /** Bytes that differ: in a page not all need to. */
  readonly bytes: number;
  readonly before: string;
  readonly after: string;
}

export const textOf = (vm: Vm) => vm.memory.read(TEXT, TEXT_END - TEXT);
export const hex = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
export const address = (value: number | bigint) => `0x${value.toString(16)}`;

/** Runs of changed bytes; gaps of up to a slot of the hypervisor's page belong to them. */
function differences(before: Uint8Array, after: Uint8Array, by: Culprit): Change[] {
  const changes: Change[] = [];
  const at = Array.from(before.keys()).filter((i) => before[i] !== after[i]);
  for (let i = 0; i < at.length;) {
    let j = i;
    while (j + 1 < at.length && at[j + 1] - at[j] <= 32) j++;
    const [from, to] = [at[i], at[j] + 1];
    changes.push({
      ...by,
      address: TEXT + from,
      bytes: j - i + 1,
      before: hex(before.subarray(from, to)),
      after: hex(after.subarray(from, to)),
    });
    i = j + 1;
  }
  return changes;
}

/** Executes the guest one instruction at a time and attributes what changes in its text. */
export async function watched(vm: Vm, end: bigint): Promise<{ changes: Change[]; ended: string }> {
  const changes: Change[] = [];
  let text = textOf(vm), seq = 0, culprit: Culprit = { what: "the guest's own store", pc: 0 };
  const look = () => {
    const now = textOf(vm);
    changes.push(...differences(text, now, culprit));
    text = now;
  };
  const done = vm.exits.onExit((native, key, _direction, _size, _in, site) => {
    look();
    const which = native.keySpace === "vector" ? `${native.name} vector ${key}` : native.name;
    const what = native.keySpace === "msr" ? `${native.name} ${address(key)}` : which;
    culprit = { seq: seq++, what, pc: Number(site.pc) };
  });
  // More than any of the images takes.
  for (let i = 0; i < 20_000 && vm.vcpu.pc !== end; i++) {
    culprit = { what: "the guest's own store", pc: Number(vm.vcpu.pc) };
    const stop = await vm.step();
    look();
    if (stop.reason === "DEBUG") continue;
    done();
    return { changes, ended: stop.reason };
  }
  done();
  return { changes, ended: vm.vcpu.pc === end ? "end" : "still running" };
}
