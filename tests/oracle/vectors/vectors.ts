/** Which runner a vector file is for, by what stands in it. */
import { gunzipSync } from "node:zlib";
import { ppcVectorRunner, type VectorResult } from "../../emulator/ppc/vector_files.ts";
import { runX86Vectors } from "./x86_cases.ts";

const GZIP = [0x1f, 0x8b];

/** The text of a file, unpacked if it is packed. */
export function vectorText(bytes: Uint8Array): string {
  const packed = GZIP.every((byte, i) => bytes[i] === byte);
  return new TextDecoder().decode(packed ? gunzipSync(bytes) : bytes);
}

/** Runs the cases of a file in any of the formats. Throws `SyntaxError` for one that is in none of them. */
export function runVectors(name: string, bytes: Uint8Array): VectorResult {
  const text = vectorText(bytes);
  const first = text.split("\n").find((line) => line.trim() !== "" && !line.startsWith("#")) ?? "";
  if (first.startsWith("{")) return runX86Vectors(text);
  const runner = ppcVectorRunner(name);
  if (runner === undefined) {
    throw new SyntaxError(
      `${name}: no known vectors: expected JSON lines with r0 and r1, or comma-separated PowerPC cases, found ${
        JSON.stringify(first.slice(0, 60))
      }`,
    );
  }
  return runner(text);
}
