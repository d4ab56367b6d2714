/** `$` of TypeScript lines: registers and convenience variables as properties, `$.rax += 8n`. */
import { inspect } from "node:util";
import type { Session } from "./session.ts";

/**
 * Registers are BigInts of their own width; a number is accepted where it is written. A name that is
 * no register is a variable, which commands see too (`$n`).
 */
export function createDollar(session: Session): Record<string, bigint> {
  const isRegister = (name: string) => session.vcpu.registers.names.includes(name);
  const names = () => [...new Set([...session.vcpu.registers.names, ...session.variables.keys()])];
  const target: Record<string, bigint> = Object.create(null, {
    // A proxy is shown by what is behind it. Configurable: else it would have to be among the keys.
    [inspect.custom]: {
      configurable: true,
      value: () => Object.fromEntries(names().map((name) => [name, readDollar(session, name)])),
    },
  });
  return new Proxy(target, {
    get: (_target, name) => typeof name === "string" ? readDollar(session, name) : undefined,
    set(_target, name, value: bigint | number | boolean | string) {
      if (typeof name !== "string") return false;
      if (isRegister(name)) session.vcpu.registers.set(name, BigInt(value));
      else session.variables.set(name, BigInt(value));
      return true;
    },
    has: (_target, name) => typeof name === "string" && readDollar(session, name) !== undefined,
    ownKeys: names,
    getOwnPropertyDescriptor: (_target, name) => ({
      value: readDollar(session, String(name)),
      writable: true,
      enumerable: true,
      configurable: true,
    }),
  });
}

/** The value of `$name`, or undefined: a register (by default of the selected vCPU) comes first, then `pc`, then a variable. */
export function readDollar(session: Session, name: string, vcpu = session.vcpu): bigint | undefined {
  if (vcpu.registers.names.includes(name)) return vcpu.registers.get(name);
  if (name === "pc") return vcpu.pc;
  return session.variables.get(name);
}
