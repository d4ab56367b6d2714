/** Tells what kind of file an image is. */
import { parseElf } from "./elf.ts";
import { parseFlat } from "./flat.ts";
import type { Image } from "./image.ts";

/** `"linux-x86"` is a bzImage, `"flat"` everything without a mark of its own. */
export type ImageFormat = "elf" | "gzip" | "linux-x86" | "flat";

function marked(bytes: Uint8Array, offset: number, mark: string): boolean {
  return bytes.length >= offset + mark.length &&
    [...mark].every((character, index) => bytes[offset + index] === character.charCodeAt(0));
}

/** Looks at a file's first bytes; never throws. */
export function detect(bytes: Uint8Array): ImageFormat {
  if (marked(bytes, 0, "\x7fELF")) return "elf";
  if (marked(bytes, 0, "\x1f\x8b")) return "gzip";
  // Linux, Documentation/arch/x86/boot.rst: boot flag and header magic.
  if (marked(bytes, 0x1fe, "\x55\xaa") && marked(bytes, 0x202, "HdrS")) return "linux-x86";
  return "flat";
}

/**
 * Reads an image of any known format. `at` is for flat ones, which do not say where they belong.
 * Throws `SyntaxError` or `RangeError` that says what is wrong with the file.
 */
export function parseImage(
  bytes: Uint8Array,
  options: { readonly at?: bigint; readonly limit?: number } = {},
): Image {
  const format = detect(bytes);
  switch (format) {
    case "elf":
      return parseElf(bytes, options);
    case "gzip":
      throw new SyntaxError("the image is compressed by gzip: expected it unpacked");
    case "linux-x86":
      throw new SyntaxError("the image is a Linux bzImage: expected the kernel's ELF file (vmlinux)");
    case "flat":
      return parseFlat(bytes, { at: options.at ?? 0n, limit: options.limit });
  }
}
