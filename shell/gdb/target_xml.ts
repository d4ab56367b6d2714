/** The target description that GDB reads when it connects. GDB manual, "Target Descriptions". */
import type { GdbLayout, GdbRegister } from "./layout.ts";

/** Mostly without an `<osabi>`: the program's file says what GDB has to know of calls and descriptors. */
export function targetXml({ architecture, osabi, features }: GdbLayout): string {
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE target SYSTEM "gdb-target.dtd">',
    '<target version="1.0">',
    `<architecture>${architecture}</architecture>`,
    ...osabi === undefined ? [] : [`<osabi>${osabi}</osabi>`],
    ...features.flatMap(({ name, types, registers }) => [
      `<feature name="${name}">`,
      ...types === undefined ? [] : [types],
      ...registers.map(registerXml),
      "</feature>",
    ]),
    "</target>",
    "",
  ].join("\n");
}

function registerXml({ name, bits, type, group }: GdbRegister): string {
  const parts = [`name="${name}"`, `bitsize="${bits}"`];
  if (type !== undefined) parts.push(`type="${type}"`);
  if (group !== undefined) parts.push(`group="${group}"`);
  return `<reg ${parts.join(" ")}/>`;
}
