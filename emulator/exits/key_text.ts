/** An exit's key as people write it. */
import type { KeySpace } from "../engine/native_reason.ts";
import { OTHER_KEYS } from "./aggregate.ts";

/** Hexadecimal with `0x`, but special-purpose registers in decimal; empty where a reason has no key. */
export function keyText(keySpace: KeySpace, key: number): string {
  if (key === OTHER_KEYS) return "other keys";
  if (keySpace === "none") return "";
  return keySpace === "spr" ? String(key) : `0x${key.toString(16)}`;
}
