/**
 * Descriptors, privilege levels, gates and tasks against an outside processor: QEMU runs the same bytes. Skipped, visibly,
 * where it is not installed (Debian: qemu-system-x86) or `--allow-run` leaves it out. QEMU looks at no limits of
 * segments, and has neither EXT in error codes nor RF in frames: those are other tests' business.
 */
import { assert, assertEquals } from "@std/assert";
import { createVm, type Vm } from "../../../../emulator/machine/vm.ts";
import { CASES, describeCase, EXIT_PORT, ORIGIN, PORT, privilegeGuest } from "./privilege_guest.ts";

const QEMU = "qemu-system-i386";

/** Where QEMU 7.2 does something else than the manual says: what, and what that is. */
const DEVIATIONS: readonly (readonly [RegExp, string])[] = [
  [/: jmp( 16)? of .*gate to absent code/, "SDM vol. 2A, JMP: #NP, where QEMU has #GP"],
  [/ to ss of absent data/, "SDM vol. 2B, RET, and vol. 2A, IRET: #SS, where QEMU has #NP"],
  [/: iret to virtual-8086 .* level [13]/, "SDM vol. 2A, IRET: at CPL 0 only"],
  [/: int 0x62 of (local|beyond the LDT)/, "SDM vol. 2A, INT n, TASK-GATE: #GP, where QEMU has #TS"],
  [/: (jmp|call)( 16)? of local task/, "SDM vol. 2A, JMP and CALL: #GP, where QEMU has #TS"],
  [/: call.* gate to conforming 0 .* level [13]/, "SDM vol. 2A, CALL: CS.RPL is CPL, not the segment's DPL"],
  [/: ltr of null/, "SDM vol. 2A, LTR: #GP(0)"],
  [/: ud2 through the gate of .*(code|conforming|execute-only)/, "SDM vol. 3B, 17.3.1.1: RF in the frame"],
];

function deviates(name: string): boolean {
  return DEVIATIONS.some(([pattern]) => pattern.test(name));
}

async function hasQemu(): Promise<boolean> {
  const { state } = await Deno.permissions.query({ name: "run", command: QEMU });
  if (state !== "granted") return false;
  try {
    return (await new Deno.Command(QEMU, { args: ["--version"], stdout: "null" }).output()).success;
  } catch {
    return false;
  }
}

function collect(vm: Vm): number[] {
  const out: number[] = [];
  vm.ports.add({ base: PORT, size: 1, name: "text" }, {
    read: () => 0,
    write: (_offset, _size, value) => void out.push(Number(value)),
  });
  return out;
}

const lines = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim().split("\n");

async function runHere(): Promise<{ image: Uint8Array; lines: string[] }> {
  const vm = createVm({ arch: "x86", mode: 32, memory: 0x40_0000 }), out = collect(vm);
  const program = vm.assemble(privilegeGuest(), BigInt(ORIGIN));
  vm.load(program);
  vm.vcpu.pc = program.symbols.get("start")!;
  const stop = await vm.run({ instructions: 1e9 });
  assertEquals(stop.reason, "HLT", stop.message);
  return { image: program.bytes, lines: lines(Uint8Array.from(out)) };
}

async function runQemu(image: Uint8Array): Promise<string[]> {
  const folder = await Deno.makeTempDir();
  try {
    const kernel = `${folder}/kernel`, text = `${folder}/text`;
    await Deno.writeFile(kernel, image);
    const command = new Deno.Command(QEMU, {
      args: [
        ...["-kernel", kernel, "-m", "16", "-accel", "tcg", "-display", "none", "-no-reboot", "-net", "none"],
        ...["-debugcon", `file:${text}`, "-device", `isa-debug-exit,iobase=${EXIT_PORT}`],
      ],
      signal: AbortSignal.timeout(60_000),
    });
    await command.output();
    return lines(await Deno.readFile(text));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "selectors, gates and tasks at every privilege level do what they do on QEMU",
  ignore: !await hasQemu(),
  async fn() {
    const { image, lines: here } = await runHere(), there = await runQemu(image);
    assertEquals([here.length, there.length], [CASES, CASES]);
    const differing = here.flatMap((line, i) => line === there[i] || deviates(describeCase(i)) ? [] : [i]);
    assertEquals(differing.map(describeCase), []);
    // The list of deviations is not longer than it has to be.
    for (const [pattern, why] of DEVIATIONS) {
      assert(here.some((line, i) => line !== there[i] && pattern.test(describeCase(i))), why);
    }
  },
});
