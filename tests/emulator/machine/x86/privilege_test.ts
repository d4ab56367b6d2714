/** Privilege levels where QEMU is no measure: 64-bit mode, ports, EXT, limits. 32-bit tables: privilege_qemu_test.ts. */
import { assertEquals } from "@std/assert";
import { type Outcome, runEverywhere } from "../../engine/executors.ts";
import type { VmOptions } from "../../../../emulator/machine/vm_options.ts";
import { FLAT_MODES, flatGuest, type FlatMode, type Gate, SELECTOR, STACK_0, STACK_1 } from "./guest.ts";

const OPEN = 0xee;

/** Leaves error code, address, CS, flags, and where another stack was left its pointer and SS in registers. */
const WITH_CODE = "h: pop Rbp\npop Rsi\npop Rdi\npop Rcx\npop Rdx\npop Rax\nhlt";
const WITHOUT = "i: pop Rsi\npop Rdi\npop Rcx\npop Rdx\npop Rax\nhlt";
const HANDLERS = `${WITH_CODE}\n${WITHOUT}`;
const GATES: Readonly<Record<number, Gate>> = {
  6: { to: "i" },
  10: { to: "h" },
  11: { to: "h" },
  12: { to: "h" },
  13: { to: "h" },
  0x28: { to: "i", type: OPEN },
  0x29: { to: "i" },
  0x2a: { to: "i", type: OPEN, ist: 1 },
};

/** Code of level 3 (label `user`), entered by IRET with the user's stack. */
function userGuest(mode: FlatMode, user: string, prepare = "", flags = 2) {
  const iret = mode === 64 ? "iretq" : "iretd";
  return flatGuest(
    mode,
    `mov eax, ${SELECTOR.task}\nltr ax\n${prepare}\npush ${
      SELECTOR.userData | 3
    }\npush 0x8800\npush ${flags}\n` +
      `push ${SELECTOR.userCode | 3}\nmov eax, user\npush Rax\nmov eax, ${SELECTOR.userData | 3}\n` +
      `mov ds, ax\nmov es, ax\nmov fs, ax\n${iret}\nuser: ${user}\nhlt`,
    HANDLERS,
    GATES,
  );
}

const number = (outcome: Outcome, name: string) => BigInt(`0x${outcome.registers[name]}`);

for (const mode of FLAT_MODES) {
  const full = (outcome: Outcome, name: string) => number(outcome, `${mode === 64 ? "r" : "e"}${name}`);
  const word = BigInt(mode / 8);
  const user = (code: string, prepare = "", flags = 2) =>
    runEverywhere(userGuest(mode, code, prepare, flags));
  /** What #GP told about code of level 3. */
  const fault = async (code: string, prepare = "", flags = 2) => {
    const outcome = await user(`mov Rbp, -1\n${code}`, prepare, flags);
    assertEquals(
      [outcome.stop.reason, full(outcome, "di") & 3n],
      ["HLT", 3n],
      `${code}: ${outcome.stop.message}`,
    );
    return full(outcome, "bp");
  };

  Deno.test(`an interrupt at level 3 takes the stack of level 0 from the TSS, x86-${mode}`, async () => {
    // SDM vol. 3A, 6.12.1 and 6.14.4.
    const outcome = await user("int 0x28");
    assertEquals(
      [
        outcome.stop.reason,
        number(outcome, "cs"),
        full(outcome, "di"),
        full(outcome, "dx"),
        full(outcome, "ax"),
      ],
      ["HLT", 8n, BigInt(SELECTOR.userCode | 3), 0x8800n, BigInt(SELECTOR.userData | 3)],
      outcome.stop.message,
    );
    assertEquals(full(outcome, "sp"), STACK_0);
    // 64-bit mode has no stack segment there. SDM vol. 3A, 6.14.2.
    assertEquals(number(outcome, "ss"), mode === 64 ? 0n : BigInt(SELECTOR.data));
    if (mode === 64) {
      const other = await user("int 0x2a");
      assertEquals(full(other, "sp"), STACK_1 & ~0xfn);
    }
  });

  Deno.test(`a gate of level 0 is not for software of level 3, x86-${mode}`, async () => {
    // SDM vol. 3A, 6.12.1.1: #GP with IDT, without EXT.
    assertEquals(await fault("int 0x29"), 0x14an);
    // An exception goes through all the same.
    const outcome = await user("ud2");
    assertEquals([outcome.stop.reason, full(outcome, "di")], ["HLT", BigInt(SELECTOR.userCode | 3)]);
  });

  Deno.test(`privileged instructions raise #GP at level 3, before they leave the guest, x86-${mode}`, async () => {
    // SDM vol. 3A, 5.9; vol. 3C, 26.1.1.
    const codes = [
      "hlt",
      "mov Rax, cr0",
      "mov cr3, Rax",
      "mov Rax, dr0",
      "clts",
      "invd",
      "wbinvd",
      "rdmsr",
      "wrmsr",
    ];
    codes.push("lgdt [Rsp]", "lidt [Rsp]", "lldt ax", "ltr ax", "lmsw ax", "invlpg [Rsp]");
    if (mode === 64) codes.push("swapgs");
    for (const code of codes) {
      const outcome = await user(`mov Rbp, -1\n${code}`);
      assertEquals([outcome.stop.reason, full(outcome, "bp")], ["HLT", 0n], code);
      const rows = JSON.stringify(outcome.ledger).match(/"name":"[A-Z_]+"/g) ?? [];
      assertEquals(rows.filter((row) => !row.includes("HLT")), [], code);
    }
    assertEquals((await user("mov eax, 1\nsldt ecx\nint 0x28")).stop.reason, "HLT");
  });

  Deno.test(`CR4.TSD keeps the clock to level 0, x86-${mode}`, async () => {
    assertEquals(await fault("rdtsc", "mov Rax, cr4\nor Rax, 4\nmov cr4, Rax"), 0n);
    assertEquals((await user("rdtsc\nint 0x28")).stop.reason, "HLT");
  });

  Deno.test(`ports are open by IOPL or by the task's bit map, x86-${mode}`, async () => {
    // SDM vol. 1, 19.5. The map begins where the TSS has it at 0x66, and needs a byte after it.
    const map = "mov ebx, tss\nmov word ptr [Rbx+0x66], 0x60\n";
    assertEquals(await fault("in al, 0x30", map + "mov byte ptr [Rbx+0x66], 0x68"), 0n);
    // Ports 0 to 7 are told by byte 0x60 of it.
    assertEquals((await user("in al, 5\nint 0x28", map)).stop.reason, "HLT");
    assertEquals(await fault("in al, 5", `${map}mov byte ptr [Rbx+0x60], 0x20`), 0n);
    assertEquals(await fault("in ax, 4", `${map}mov byte ptr [Rbx+0x60], 0x20`), 0n);
    assertEquals(
      (await user("in ax, 6\nint 0x28", `${map}mov byte ptr [Rbx+0x60], 0x20`)).stop.reason,
      "HLT",
    );
    assertEquals((await user("in al, 0x30\nint 0x28", "", 0x3002)).stop.reason, "HLT");
  });

  Deno.test(`IRET and RET to level 3 take what it must not have, x86-${mode}`, async () => {
    // SDM vol. 3A, 5.8.6: gs had level 0, and IOPL and IF are not the user's to change.
    const outcome = await user("int 0x28", `mov eax, ${SELECTOR.data}\nmov gs, ax`);
    assertEquals([number(outcome, "gs"), number(outcome, "fs")], [0n, BigInt(SELECTOR.userData | 3)]);
    const popf = await user(
      `pushf${mode === 64 ? "q" : "d"}\nor dword ptr [Rsp], 0x3200\npopf${mode === 64 ? "q" : "d"}\nint 0x28`,
    );
    assertEquals(full(popf, "cx") & 0x3200n, 0n);
  });

  Deno.test(`a call gate leads to level 0 and RET back, x86-${mode}`, async () => {
    // SDM vol. 3A, 5.8.3 to 5.8.6.
    const far = mode === 64
      ? `mov rbx, room\nmov dword ptr [rbx], 0\nmov dword ptr [rbx+4], 0\nmov word ptr [rbx+8], ${
        SELECTOR.callGate | 3
      }\ncall far tbyte ptr [rbx]`
      : `mov ebx, room\nmov dword ptr [ebx], 0\nmov word ptr [ebx+4], ${
        SELECTOR.callGate | 3
      }\ncall far fword ptr [ebx]`;
    const outcome = await user(far);
    // It ends behind the gate (see `through`), on the stack of level 0 with SS, rSP, CS and rIP.
    assertEquals([outcome.stop.reason, full(outcome, "di"), number(outcome, "cs")], ["HLT", 7n, 8n]);
    assertEquals(full(outcome, "sp"), STACK_0 - 4n * word);
  });

  Deno.test(`faults of level 3 tell EXT only where the processor delivers, x86-${mode}`, async () => {
    // SDM vol. 3A, 6.13: the gate of #UD is bad, which is no doing of the program's.
    const guest = userGuest(mode, "ud2", `mov ebx, idt\nmov byte ptr [Rbx+${6 * mode / 4 + 5}], 0x0e`);
    const outcome = await runEverywhere(guest);
    assertEquals([outcome.stop.reason, full(outcome, "bp")], ["HLT", 0x33n]);
  });

  Deno.test(`a hypercall leaves the guest at level 3, and KVM refuses it, x86-${mode}`, async () => {
    const outcome = await user("mov eax, 5\nvmcall\nmov Rbp, Rax\nint 0x28");
    assertEquals([outcome.stop.reason, BigInt.asIntN(mode, full(outcome, "bp"))], ["HLT", -1n]);
    assertEquals(JSON.stringify(outcome.ledger).includes('"VMCALL"'), true);
  });

  Deno.test(`hypervisors refuse level 3 each in its own way, and VMware does not, x86-${mode}`, async () => {
    const under = (options: Partial<VmOptions>, code: string) =>
      runEverywhere({ ...userGuest(mode, `${code}\nint 0x28`), ...options });
    const call = "mov eax, 5\nvmcall\nmov Rbp, Rax".replaceAll("Rax", mode === 64 ? "rax" : "eax")
      .replace("Rbp", mode === 64 ? "rbp" : "ebp");
    const xen = await under({ hypervisor: "xen" }, call);
    assertEquals(BigInt.asIntN(mode, full(xen, "bp")), -1n, "-EPERM");
    // #UD: the address that it leaves is the instruction's own, and there is no error code.
    for (const hypervisor of ["hyperv", "none"] as const) {
      const { ledger, ...outcome } = await under({ hypervisor }, call.replace("vmcall", "at: vmcall"));
      assertEquals([outcome.stop.reason, full({ ledger, ...outcome }, "di") & 3n], ["HLT", 3n]);
      assertEquals(full({ ledger, ...outcome }, "bp"), 0n, "not executed");
    }
    const door = "mov eax, 0x564d5868\nmov ecx, 10\nmov edx, 0x5658\nin eax, dx\nmov ebp, eax";
    assertEquals(full(await under({ hypervisor: "vmware" }, door), "bp"), 6n);
    assertEquals(full(await under({ hypervisor: "kvm" }, `mov ebp, 1\n${door}`), "bp"), 0n, "#GP, code 0");
    // The other vendor's: KVM's emulator refuses VMCALL with #GP, and patches VMMCALL, whose call it then refuses.
    const wrong = await under({ backend: "svm" }, `mov ebp, 1\n${call}`);
    assertEquals(full(wrong, "bp"), 0n, "#GP, code 0");
    const patched = await under({ backend: "vmx" }, call.replace("vmcall", "vmmcall"));
    assertEquals(BigInt.asIntN(mode, full(patched, "bp")), -1n, "-KVM_EPERM");
  });

  Deno.test(`without a TSS there is no way in: a shutdown, x86-${mode}`, async () => {
    const guest = userGuest(mode, "int 0x28");
    const { stop } = await runEverywhere({ ...guest, source: guest.source.replace("ltr ax", "nop") });
    assertEquals(stop.reason, "SHUTDOWN", stop.message);
  });
}

Deno.test("SYSCALL and SYSRET go to level 0 and back", async () => {
  // SDM vol. 2B: CS and SS are those of STAR, flat whatever the table says; SYSRET's base is 16 below 64-bit code.
  const write = (msr: string, high: number, low: string) =>
    `mov ecx, ${msr}\nmov edx, ${high}\nmov eax, ${low}\nwrmsr\n`;
  const prepare = write("0xc0000080", 0, "0x501") +
    write("0xc0000081", (SELECTOR.userData - 8) << 16 | 8, "0") +
    write("0xc0000082", 0, "kernel") + write("0xc0000084", 0, "0x400");
  const outcome = await runEverywhere(
    userGuest(
      64,
      "std\nsyscall\nback: mov r9d, cs\nmov r10d, ss\nint 0x28\nkernel: pushfq\npop r8\nmov r12d, cs\nmov r13d, ss\nsysretq",
      prepare,
    ),
  );
  const get = (name: string) => number(outcome, name);
  assertEquals(outcome.stop.reason, "HLT", outcome.stop.message);
  // DF was masked by FMASK, and is back.
  assertEquals([get("r8") & 0x400n, get("r11") & 0x400n, get("rcx") & 0x400n], [0n, 0x400n, 0x400n]);
  assertEquals([get("r12"), get("r13")], [8n, 0x10n]);
  assertEquals([get("r9"), get("r10")], [BigInt(SELECTOR.userData + 8 | 3), BigInt(SELECTOR.userData | 3)]);
});

Deno.test("compatibility mode runs 32-bit code, and its interrupts are 64-bit ones", async () => {
  // SDM vol. 3A, 6.14: `otherMode` is 32-bit code there; push eax, which is push rax in 64-bit mode.
  const far = `mov rbx, room\nmov rax, to\nmov [rbx], rax\nmov word ptr [rbx+8], ${SELECTOR.otherMode}\n` +
    "mov rax, 0x123456789\njmp far tbyte ptr [rbx]\nto: .byte 0x50, 0x48\nint 0x28";
  const outcome = await runEverywhere(flatGuest(64, far, HANDLERS, GATES));
  const get = (name: string) => number(outcome, name);
  // 48 is DEC EAX in 32-bit code.
  assertEquals([outcome.stop.reason, get("cs"), get("rdi")], ["HLT", 8n, BigInt(SELECTOR.otherMode)]);
  assertEquals(get("rdx"), 0x8ffcn);
});

Deno.test("segments end at their limits: data, expand-down, code", async () => {
  const load = (low: string) => `mov ebx, gdt\nmov dword ptr [ebx+${SELECTOR.based}], ${low}\n`;
  const row = (high: string) =>
    `mov dword ptr [ebx+${SELECTOR.based + 4}], ${high}\nmov eax, ${SELECTOR.based}\n`;
  const run = (code: string) => runEverywhere(flatGuest(32, `mov ebp, -1\n${code}`, HANDLERS, GATES));
  const cases: [setUp: string, code: string, error: bigint][] = [
    // SDM vol. 3A, 5.3: limit 0xfff, base 0.
    [load("0x00000fff") + row("0x00409200"), "mov ds, ax\nmov cl, [0xfff]", -1n],
    [load("0x00000fff") + row("0x00409200"), "mov ds, ax\nmov cx, [0xfff]", 0n],
    [load("0x00000fff") + row("0x00409200"), "mov ds, ax\nmov cl, [0x1000]", 0n],
    // Expand-down: only what lies beyond the limit.
    [load("0x00000fff") + row("0x00409600"), "mov ds, ax\nmov cl, [0xfff]", 0n],
    [load("0x00000fff") + row("0x00409600"), "mov ds, ax\nmov cl, [0x1000]", -1n],
    // Read-only, and null.
    [load("0x0000ffff") + row("0x00cf9000"), "mov ds, ax\nmov byte ptr [0x100], 1", 0n],
    ["", "xor eax, eax\nmov ds, ax\nmov cl, [0x100]", 0n],
    // A far jump beyond the limit of its segment. SDM vol. 2A, JMP: #GP(0).
    [
      load("0x00000fff") + row("0x00409a00"),
      `mov ebx, room\nmov dword ptr [ebx], 0x1000\nmov word ptr [ebx+4], ax\njmp far fword ptr [ebx]`,
      0n,
    ],
  ];
  for (const [setUp, code, error] of cases) {
    const outcome = await run(`${setUp}${code}\nmov eax, ${SELECTOR.data}\nmov ds, ax`);
    const ebp = BigInt.asIntN(32, number(outcome, "ebp"));
    assertEquals([outcome.stop.reason, ebp], ["HLT", error], `${code}: ${outcome.stop.message}`);
  }
});
