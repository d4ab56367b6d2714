/** Code that changes while it runs: every executor sees the change at the next instruction. */
import { assertEquals } from "@std/assert";
import type { Vm } from "../../../emulator/machine/vm.ts";
import { type Guest, runEverywhere } from "./executors.ts";

async function eax(guest: Guest): Promise<string> {
  const { stop, registers } = await runEverywhere(guest);
  assertEquals(stop.reason, "HLT", stop.message);
  return registers.rax ?? registers.eax;
}

Deno.test("a store to the next instruction of the same block takes effect", async () => {
  for (const warm of [1, 3]) {
    assertEquals(
      await eax({
        source: `mov ecx, ${warm}
                 again: mov byte ptr [target + 1], cl
                 target: mov eax, 0x77
                 dec ecx
                 jne again
                 hlt`,
      }),
      "1",
    );
  }
});

Deno.test("a store through a translation that was writable before the page was code takes effect", async () => {
  assertEquals(
    await eax({
      source: `mov byte ptr [0x5000], 0xb8  # mov eax, 1; ret, on a page that is no code yet
               mov dword ptr [0x5001], 1
               mov byte ptr [0x5005], 0xc3
               mov esp, 0x9000
               mov ebx, 0x5000
               call rbx
               mov edx, eax
               mov dword ptr [0x5001], 0x20
               call rbx
               add eax, edx
               mov dword ptr [0x5001], 0x300
               mov edx, eax
               call rbx
               add eax, edx
               hlt`,
    }),
    "321",
  );
});

Deno.test("a store to the second page of a loop takes effect, after one that left no code on that page", async () => {
  assertEquals(
    await eax({
      at: 0x2fd0n,
      source: `mov ecx, 9
               xor eax, eax
               xor ebx, ebx
               begin: inc byte ptr [patched + 1]
               .balign 4096
               patched: mov al, 0
               add ebx, eax
               dec ecx
               jnz begin
               mov eax, ebx
               hlt`,
    }),
    "2d",
  );
});

Deno.test("a store to an instruction that lies on two pages takes effect on either side", async () => {
  // mov eax, imm32 at 0x4ffd: opcode and two bytes on one page, two bytes on the next; then ret.
  assertEquals(
    await eax({
      source: `mov esp, 0x9000
               mov ebx, 0x4ffd
               mov byte ptr [0x4ffd], 0xb8
               mov dword ptr [0x4ffe], 0x04030201
               mov byte ptr [0x5002], 0xc3
               call rbx
               mov byte ptr [0x5001], 0x44
               call rbx
               mov byte ptr [0x4ffe], 0x11
               call rbx
               hlt`,
    }),
    "44030211",
  );
});

Deno.test("a store that crosses from a data page into code takes effect", async () => {
  assertEquals(
    await eax({
      at: 0x5000n,
      source: `jmp go
               .byte 0xb8, 0, 0, 0, 0, 0xc3
               go: mov esp, 0x9000
               mov ebx, 0x5002
               call rbx
               mov rcx, 0x0000003412b802eb
               mov [0x4ffe], rcx
               mov rcx, 0x12b806eb00000000
               mov [0x4ffc], rcx
               call rbx
               hlt`,
    }),
    "12",
  );
});

Deno.test("a call that pushes over its own target takes effect", async () => {
  // The return address (0x2xxx) becomes the operand of the instruction that is called.
  const outcome = await runEverywhere({
    source: `mov esp, target + 10
             call target
             back: hlt
             target: mov rax, 0x1122334455667788
             hlt`,
  });
  assertEquals(outcome.stop.reason, "HLT");
  assertEquals(
    BigInt(`0x${outcome.registers.rax}`) & 0xffffn,
    0x2000n + 10n,
  );
});

const target = (vm: Vm) => vm.symbols.lookup("target")!;
const patch = (vm: Vm) => (vm.memory.write(target(vm) + 1n, Uint8Array.of(0x42)), 0);

Deno.test("code written by a device in an exit is seen by the next instruction", async () => {
  const setUp = (vm: Vm) =>
    void vm.devices.add({ name: "dma", read: () => patch(vm), write: () => void patch(vm) });
  for (
    const access of [
      "out dx, al",
      "in al, dx",
      "mov [rbx], eax",
      "mov ecx, [rbx]",
      "add [rbx], ecx",
      "push [rbx]",
    ]
  ) {
    assertEquals(
      await eax({
        setUp,
        source: `mov esp, 0x9000
                 mov edx, 0x1000
                 mov ebx, 0xfeb00000
                 ${access}
                 target: mov eax, 0x11
                 hlt`,
      }),
      "42",
      access,
    );
  }
});

Deno.test("code written by a device is seen across a branch that waited for it", async () => {
  const setUp = (vm: Vm) =>
    void vm.devices.add({
      name: "dma",
      read: (
        _offset,
        size,
      ) => (patch(vm), size === 8 ? target(vm) : Number(target(vm))),
    });
  for (const branch of ["jmp [rbx]", "call [rbx]", "mov rsp, rbx\n ret"]) {
    assertEquals(
      await eax({
        setUp,
        source: `mov esp, 0x9000
                 mov ebx, 0xfeb00000
                 ${branch}
                 nop
                 target: mov eax, 0x11
                 hlt`,
      }),
      "42",
      branch,
    );
  }
});

Deno.test("memory taken away in an exit ends the block that is being run", async () => {
  for (const how of ["remove", "replace"]) {
    const outcome = await runEverywhere({
      source: "mov esp, 0x9000\nout 0x80, al\ninc eax\ninc eax\nhlt",
      setUp: (vm) => {
        const write = () => {
          vm.memory.removeSlot("ram");
          if (how === "replace") vm.memory.addSlot({ name: "other", gpa: 0, size: 0x1_0000 });
          if (how === "replace") vm.memory.write(0x2000, new Uint8Array(64).fill(0xf4));
        };
        vm.ports.add({ base: 0x80, size: 1, name: "unplug" }, { read: () => 0, write });
      },
    });
    assertEquals(outcome.stop.reason, how === "remove" ? "INTERNAL_ERROR" : "HLT");
    assertEquals(outcome.registers.rax, "0");
  }
});

Deno.test("a loop that changes an instruction each time round is exact", async () => {
  const { registers } = await runEverywhere({
    source: `mov ecx, 500
             again: inc byte ptr [target + 2]
             target: add eax, 0
             dec ecx
             jne again
             hlt`,
  });
  let sum = 0;
  for (let i = 1; i <= 500; i++) sum += i << 24 >> 24;
  assertEquals(BigInt.asIntN(32, BigInt(`0x${registers.rax}`)), BigInt(sum));
});

Deno.test("PowerPC code that changes itself is seen at the next instruction", async () => {
  const { stop, registers } = await runEverywhere({
    arch: "ppc",
    source: `lis r4, 0x3860
             ori r4, r4, 0x1234
             li r5, target
             stw r4, 0(r5)
             target: li r3, 1
             trap`,
  }, { instructions: 5 });
  assertEquals([stop.reason, registers.r3], ["BUDGET", "1234"]);
});

Deno.test("code that is changed and changed back is what it was", async () => {
  assertEquals(
    await eax({
      source: `mov esp, 0x9000
               call target
               mov edx, eax
               mov byte ptr [target + 1], 0x20
               call target
               add edx, eax
               mov byte ptr [target + 1], 1
               call target
               add eax, edx
               hlt
               target: mov eax, 1
               ret`,
    }),
    "22",
  );
});

Deno.test("a store to code takes effect after a thousand beside it", async () => {
  for (const stores of [100, 255, 256, 257, 1000]) {
    assertEquals(
      await eax({
        source: `mov ecx, ${stores}
                 again: inc dword ptr [data]
                 dec ecx
                 jne again
                 mov byte ptr [target + 1], 0x55
                 target: mov eax, 1
                 hlt
                 data: .long 0`,
      }),
      "55",
    );
  }
});

Deno.test("a store to the instruction that makes it takes effect when it comes again", async () => {
  assertEquals(
    await eax({
      source: `mov ecx, 3
               xor eax, eax
               again: add byte ptr [again + 6], 1  # its own immediate: 1, 2, 4
               movzx edx, byte ptr [again + 6]
               add eax, edx
               dec ecx
               jne again
               hlt`,
      mode: 32,
    }),
    "e",
  );
});
