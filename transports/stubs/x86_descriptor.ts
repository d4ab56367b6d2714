/** x86: fills in a call descriptor and rings its doorbell, by OUT, MOV or hypercall. */
import { DESCRIPTOR } from "../descriptor.ts";
import { BLOCK } from "../places.ts";
import { ERRNO } from "../status.ts";
import { closed, type DescriptorRole, indented, type StubText } from "./stub_text.ts";
import { pointerRegister, wide } from "./x86_words.ts";

/** How the descriptor is announced; by hypercall `ring` has the lines, and `name` what tells them apart. */
export type X86Doorbell = "pio" | "mmio" | { readonly name: string; readonly ring: X86Ring };

/** Lines that make a hypercall of two arguments: the device's handle, and the descriptor's address. */
export type X86Ring = (target: string, self: string) => string[];

/** One exit, whatever the size. All addresses are below 4 GiB. */
export function x86Descriptor(doorbell: X86Doorbell, mode: 16 | 32 | 64): StubText<DescriptorRole> {
  const block = pointerRegister("bp", mode);
  const at = (offset: number) => `[${block}+${offset}]`;
  const rings: Record<"pio" | "mmio", string[]> = {
    pio: [`mov edx, ${at(BLOCK.target)}`, `mov eax, ${at(BLOCK.self)}`, "out dx, eax"],
    mmio: [
      `mov edi, ${at(BLOCK.target)}`,
      `mov eax, ${at(BLOCK.self)}`,
      `mov [${pointerRegister("di", mode)}], ${wide("ax", mode)}`,
    ],
  };
  const ring = typeof doorbell === "string"
    ? rings[doorbell]
    : doorbell.ring(at(BLOCK.target), at(BLOCK.self));
  const text = `
call:
  mov ${at(DESCRIPTOR.fn)}, eax
  mov ${at(DESCRIPTOR.flags)}, ecx
  mov ${at(DESCRIPTOR.data)}, edx
  mov ${at(DESCRIPTOR.length)}, ebx
  mov ${at(DESCRIPTOR.capacity)}, esi
  mov ${at(DESCRIPTOR.reply)}, edi
  mov eax, 0
  mov ${at(DESCRIPTOR.data + 4)}, eax
  mov ${at(DESCRIPTOR.reply + 4)}, eax
  mov eax, ${2 ** 32 - ERRNO.EINPROGRESS}
  mov ${at(DESCRIPTOR.status)}, eax
${indented(ring)}
  mov eax, ${at(DESCRIPTOR.status)}
  mov edx, ${at(DESCRIPTOR.replyLength)}
`;
  return {
    name: `${typeof doorbell === "string" ? doorbell : doorbell.name}_descriptor`,
    text: closed("x86", text),
    registers: {
      fn: wide("ax", mode),
      flags: wide("cx", mode),
      data: wide("dx", mode),
      length: wide("bx", mode),
      capacity: wide("si", mode),
      reply: wide("di", mode),
      block,
      status: wide("ax", mode),
      replyLength: wide("dx", mode),
    },
  };
}
