/** PowerPC: a call word by word through a call window, which is in memory whichever way it was asked for. */
import { WINDOW } from "../window.ts";
import { closed, type WordStub } from "./stub_text.ts";

/**
 * The window's numbers are little-endian, so they go by byte-reversed loads and stores; DATA moves bytes in
 * address order, so it goes by plain ones. `width` is 8 for MMIO of 64-bit guests, 4 for 32-bit ones and
 * for the PCI I/O window.
 */
export function ppcWords(width: 4 | 8): WordStub {
  const [load, store, log2] = width === 8 ? ["ld", "std", 3] : ["lwz", "stw", 2];
  const head = width === 8 ? "  stdbrx r4, 0, r3\n" : `  stwbrx r4, 0, r3
  addi r11, r3, ${WINDOW.length}
  stwbrx r5, 0, r11
`;
  const text = `
call:
${head}
send:
  cmpwi r7, 0
  beq sent
  mtctr r7
send_word:
  ${load} r11, 0(r6)
  ${store} r11, ${WINDOW.data}(r3)
  addi r6, r6, ${width}
  bdnz send_word
sent:
  cmpwi r9, 0
  beq end
  addi r11, r3, ${WINDOW.result}
  lwbrx r10, 0, r11
  cmpwi r10, 0
  ble end
  addi r7, r10, ${width - 1}
  srwi r7, r7, ${log2}
  cmplw r7, r9
  ble fits
  mr r7, r9
fits:
  mr r6, r8
receive:
  mtctr r7
receive_word:
  ${load} r11, ${WINDOW.data}(r3)
  ${store} r11, 0(r6)
  addi r6, r6, ${width}
  bdnz receive_word
`;
  return {
    name: `mmio_words${8 * width}`,
    text: closed("ppc", text),
    registers: {
      window: "r3",
      fn: "r4",
      ...(width === 8 ? {} : { length: "r5" }),
      buffer: "r6",
      words: "r7",
      reply: "r8",
      room: "r9",
      result: "r10",
    },
    width,
  };
}
