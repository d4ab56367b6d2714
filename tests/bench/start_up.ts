/** What it takes to get going: processes, the first machine of an ISA, further machines. Milliseconds. */
import type { IsaName } from "./guests/guest.ts";
import { type Machine, MACHINES, makeVm } from "./machines.ts";
import { type Sample, sampleOf } from "./statistics.ts";

export interface StartRow {
  readonly what: string;
  readonly isa?: IsaName;
  readonly milliseconds: Sample;
}

const ROOT = new URL("../../", import.meta.url);

/** Runs `deno ARGS` to its end; gives its standard output and how long it took. */
async function deno(args: readonly string[]): Promise<{ text: string; milliseconds: number }> {
  const start = performance.now();
  const { success, stdout, stderr } = await new Deno.Command("deno", { args: [...args], cwd: ROOT }).output();
  const milliseconds = performance.now() - start;
  if (!success) throw new Error(`deno ${args.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
  return { text: new TextDecoder().decode(stdout), milliseconds };
}

async function processes(what: string, args: readonly string[], runs: number): Promise<StartRow> {
  await deno(args);
  const times: number[] = [];
  for (let run = 0; run < runs; run++) times.push((await deno(args)).milliseconds);
  return { what, milliseconds: sampleOf(times) };
}

/** The first machine builds the ISA's tables, emits its interpreter and compiles it. */
async function firstMachine({ isa, options }: Machine, runs: number): Promise<StartRow[]> {
  const times: Record<"tables" | "firstVm" | "firstInstruction" | "firstAssembly", number>[] = [];
  for (let run = 0; run < runs; run++) {
    const { text } = await deno(["run", "--allow-read", "tests/bench/cold.ts", JSON.stringify(options)]);
    times.push(JSON.parse(text));
  }
  const row = (what: string, key: keyof (typeof times)[number]): StartRow => ({
    what,
    isa,
    milliseconds: sampleOf(times.map((one) => one[key])),
  });
  return [
    row("instruction tables", "tables"),
    row("first machine, with them", "firstVm"),
    row("first instruction, with both", "firstInstruction"),
    row("first assembly", "firstAssembly"),
  ];
}

/** Machines after the first; many at once, as one is done before the clock ticks. */
function furtherMachines(machine: Machine, runs: number): StartRow {
  const BATCH = 20;
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    for (let i = 0; i < BATCH; i++) makeVm(machine, "region");
    times.push((performance.now() - start) / BATCH);
  }
  return { what: "further machine", isa: machine.isa, milliseconds: sampleOf(times) };
}

export async function measureStart(runs: number): Promise<StartRow[]> {
  const shell = ["run", "--no-prompt", "--allow-read", "--allow-sys", "--allow-env", "shell/main.ts"];
  const rows = [
    await processes("deno itself", ["eval", "0"], runs),
    await processes("shell: -e help", [...shell, "-e", "help"], runs),
    await processes("shell: -e 'regs'", [...shell, "-e", "regs"], runs),
  ];
  for (const machine of MACHINES) {
    rows.push(...await firstMachine(machine, runs), furtherMachines(machine, runs));
  }
  return rows;
}
