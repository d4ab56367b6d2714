/** Jumps through a table: to few targets, which a region compares, and to many, which it looks up. */
import { assertEquals } from "@std/assert";
import { MOST_COMPARED } from "../../../emulator/engine/region_writer.ts";
import { createVm, type Vm } from "../../../emulator/machine/vm.ts";
import type { RegionPolicy } from "../../../emulator/engine/hot_code.ts";

const ROUNDS = 3000;
/** Joins targets soon. */
const SOON: RegionPolicy = { interval: 100, found: 2, leftFor: 2 };

/** Goes through `targets` operations in an order that has no short period; in each second one there is a loop. */
function guest(targets: number): string {
  const names = Array.from({ length: targets }, (_, i) => `op${i}`);
  return `
        mov ecx, ${ROUNDS}
        mov ebx, 12345
hot:    imul ebx, ebx, 1103515245
        add ebx, 12345
        mov eax, ebx
        shr eax, 16
        xor edx, edx
        mov esi, ${targets}
        div esi
        jmp [edx * 4 + table]
        .balign 4
table:  .long ${names.join(", ")}
        ${
    names.map((name, i) => {
      const body = i % 2 === 0
        ? `add edi, ${i + 1}`
        : `mov esi, 3\n${name}in: rol edi, ${i}\ndec esi\njnz ${name}in`;
      return `${name}: ${body}\n jmp next`;
    }).join("\n")
  }
next:   dec ecx
        jnz hot
        hlt
        jmp next`;
}

function makeVm(source: string, regions: RegionPolicy): { vm: Vm; symbols: ReadonlyMap<string, bigint> } {
  const vm = createVm({ arch: "x86", mode: 32, memory: 0x1_0000, regions });
  const program = vm.assemble(source, 0x2000n);
  vm.load(program);
  return { vm, symbols: program.symbols };
}

function outcome({ vcpu }: Vm): readonly unknown[] {
  return [vcpu.registers.get("edi"), vcpu.registers.get("eip"), vcpu.instructions, vcpu.cycles];
}

for (const targets of [2, 3, MOST_COMPARED - 1, MOST_COMPARED, MOST_COMPARED + 4]) {
  Deno.test(`a region's jumps through a table of ${targets} lead where they should`, async () => {
    const plain = makeVm(guest(targets), "off");
    assertEquals((await plain.vm.run()).reason, "HLT");
    for (const policy of [SOON, "first", "hot"] as const) {
      const { vm } = makeVm(guest(targets), policy);
      assertEquals((await vm.run()).reason, "HLT");
      assertEquals(outcome(vm), outcome(plain.vm));
    }
  });

  Deno.test(`a breakpoint at one of ${targets} targets is met each time`, async () => {
    const visits = [];
    for (const policy of ["off", SOON, "first"] as const) {
      const { vm, symbols } = makeVm(guest(targets), policy);
      // Its targets are joined by then.
      await vm.run({ instructions: 9000 });
      vm.breakpoints.add(symbols.get("op1")!);
      const seen = [];
      for (let i = 0; i < 50; i++) seen.push((await vm.run()).reason, ...outcome(vm));
      visits.push(seen);
    }
    for (const other of visits.slice(1)) assertEquals(other, visits[0]);
  });
}
