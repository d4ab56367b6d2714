/** x86: a call by REP OUTSD and REP INSD, 4 bytes an iteration in every mode. */
import { WINDOW } from "../window.ts";
import { closed, type WordStub } from "./stub_text.ts";
import { pointerRegister, replyWords, wide } from "./x86_words.ts";

/** `send` and `receive` take the port of DATA. */
export function x86StringWords(mode: 16 | 32 | 64): WordStub {
  const [from, to, reply] = ["si", "di", "bp"].map((name) => pointerRegister(name, mode));
  const text = `
call:
  out dx, eax
  add edx, ${WINDOW.length - WINDOW.fn}
  mov eax, edi
  out dx, eax
  add edx, ${WINDOW.data - WINDOW.length}
send:
  rep outsd
  test ebx, ebx
  jz end
  add edx, ${WINDOW.result - WINDOW.data}
  in eax, dx
  test eax, eax
  jle end
  sub edx, ${WINDOW.result - WINDOW.data}
${replyWords(4)}
  mov ${from}, ${reply}
receive:
  mov ${to}, ${from}
  rep insd
`;
  return {
    name: "pio_string",
    text: closed("x86", text),
    registers: {
      window: wide("dx", mode),
      fn: wide("ax", mode),
      length: wide("di", mode),
      buffer: wide("si", mode),
      words: wide("cx", mode),
      reply: wide("bp", mode),
      room: wide("bx", mode),
      result: wide("ax", mode),
    },
    width: 4,
  };
}

/** Exits of so many iterations, by KVM's batches (emulator/machine/x86/string_port.ts); replies begin at a page. */
export const STRING_EXITS = {
  sent: (words: number, inKernel: boolean) => inKernel ? Math.ceil(words / 1024) : words,
  received: (words: number) => Math.ceil(words / 256),
} as const;
