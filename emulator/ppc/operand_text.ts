/** Operands as text: how each field is printed. */
import { crBitText } from "./cr_names.ts";
import { type FieldName, FIELDS } from "./fields.ts";

/** Numbers below ten in decimal, others in hexadecimal, as disassemblers print them. */
export function numberText(value: number | bigint): string {
  const magnitude = value < 0 ? -value : value;
  return (value < 0 ? "-" : "") + (magnitude < 10 ? `${magnitude}` : `0x${magnitude.toString(16)}`);
}

/** `address` of the mode's width. */
export function addressText(address: bigint): string {
  return `0x${address.toString(16)}`;
}

/** A field's value as an operand; branch targets, which need the address, are printed elsewhere. */
export function fieldText(name: FieldName, value: number): string {
  switch (FIELDS[name].text) {
    case "register":
      return `r${value}`;
    case "float":
      return `f${value}`;
    case "base":
      return value === 0 ? "0" : `r${value}`;
    case "crField":
      return `cr${value}`;
    case "crBit":
      return crBitText(value);
    default:
      return numberText(value);
  }
}
