/** What to do in GDB, in a line. */
import type { Vm } from "../machine_types.ts";
import { LOOPBACK } from "./address.ts";

/** GDB learns the byte order from the program alone, and takes a guest without one for little-endian. */
export function listeningText({ isa }: Vm, port: number): string {
  const order = isa.order === "be" ? " (without a program, set endian big first)" : "";
  return `gdbserver listens on ${LOOPBACK}:${port}; in gdb: target remote :${port}${order}`;
}
