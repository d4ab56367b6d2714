/** EFLAGS.TF. SDM vol. 3B, 17.3.1.4: a #DB after each instruction that was begun with it. */
import { assertEquals } from "@std/assert";
import { runEverywhere } from "../../engine/executors.ts";
import { FLAT_MODES, flatGuest, SELECTOR } from "./guest.ts";

for (const mode of FLAT_MODES) {
  const letter = mode === 64 ? "q" : "d";
  /** Runs code with TF set; answers how often #DB came, and DR6. */
  const trace = async (code: string): Promise<{ steps: number; dr6: number }> => {
    const flags = (change: string) => `pushf${letter}\n${change}\npopf${letter}`;
    const guest = flatGuest(
      mode,
      `xor ebp, ebp\nmov eax, ${SELECTOR.data}\n${flags("or dword ptr [Rsp], 0x100")}\n${code}\n` +
        flags("and dword ptr [Rsp], -0x101"),
      `h: inc ebp\nmov Rsi, dr6\niret${letter}\ni: nop\nnop\niret${letter}`,
      { 1: { to: "h" }, 0x30: { to: "i" } },
    );
    const { stop, registers } = await runEverywhere(guest);
    assertEquals(stop.reason, "HLT", stop.message);
    const get = (name: string) => Number(`0x${registers[`${mode === 64 ? "r" : "e"}${name}`]}`);
    return { steps: get("bp"), dr6: get("si") };
  };
  /** PUSHF, AND and POPF, which take TF back. */
  const last = 3;

  Deno.test(`TF raises #DB after each instruction, x86-${mode}`, async () => {
    assertEquals((await trace("")).steps, last);
    const { steps, dr6 } = await trace("nop\ninc ecx\nmov ecx, [Rsp]");
    // DR6.BS.
    assertEquals([steps, dr6 & 0xe00f], [last + 3, 0x4000]);
    // A loop goes through the same block again and again; an exit does not hide its instruction's step.
    assertEquals((await trace("mov ecx, 3\n1: dec ecx\njnz 1b")).steps, last + 7);
    assertEquals((await trace("mov ecx, eax\ncpuid\nmov eax, ecx")).steps, last + 3);
  });

  Deno.test(`handlers of software interrupts are not stepped through, x86-${mode}`, async () => {
    assertEquals((await trace("int 0x30\nnop")).steps, last + 1);
  });

  Deno.test(`a load of SS holds the step off for one instruction, x86-${mode}`, async () => {
    // SDM vol. 3A, 6.8.3.
    assertEquals((await trace("mov ss, ax\nnop")).steps, last + 1);
  });
}
