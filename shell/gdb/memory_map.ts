/** The memory map for `qXfer:memory-map:read`. GDB manual, "Memory Map Format". */
import type { Vm } from "../machine_types.ts";

/**
 * Whether GDB may have one. It takes a map for complete, and refuses what is not in it, while the addresses that it asks for
 * are the guest's: only where a guest cannot translate them, on 64-bit PowerPC, are they those of memory slots for good.
 */
export function hasMemoryMap({ arch, mode }: Vm): boolean {
  return arch === "ppc" && mode === 64;
}

/** All memory slots. */
export function memoryMapXml({ memory }: Vm): string {
  const hex = (value: number) => `0x${value.toString(16)}`;
  const ranges = memory.slots.map(({ gpa, size, readOnly }) =>
    `<memory type="${readOnly ? "rom" : "ram"}" start="${hex(gpa)}" length="${hex(size)}"/>`
  );
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE memory-map PUBLIC "+//IDN gnu.org//DTD GDB Memory Map V1.0//EN" "http://sourceware.org/gdb/gdb-memory-map.dtd">',
    "<memory-map>",
    ...ranges,
    "</memory-map>",
    "",
  ].join("\n");
}
