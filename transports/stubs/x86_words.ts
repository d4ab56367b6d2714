/** x86: a call word by word, by MOV to the MMIO window or by IN and OUT. */
import { WINDOW } from "../window.ts";
import { closed, type WordStub } from "./stub_text.ts";

/**
 * By MMIO. In real mode `di` is an offset in DS and `bp` one in SS, which are the window's and the buffers'
 * segments; elsewhere both are flat. 8 bytes an access in 64-bit mode, else 4.
 */
export function x86MmioWords(mode: 16 | 32 | 64): WordStub {
  const width = mode === 64 ? 8 : 4;
  const [window, buffer, reply, word, spare] = mode === 64
    ? ["rdi", "rbp", "rsi", "rax", "rdx"]
    : [...["di", "bp", "si"].map((name) => pointerRegister(name, mode)), "eax", "edx"];
  const text = `
call:
  mov [${window}+${WINDOW.fn}], ${word}
${mode === 64 ? "" : `  mov [${window}+${WINDOW.length}], edx`}
send:
  test ecx, ecx
  jz sent
send_word:
  mov ${word}, [${buffer}]
  mov [${window}+${WINDOW.data}], ${word}
  add ${buffer}, ${width}
  sub ecx, 1
  jnz send_word
sent:
  test ebx, ebx
  jz end
  mov eax, [${window}+${WINDOW.result}]
  test eax, eax
  jle end
${replyWords(width)}
  mov ${buffer}, ${reply}
receive:
  mov ${spare}, [${window}+${WINDOW.data}]
  mov [${buffer}], ${spare}
  add ${buffer}, ${width}
  sub ecx, 1
  jnz receive
`;
  const registers = { window, fn: word, buffer, words: wide("cx", mode), reply, room: wide("bx", mode) };
  return {
    name: "mmio_words",
    text: closed("x86", text),
    registers: { ...registers, result: wide("ax", mode), ...(mode === 64 ? {} : { length: "edx" }) },
    width,
  };
}

/** By IN and OUT: 4 bytes an access at most, in every mode. `send` and `receive` take the port of DATA. */
export function x86PioWords(mode: 16 | 32 | 64): WordStub {
  const [buffer, reply] = ["bp", "si"].map((name) => pointerRegister(name, mode));
  const text = `
call:
  out dx, eax
  add edx, ${WINDOW.length - WINDOW.fn}
  mov eax, edi
  out dx, eax
  add edx, ${WINDOW.data - WINDOW.length}
send:
  test ecx, ecx
  jz sent
send_word:
  mov eax, [${buffer}]
  out dx, eax
  add ${buffer}, 4
  sub ecx, 1
  jnz send_word
sent:
  test ebx, ebx
  jz end
  add edx, ${WINDOW.result - WINDOW.data}
  in eax, dx
  mov edi, eax
  test eax, eax
  jle end
  sub edx, ${WINDOW.result - WINDOW.data}
${replyWords(4)}
  mov ${buffer}, ${reply}
receive:
  in eax, dx
  mov [${buffer}], eax
  add ${buffer}, 4
  sub ecx, 1
  jnz receive
`;
  return {
    name: "pio_words",
    text: closed("x86", text),
    registers: {
      window: wide("dx", mode),
      fn: wide("ax", mode),
      length: wide("di", mode),
      buffer,
      words: wide("cx", mode),
      reply,
      room: wide("bx", mode),
      result: wide("di", mode),
    },
    width: 4,
  };
}

/** The register's full name in a mode. */
export function wide(name: string, mode: 16 | 32 | 64): string {
  return (mode === 64 ? "r" : "e") + name;
}

/** The register's name where it holds an address: real mode's are 16 bits. */
export function pointerRegister(name: string, mode: 16 | 32 | 64): string {
  return mode === 16 ? name : wide(name, mode);
}

/** Of the reply's length in eax, the words to take in ecx: as many as there is room for in ebx. */
export function replyWords(width: 4 | 8): string {
  return `  mov ecx, eax
  add ecx, ${width - 1}
  shr ecx, ${Math.log2(width)}
  cmp ecx, ebx
  jbe fits
  mov ecx, ebx
fits:`;
}
