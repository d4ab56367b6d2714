/** Guests in assembler that a claim is about. */
import {
  createVm,
  restoreVm,
  saveVm,
  startMeter,
  type Vm,
  type VmOptions,
  type WrongHypercall,
} from "../../mod.ts";
import { messageOf } from "../support/text.ts";
import { VMX, x86 } from "./hosts.ts";
import type { Lab } from "./lab.ts";
import type { Measured } from "./verdict.ts";

const TEXT = 0x1000, KVM_CALL = 0x5453_0004, PAGE = 0x2000, XEN_CALL = 0x70;

/** A guest that makes calls with VMCALL on AMD's processor: text that changed, #UD exits, cycles. */
export async function foreign(policy: WrongHypercall, calls: number) {
  const { options } = x86("svm", "kvm");
  const vm = createVm({ ...options, wrongHypercall: policy, memory: 2 ** 16 });
  let served = 0;
  vm.hypercalls.register(KVM_CALL, { name: "call", handledIn: "kernel", call: () => void served++ });
  const program = vm.assemble(
    `mov ecx, ${calls}\nmore: mov eax, ${KVM_CALL}\n vmcall\n dec ecx\n jnz more\nend: hlt`,
  );
  vm.load(program);
  const meter = startMeter(vm);
  await vm.run({ until: program.symbols.get("end"), instructions: 10 * calls + 100 });
  const text = vm.memory.read(TEXT, program.bytes.length), cost = meter();
  return {
    served,
    changed: text.filter((byte, i) => byte !== program.bytes[i]).length,
    undefinedOpcodes: cost.parts.filter(({ reason }) => reason === "EXCEPTION")
      .reduce((sum, { exits }) => sum + exits, 0),
    cycles: cost.cycles.total + cost.guestCycles,
  };
}

/** A Xen guest moved from vmx to svm between two of its calls: what the second one comes to. */
export async function movedPage(): Promise<{ served: number; stop: string }> {
  const { options } = x86("vmx", "xen");
  const vm = createVm({ ...options, memory: 2 ** 16 });
  let served = 0;
  const serve = ({ hypercalls }: Vm) =>
    hypercalls.register(XEN_CALL, { name: "call", handledIn: "kernel", call: () => void served++ });
  serve(vm);
  vm.load(vm.assemble(
    `mov esp, 0x8000\n mov ecx, 0x40000000\n mov eax, ${PAGE}\n xor edx, edx\n wrmsr
     call ${PAGE + 32 * XEN_CALL}\nmoved: call ${PAGE + 32 * XEN_CALL}\nend: hlt`,
  ));
  const at = (name: string) => vm.symbols.list().find((symbol) => symbol.name === name)!.address;
  await vm.run({ until: at("moved"), instructions: 100 });
  const there = restoreVm(saveVm(vm), { backend: "svm", profile: vm.profile });
  serve(there);
  const stop = await there.run({ until: at("end"), instructions: 100 });
  return { served, stop: stop.reason };
}

/** Vectors that can be taken until the port space refuses, and the refusal. */
export function vectors(options: Partial<VmOptions>, devices: number): { taken: number; refusal: string } {
  const vm = createVm({ arch: "x86", memory: 2 ** 20, ...options });
  for (let i = 0; i < devices; i++) vm.devices.add({ name: `device${i}`, size: 256, write() {} });
  for (let taken = 0;; taken++) {
    try {
      vm.vectors.take("doorbell", { read: () => 0, write() {} });
    } catch (error) {
      return { taken, refusal: messageOf(error) };
    }
  }
}

/** A doorbell by MMIO that KVM's fast bus matches by address alone. */
export async function fastMmio(lab: Lab): Promise<Measured> {
  const vm = createVm({ ...VMX.options, memory: 2 ** 16 }), gpa = 0xfec8_0000;
  vm.ioevents.add({ bus: "mmio", address: gpa, length: 0, signal() {} });
  const program = vm.assemble(`mov ebx, ${gpa}\n mov [rbx], eax\nfrom: mov [rbx], eax\nend: hlt`);
  vm.load(program);
  await vm.run({ until: program.symbols.get("from") });
  const meter = startMeter(vm);
  await vm.run({ until: program.symbols.get("end") });
  return lab.read(meter());
}
