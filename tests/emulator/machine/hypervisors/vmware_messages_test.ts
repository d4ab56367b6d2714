/** VMware's message channels as a guest in assembler meets them: as open-vm-tools' message.c goes about it, and wrongly. */
import { assert, assertEquals } from "@std/assert";
import type { Device } from "../../../../emulator/machine/device.ts";
import { restoreVm, saveVm } from "../../../../emulator/machine/snapshot/snapshot.ts";
import { createVm, type Vm } from "../../../../emulator/machine/vm.ts";
import type { VmOptions } from "../../../../emulator/machine/vm_options.ts";

const MAGIC = 0x564d_5868, PORT = 0x5658, STRING = 0x5659, RPCI = 0x4943_5052, COOKIE = 0x8000_0000;
/** Where the guest has its message, its answer and its notes. */
const MESSAGE = 0x4000, ANSWER = 0x5000, NOTES = 0x6000;
const SUCCESS = 1, DO_RECEIVE = 2, HIGH_BANDWIDTH = 0x80;

/** A low-bandwidth request: the channel is in the upper half of `[0x6f00]`, the cookie behind it. */
const request = (type: number, ebx: string | number) =>
  `mov ebx, ${ebx}\n mov eax, ${MAGIC}\n mov ecx, ${type * 0x1_0000 + 30}
   mov edx, [0x6f00]\n mov dx, ${PORT}\n mov esi, [0x6f04]\n mov edi, [0x6f08]\n in eax, dx\n`;
/** Notes registers at `[ebp]`. */
const note = (...registers: string[]) =>
  registers.map((name) => `mov [ebp], ${name}\n add ebp, 4\n`).join("");
const open = (proto = RPCI + COOKIE) =>
  `${request(0, proto)} mov [0x6f00], edx\n mov [0x6f04], esi\n mov [0x6f08], edi\n`;
/** A message or an answer in one instruction; `ecx` is loaded from `count`. */
const send = (count: string | number, ebx = 0x1_0000) =>
  `push ebp\n mov eax, ${MAGIC}\n mov ebx, ${ebx}\n mov ecx, ${count}\n mov edx, [0x6f00]\n mov dx, ${STRING}
   mov ebp, [0x6f04]\n mov edi, [0x6f08]\n mov esi, ${MESSAGE}\n cld\n rep outsb\n pop ebp\n`;
const receive = (count: string | number, ebx = 0x1_0000) =>
  `push ebp\n mov eax, ${MAGIC}\n mov edx, [0x6f00]\n mov dx, ${STRING}\n mov ecx, ${count}\n mov ebx, ${ebx}
   mov esi, [0x6f04]\n mov ebp, [0x6f08]\n mov edi, ${ANSWER}\n cld\n rep insb\n pop ebp\n`;

function echo(seen: string[] = []): Device {
  return {
    name: "echo",
    stateless: true,
    async call(fn, data, context) {
      context.charge(7);
      await Promise.resolve();
      seen.push(`${fn} ${new TextDecoder().decode(data)}`);
      return data;
    },
  };
}

function guest(source: string, message = "", options: Partial<VmOptions> = {}): Vm {
  const vm = createVm({
    arch: "x86",
    mode: 32,
    memory: 2 ** 18,
    hypervisor: "vmware",
    recordRows: true,
    ...options,
  });
  vm.load(vm.assemble(`mov ebp, ${NOTES}\n${source}\n hlt`, 0x1000n));
  vm.vcpu.registers.set("esp", 0x9000);
  vm.memory.write(MESSAGE, new TextEncoder().encode(message));
  return vm;
}

async function run(vm: Vm): Promise<void> {
  const stop = await vm.run({ instructions: 300_000 });
  assertEquals(stop.reason, "HLT", stop.message);
}

function notes(vm: Vm, count: number): number[] {
  const bytes = vm.memory.read(NOTES, 4 * count), view = new DataView(bytes.buffer);
  return Array.from({ length: count }, (_, i) => view.getUint32(4 * i, true));
}

const answer = (vm: Vm, length: number) => new TextDecoder().decode(vm.memory.read(ANSWER, length));

/** A whole exchange: opened, sent and received at the string port, closed. */
const EXCHANGE = (length: number) =>
  `${open()} ${note("ecx")} ${request(1, length)} ${note("ecx")} ${send(length)} ${note("ebx", "ecx", "esi")}
   ${request(3, 0)} ${note("ecx", "ebx", "edx")} ${receive("ebx")} ${note("ebx", "ecx", "edi")}
   ${request(5, SUCCESS)} ${note("ecx")} ${request(6, 0)} ${note("ecx")} ${request(3, 0)} ${note("ecx")}`;

for (const backend of ["vmx", "svm"] as const) {
  for (const engine of ["interpreter", "oracle"] as const) {
    Deno.test(`a message at the string port, and its answer: ${backend}, ${engine}`, async () => {
      const seen: string[] = [], text = `echo 7 ${"x".repeat(500)}`;
      const vm = guest(EXCHANGE(text.length), text, { backend, engine });
      vm.devices.add(echo(seen));
      await run(vm);
      assertEquals(seen, [`7 ${"x".repeat(500)}`]);
      assertEquals(answer(vm, 502), `1 ${"x".repeat(500)}`);
      const high = (status: number) => status * 0x1_0000;
      const [opened, sized, sentBx, sentCx, sentSi, ready, size, type, gotBx, gotCx, gotDi, ...after] = notes(
        vm,
        14,
      );
      assertEquals([opened, sized], [high(SUCCESS) + 30, high(SUCCESS | HIGH_BANDWIDTH) + 30]);
      assertEquals([sentBx, sentCx, sentSi], [high(SUCCESS), 0, MESSAGE + text.length]);
      assertEquals(ready, high(SUCCESS | DO_RECEIVE | HIGH_BANDWIDTH) + 30);
      assertEquals([size, type], [502, high(1) + PORT]);
      assertEquals([gotBx, gotCx, gotDi], [high(SUCCESS), 0, ANSWER + 502]);
      // Closed: nobody is there any more.
      assertEquals(after, [high(SUCCESS) + 30, high(SUCCESS) + 30, 30]);
      // However long the message, a string instruction is one exit.
      const rows = vm.exits.rows.map(({ key, direction, accesses, returns }) =>
        `${key.toString(16)} ${direction} ${accesses}/${returns}`
      );
      const low = "5658 in 1/1";
      assertEquals(rows, [
        low,
        low,
        "5659 out 1/1",
        low,
        "5659 in 1/1",
        low,
        low,
        low,
        rows.at(-1)!,
      ]);
      assertEquals(vm.exits.totals().cycles.device, 7);
    });
  }
}

Deno.test("a message four bytes at a time, as where there is no string port", async () => {
  const text = "echo 1 abcde", words = [0, 4, 8];
  const vm = guest(
    `${open(RPCI)} ${note("esi", "edi")} ${request(1, text.length)}
     ${words.map((at) => request(2, `[${MESSAGE + at}]`) + note("ecx")).join("")} ${request(2, 0)} ${
      note("ecx")
    }
     ${request(3, 0)} ${request(4, 1)} ${note("ebx")} ${request(4, 1)} ${note("ebx", "ecx", "edx")} ${
      request(4, 1)
    } ${note("ecx")}
     ${request(4, 0)} ${note("ecx")}`,
    text,
  );
  vm.devices.add(echo());
  await run(vm);
  const success = SUCCESS * 0x1_0000 + 30, word = (part: string) => new TextEncoder().encode(part);
  const value = (part: string) => word(part).reduceRight((sum, byte) => sum * 256 + byte, 0);
  assertEquals(notes(vm, 12), [
    ...[0, 0],
    ...[success, success, success, 30],
    ...[value("1 ab"), value("cde"), success, 2 * 0x1_0000 + PORT],
    // No more of it, and nothing without a status that says that the piece before came.
    ...[30, 30],
  ]);
});

Deno.test("what RPCI answers to what is no command", async () => {
  const cases: readonly [string, string][] = [
    ["nobody 1 x", "0 Unknown command"],
    ["", "0 Unknown command"],
    ["echo", "0 Invalid arguments"],
    ["echo x y", "0 Invalid arguments"],
    ["echo 4294967296 y", "0 Invalid arguments"],
    ["echo 4294967295", "1 "],
    ["lamp 1 y", "0 Unknown command"],
  ];
  for (const [text, expected] of cases) {
    const vm = guest(
      `${open()} ${request(1, text.length)} ${text === "" ? "" : send(text.length)} ${request(3, 0)} ${
        note("ebx")
      } ${receive("ebx")}`,
      text,
    );
    vm.devices.add(echo());
    vm.devices.add({ name: "lamp", stateless: true, write() {} });
    await run(vm);
    assertEquals([notes(vm, 1)[0], answer(vm, expected.length)], [expected.length, expected], text);
  }
});

/** What is wrong, and what is noted of it: no success, and nothing moved. */
const WRONG: readonly [string, string, readonly number[]][] = [
  ["another protocol", `${open(0x4f4c_4354)} ${note("ecx")}`, [30]],
  ["no such request", `${open()} ${request(9, 0)} ${note("ecx")}`, [30]],
  ["a channel that is not open", `mov dword ptr [0x6f00], 0x50000\n ${request(3, 0)} ${note("ecx")}`, [30]],
  ["another cookie", `${open()} inc dword ptr [0x6f04]\n ${request(1, 4)} ${note("ecx")}`, [30]],
  ["more than 64 KiB", `${open()} ${request(1, 0x1_0001)} ${note("ecx")}`, [30]],
  ["no size yet", `${open()} ${send(4)} ${note("ebx", "ecx", "esi")}`, [0, 4, MESSAGE]],
  ["more than the size", `${open()} ${request(1, 3)} ${send(4)} ${note("ebx", "ecx", "esi")}`, [
    0,
    4,
    MESSAGE,
  ]],
  ["another command at the string port", `${open()} ${request(1, 4)} ${send(4, 0x1_0001)} ${note("ebx")}`, [
    1,
  ]],
  ["no status at the string port", `${open()} ${request(1, 4)} ${send(4, 0)} ${note("ebx")}`, [0]],
  [
    "another cookie at the string port",
    `${open()} ${request(1, 4)} inc dword ptr [0x6f08]\n ${send(4)} ${note("ebx", "ecx")}`,
    [0, 4],
  ],
  ["an answer that is not there", `${open()} ${receive(4)} ${note("ebx", "ecx", "edi")}`, [0, 4, ANSWER]],
  [
    "the string port by VMCALL",
    `${open()} mov eax, ${MAGIC}\n mov ebx, 0x10000\n mov edx, 3\n vmcall\n ${note("ebx")}`,
    [0],
  ],
];
for (const [what, source, expected] of WRONG) {
  Deno.test(`refused: ${what}`, async () => {
    const vm = guest(source, "echo 1 x");
    vm.devices.add({ name: "echo", stateless: true, call: () => assert(false) });
    await run(vm);
    assertEquals(notes(vm, expected.length), [...expected]);
  });
}

Deno.test("without the magic number the string port is one that nobody has; 128 channels are all", async () => {
  const bare = guest(
    `mov edx, ${STRING}\n mov ecx, 3\n mov edi, ${ANSWER}\n mov eax, 5\n rep insb\n ${note("ecx")}`,
  );
  await run(bare);
  assertEquals([notes(bare, 1)[0], [...bare.memory.read(ANSWER, 4)]], [0, [255, 255, 255, 0]]);
  const many = guest(
    `mov dword ptr [0x6e00], 130\n again: ${open()} ${note("ecx")} dec dword ptr [0x6e00]\n jnz again\n`,
  );
  await run(many);
  const success = SUCCESS * 0x1_0000 + 30;
  assertEquals(notes(many, 130), [...new Array(128).fill(success), 30, 30]);
});

Deno.test("cut at any instruction and gone on from a snapshot, the exchange is the same", async () => {
  const text = `echo 7 ${"y".repeat(40)}`;
  const make = () => {
    const vm = guest(EXCHANGE(text.length), text);
    vm.devices.add(echo());
    return vm;
  };
  const straight = make();
  await run(straight);
  for (const piece of [3, 17]) {
    let vm = make();
    for (;;) {
      const stop = await vm.run({ instructions: piece });
      if (stop.reason === "HLT") break;
      vm = restoreVm(saveVm(vm), { devices: [echo()] });
    }
    assertEquals(notes(vm, 14), notes(straight, 14));
    assertEquals(answer(vm, 42), answer(straight, 42));
    assertEquals(vm.exits.totals(), straight.exits.totals());
    assertEquals(vm.vcpu.cycles, straight.vcpu.cycles);
  }
  // Another hypervisor knows of no channel.
  const moved = restoreVm(saveVm(straight), { devices: [echo()], hypervisor: "kvm" });
  assertEquals(restoreVm(saveVm(moved), { devices: [echo()] }).hypervisor.name, "kvm");
});
