/** System instructions with random tables, stacks and operands: every run ends as documented, alike on both engines. */
import { assert, assertEquals } from "@std/assert";
import { vcpuOf } from "../../../support/vcpu.ts";
import { Random } from "../../../support/random.ts";
import { outcome } from "../../engine/executors.ts";
import { CPL, TR_BASE, TR_LIMIT, TR_RIGHTS } from "../../../../emulator/x86/slots.ts";
import { guest } from "../guests.ts";
import { FLAT_MODES, type FlatMode } from "./guest.ts";

const ROUNDS = 300;
const TABLES = 0x4000, LENGTH = 0x400;
const REASONS = ["HLT", "SHUTDOWN", "BUDGET", "UNIMPLEMENTED", "INTERNAL_ERROR"];

/** Written for 64-bit mode, with `R` for the letter of a full register. */
const LINES = [
  "mov ds, ax",
  "mov ss, cx",
  "mov gs, dx",
  "mov fs, ax",
  "lldt ax",
  "ltr cx",
  "int 0x11",
  "int3",
  "ud2",
  "push Rax\npush Rcx\nretf",
  "pushfQ\npush 8\npush 0x1000\niretQ",
  "iretQ",
  "rdmsr",
  "wrmsr",
  "mov cr4, Rax",
  "mov cr0, Rdx",
  "mov cr3, Rcx",
  "invlpg [Rsp]",
  "mov dr7, Rcx",
  "mov dr6, Rax",
  "mov Rax, dr4",
  "lmsw ax",
  "clts",
  "sgdt [Rsp]",
  "lidt [Rsp]",
  "div ecx",
  "popfQ",
  "mov es, cx",
  "pop fs",
  "push Rcx\npush 0x1000\njmp far P ptr [Rsp]",
  "push Rax\npush 0x1000\ncall far P ptr [Rsp]",
  "push Rcx\npush 0x9000\npush Rax\npush 0x1000\nretf",
  "push 0x10\npush 0x9000\npush 0x24302\npush Rcx\npush 0x1000\niretQ",
  "lar eax, ecx",
  "lsl eax, ecx",
  "verr ax",
  "verw cx",
  "in al, dx",
  ".byte 0x0f, 0x05",
  ".byte 0x48, 0x0f, 0x07",
] as const;

function program(random: Random, mode: FlatMode): string {
  const lines = Array.from({ length: 12 }, () => random.pick(LINES)).join("\n");
  return `${lines}\nhlt`.replaceAll(/\bR(?=[a-z])/g, mode === 64 ? "r" : "e")
    .replaceAll("Q", mode === 64 ? "q" : "d")
    .replaceAll("P ptr", mode === 64 ? "tbyte ptr" : "fword ptr");
}

/** Mostly descriptors and gates that are nearly right. */
function tables(random: Random): Uint8Array {
  const view = new DataView(new ArrayBuffer(LENGTH));
  for (let at = 0; at < LENGTH; at += 8) {
    const access = random.pick([
      0x9a,
      0x92,
      0x8e,
      0x8f,
      0x89,
      0x82,
      0x1a,
      0xf2,
      0x8c,
      0x85,
      0xec,
      0xe4,
      0xfa,
      0xfe,
      0xe9,
      random.below(256),
    ]);
    const flags = random.pick([0xcf, 0xaf, 0x00, random.below(256)]);
    const low = random.pick([0x0008_1000, 0x0000_ffff, random.u32()]);
    view.setUint32(at, low, true);
    view.setUint32(at + 4, flags << 16 | access << 8 | random.pick([0, 0, 1, random.below(256)]), true);
  }
  return new Uint8Array(view.buffer);
}

for (const mode of FLAT_MODES) {
  Deno.test(`random system instructions end with a documented stop, x86-${mode}`, async () => {
    for (let seed = 0; seed < ROUNDS; seed++) {
      const outcomes = [];
      for (const engine of ["oracle", "interpreter"] as const) {
        const random = new Random(seed);
        const vm = guest(program(random, mode), { mode, engine });
        vm.memory.write(TABLES, tables(random));
        const { registers } = vcpuOf(vm);
        const letter = mode === 64 ? "r" : "e";
        const edge = () => random.pick([0n, 8n, 0x10n, 0x28n, 0xc000_0080n, 0x8000_0011n, random.u64()]);
        for (const name of ["ax", "cx", "dx"]) {
          registers.set(letter + name, BigInt.asUintN(mode, edge()));
        }
        registers.set(
          `${letter}sp`,
          random.pick([0x8000n, 0x8003n, 0x4010n, 4n, BigInt.asUintN(mode, random.u64())]),
        );
        registers.set("gdt_base", TABLES);
        registers.set("gdt_limit", random.pick([0xff, LENGTH - 1, 0x17]));
        registers.set("idt_base", random.pick([TABLES, TABLES + 8]));
        registers.set("idt_limit", random.pick([LENGTH - 9, 0x3f]));
        const { state } = vcpuOf(vm);
        state.set64(CPL, random.pick([0n, 0n, 1n, 3n]));
        state.set64(TR_BASE, BigInt(TABLES + random.pick([0, 4, 0x80])));
        state.set64(TR_LIMIT, random.pick([0n, 0x2bn, 0x67n, 0x2000n]));
        state.set64(TR_RIGHTS, random.pick([0x8bn, 0x83n]));
        outcomes.push(outcome(vm, await vm.run({ instructions: 500 })));
      }
      assertEquals(outcomes[1], outcomes[0], `seed ${seed}`);
      const { stop } = outcomes[0];
      assert(REASONS.includes(stop.reason), `seed ${seed}: ${stop.message}`);
    }
  });
}
