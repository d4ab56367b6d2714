/** The driver that is moved, the device that knows which request has to come next, and the guest's first host. */
import { createVm, type Device, type Vm, type VmOptions } from "../../mod.ts";
import { CALLS } from "../support/calls.ts";
import { PROPERTY } from "../support/tree_walk.ts";
import { GPA, type Move, NAME, PAGE, PORT, STACK, TEXT, type Way } from "./moves.ts";

/** Requests, and places in the driver that make them in turn: a patch is made at each of them. */
export const REQUESTS = 40, SITES = 4;

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

/** The driver: in turn from each site it makes a request and compares the answer; `r13`, `r21` count the right ones. */
function driver({ setup = "", request }: Way, arch: "x86" | "ppc"): string {
  const sites = (one: string) => Array<string>(SITES).fill(one).join("\n");
  if (arch === "x86") {
    const one = `inc r12d\n ${request}\n cmp eax, r12d\n jnz end\n inc r13d`;
    return `mov esp, ${STACK}\n ${setup}\n xor r12d, r12d\n xor r13d, r13d
      more: ${sites(one)}\n cmp r12d, ${REQUESTS}\n jb more\n end: hlt`;
  }
  const one = `addi r20, r20, 1\n ${request}\n cmpw r3, r20\n bne end\n addi r21, r21, 1`;
  return `${setup}\n li r20, 0\n li r21, 0
    more: ${sites(one)}\n cmpwi r20, ${REQUESTS}\n blt more\n end: nop`;
}

/** A guest on its first host. `spoil` may change it before it starts. */
export function start({ way, from, wrongHypercall }: Move, spoil: (vm: Vm) => void = () => {}) {
  const arch = from.backend === "vmx" || from.backend === "svm" ? "x86" : "ppc";
  const options: VmOptions = {
    arch,
    mode: 64,
    ...from,
    wrongHypercall,
    memory: 2 ** 16,
    profile: profileOf(arch),
  };
  const vm = createVm(options), device = new Numbered();
  vm.devices.add(device, arch === "x86" ? { gpa: GPA, port: PORT } : { gpa: GPA });
  serve(vm, device);
  if (arch === "ppc") {
    vm.memory.write(PAGE, vm.assemble("li r3, 12\n nop\n nop\n nop\n blr", BigInt(PAGE)).bytes);
    vm.memory.write(NAME, PROPERTY);
  }
  const program = vm.assemble(driver(way, arch), BigInt(TEXT));
  vm.load(program);
  spoil(vm);
  return { vm, device, end: program.symbols.get("end")! };
}

/** One profile on both sides: the guest's clock must not jump, and differences are then those of the exits alone. */
export const profileOf = (arch: "x86" | "ppc") => arch === "x86" ? "x86-default" : "ppc64-hv-assumed";
