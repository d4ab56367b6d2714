/** What the names in an expression mean to a session: registers, variables, symbols, and the guest's memory. */
import type { Names } from "./expression.ts";
import type { VirtualCpu } from "./machine_types.ts";
import { readDollar } from "./registers_proxy.ts";
import type { Session } from "./session.ts";

/** As one vCPU has them: the selected one if none is given, at the time of asking. */
export function namesOf(session: Session, vcpu?: VirtualCpu): Names {
  return {
    register: (name) => readDollar(session, name, vcpu),
    symbol: (name) => session.vm.symbols.lookup(name),
    memory(address, size = session.vm.isa.addressWidth / 8) {
      const cpu = vcpu ?? session.vcpu, { isa } = session.vm;
      const bytes = cpu.readMemory(BigInt.asUintN(isa.addressWidth, address), size);
      return BigInt(`0x${(isa.order === "le" ? bytes.reverse() : bytes).toHex()}`);
    },
  };
}
