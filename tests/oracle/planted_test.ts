/** A test of the tests: bugs planted in a reader and in meanings are caught. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { InterpreterEngine } from "../../emulator/engine/engine.ts";
import { EmitOps } from "../../emulator/ir/emit.ts";
import { type InstructionCase, parseExample } from "../../emulator/isa/example.ts";
import type { Isa } from "../../emulator/isa/isa.ts";
import { ppcIsa } from "../../emulator/ppc/isa.ts";
import { DEFINITIONS as PPC } from "../../emulator/ppc/table.ts";
import { DEFINITIONS as X86 } from "../../emulator/x86/definitions/all.ts";
import { x86Isa } from "../../emulator/x86/isa.ts";
import { runCase } from "../support/cases.ts";
import { oracleDriver } from "../support/oracle_driver.ts";
import { Random } from "../support/random.ts";
import { vcpuOf } from "../support/vcpu.ts";
import { x86Pool } from "./samples.ts";
import { difference, RAM, randomState, TrialMachine } from "./trial.ts";

type Operation = "sar" | "shr" | "ltu" | "lts" | "sub" | "add" | "rotl" | "rotr";

/** What the interpreter's reader makes of an operation instead, with the same types. */
const READER_BUGS: readonly [Operation, Operation][] = [
  ["sar", "shr"],
  ["ltu", "lts"],
  ["sub", "add"],
  ["rotl", "rotr"],
];

for (const [operation, instead] of READER_BUGS) {
  Deno.test(`an interpreter that reads ${operation} as ${instead} differs from the oracle`, () => {
    const where = { arch: "x86", mode: 32, backend: "vmx" } as const;
    const random = new Random(7);
    const pool = x86Pool(32, random, 20_000);
    const names = [...pool.accepted.keys()].sort();
    const oracle = new TrialMachine(where, "oracle");
    const interpreter = new TrialMachine(where, "interpreter");
    haveOwnInterpreter(interpreter);
    let found: string | undefined;
    for (let i = 0; i < 400 && !found; i++) {
      const memory = Uint8Array.from({ length: RAM }, (_, at) => at * 7 + i);
      const state = randomState(oracle.vm, random);
      const parts = Array.from({ length: 10 }, () => random.pick(pool.accepted.get(random.pick(names))!));
      const start = { program: Uint8Array.from(parts.flatMap((part) => [...part])), state, memory };
      const right = oracle.run(start);
      found = difference(right, whileMeaning(operation, instead, () => interpreter.run(start)));
    }
    assertNotEquals(found, undefined);
  });
}

/** Gives the machine an interpreter that shares no code with others: a copy of the ISA, by which code is kept. */
function haveOwnInterpreter({ vm }: TrialMachine): void {
  const vcpu = vcpuOf(vm);
  const { arena, memory, exits } = vcpu.board;
  vcpu.engine = new InterpreterEngine({
    isa: { ...vcpu.isa },
    arena,
    state: vcpu.state,
    host: vcpu,
    codeAt: (address) => {
      const slot = address < 2n ** 52n ? memory.find(Number(address)) : undefined;
      return slot ? slot.place + (Number(address) - slot.gpa) : -1;
    },
    costOf: (cycleClass) => exits.profile.costOf(cycleClass),
  });
}

/** Forms are compiled when they are first executed: `operation` means `instead` while that may be. */
function whileMeaning<T>(operation: Operation, instead: Operation, run: () => T): T {
  const operations = EmitOps.prototype as unknown as Record<Operation, unknown>,
    right = operations[operation];
  operations[operation] = operations[instead];
  try {
    return run();
  } finally {
    operations[operation] = right;
  }
}

/** The ISA with every instruction decoded as before and doing nothing. */
function idle(isa: Isa): Isa {
  return {
    ...isa,
    decode(bytes, pc) {
      const decoded = isa.decode(bytes, pc);
      return "form" in decoded ? { ...decoded, form: { ...decoded.form, semantics() {} } } : decoded;
    },
  };
}

interface Example {
  readonly name: string;
  readonly isa: Isa;
  readonly example: InstructionCase;
}

async function unnoticed(examples: readonly Example[]): Promise<string[]> {
  const noticed = new Map<string, boolean>();
  for (const { name, isa, example } of examples) {
    const wrong = await runCase({ ...example, modes: [] }, [oracleDriver(idle(isa))]);
    noticed.set(name, noticed.get(name) || wrong.length > 0);
  }
  return [...noticed].filter(([, seen]) => !seen).map(([name]) => name).sort();
}

Deno.test("an x86 record that does nothing is noticed by its examples", async () => {
  const examples = X86.flatMap((definition) =>
    definition.examples.map(parseExample).flatMap((example) =>
      ([16, 32, 64] as const)
        .filter((mode) => example.modes.length === 0 ? mode !== 16 : example.modes.includes(`${mode}`))
        .map((mode) => ({
          name: `${definition.mnemonic} ${Object.keys(definition.encodings)[0]}`,
          isa: x86Isa(mode),
          example,
        }))
    )
  );
  console.log(`x86 records that may do nothing: ${(await unnoticed(examples)).join(", ")}`);
  assertEquals((await unnoticed(examples)).filter((name) => !X86_IDLE.test(name)), []);
});

/** Hints, fences and no-ops. */
const X86_IDLE = /^(nop|pause|endbr|prefetch|[lms]fence|wait|fwait|wbinvd|invd|esc)/;

Deno.test("a PowerPC record that does nothing is noticed by its examples", async () => {
  const examples = PPC.flatMap((definition) =>
    definition.examples.map(parseExample).flatMap((example) =>
      ([32, 64] as const)
        .filter((mode) => definition.only === undefined || definition.only === mode)
        .filter((mode) => example.modes.length === 0 || example.modes.includes(`${mode}`))
        .map((mode) => ({ name: definition.mnemonic, isa: ppcIsa(mode), example }))
    )
  );
  console.log(`PowerPC records that may do nothing: ${(await unnoticed(examples)).join(", ")}`);
  assertEquals((await unnoticed(examples)).filter((name) => !PPC_IDLE.test(name)), []);
});

/** Synchronisation and cache hints, which have no effect on a single in-order vCPU without caches. */
const PPC_IDLE = /^(sync|isync|eieio|dcb(f|st|t|tst|i)?|icbi|nop|xnop)/;
