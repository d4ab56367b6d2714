/** The device: it knows which request has to come next. */
import type { Device, Vm } from "../../mod.ts";
import { CALLS } from "../support/calls.ts";
import { STACK } from "./moves.ts";

/** The device: its state is in the snapshot. */
export class Numbered implements Device {
  readonly name = "numbered";
  readonly size = 8;
  #last = 0;
  #lost = 0;
  #doubled = 0;

  /** Takes a request, and says what it is answered with. */
  take(n: number): number {
    if (n <= this.#last) this.#doubled++;
    else {
      this.#lost += n - this.#last - 1;
      this.#last = n;
    }
    return n;
  }
  get last(): number {
    return this.#last;
  }
  get lost(): number {
    return this.#lost;
  }
  get doubled(): number {
    return this.#doubled;
  }
  read(): number {
    return this.#last;
  }
  write(_offset: number, _size: number, value: number | bigint): void {
    this.take(Number(value));
  }
  queue(request: Uint8Array): Uint8Array {
    this.take(new DataView(request.buffer, request.byteOffset).getUint32(0, true));
    return request;
  }
  save(): number[] {
    return [this.#last, this.#lost, this.#doubled];
  }
  load(state: unknown): void {
    const [last, lost, doubled] = state as number[];
    [this.#last, this.#lost, this.#doubled] = [last, lost, doubled];
  }
}

/** Puts the device's end behind the hypervisor's calls: functions are in no snapshot. */
export function serve(vm: Vm, device: Numbered): void {
  const call = CALLS[vm.hypervisor.name];
  if (!call) return;
  const [number, argument, status, answer] = call;
  vm.hypercalls.register(number, {
    name: device.name,
    call({ registers }) {
      const n = device.take(Number(registers.get(argument) & 0xffff_ffffn));
      if (answer === "") vm.memory.write(STACK, Uint8Array.of(n, 0, 0, 0));
      registers.set(status, 0n);
      if (answer !== "") registers.set(answer, BigInt(n));
    },
  });
}
