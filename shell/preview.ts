/** A value of TypeScript as the prompt shows it. */
import { inspect } from "node:util";
import { hex } from "./json.ts";
import type { Style } from "./style.ts";

/** Empty for `undefined`, as a line that only does something has nothing to show. */
export function preview(value: unknown, style: Style): string {
  if (value === undefined) return "";
  if (typeof value === "bigint") {
    return `${style.paint("yellow", `${value}n`)} ${style.paint("dim", hex(value))}`;
  }
  return inspect(value, {
    colors: style.color,
    depth: 2,
    breakLength: style.width,
    maxArrayLength: 64,
    maxStringLength: 4096,
  });
}
