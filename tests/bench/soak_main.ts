/**
 * The x86-32 programs in turn for minutes, one VM each: results and ledgers stay right, and memory flat.
 *
 *     deno run --no-prompt --allow-read tests/bench/soak_main.ts [--minutes N] [--only patch]
 *
 * `patch` rewrites its own code all the time. Ends with an error if the process's memory of the second half is more than
 * `SLACK` above that of the first.
 */
import { parseArgs } from "node:util";
import process from "node:process";
import { checkOutcome } from "./guests/guest.ts";
import { MACHINES, makeVm, Prepared } from "./machines.ts";

const MIB = 2 ** 20, SLACK = 32 * MIB;

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "10" }, only: { type: "string" } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new RangeError(`--minutes ${values.minutes}: give a number above 0`);

const machine = MACHINES.find(({ isa }) => isa === "x86-32")!;
const guests = machine.workloads.filter(({ name }) => values.only === undefined || name === values.only)
  .map((workload) => {
    const vm = makeVm(machine, "region");
    return { workload, vm, prepared: new Prepared(vm, workload), cycles: 0 };
  });
if (guests.length === 0) throw new RangeError(`--only ${values.only}: there is no such program`);

/** One pass each; counts and cycles of a pass are always the same. */
async function turn(): Promise<void> {
  for (const guest of guests) {
    const { workload, vm, prepared } = guest;
    workload.prepare?.(vm);
    const before = vm.vcpu.cycles;
    await prepared.pass();
    checkOutcome(vm, workload.outcome);
    const cycles = vm.vcpu.cycles - before;
    guest.cycles ||= cycles;
    if (cycles !== guest.cycles) {
      throw new Error(`${workload.name}: ${cycles} cycles a pass, ${guest.cycles} in an earlier one`);
    }
    if (vm.exits.totals().count !== 0) throw new Error(`${workload.name} made exits, it should make none`);
  }
}

const start = performance.now(), end = start + minutes * 60_000, middle = (start + end) / 2;
const most = { first: 0, second: 0 };
for (let turns = 0, told = start; performance.now() < end; turns++) {
  await turn();
  const now = performance.now(), { rss } = process.memoryUsage();
  // What V8 compiles comes in the first seconds.
  if (now > start + (end - start) / 10) {
    most[now < middle ? "first" : "second"] = Math.max(most[now < middle ? "first" : "second"], rss);
  }
  if (now - told < (end - start) / 10) continue;
  told = now;
  const instructions = guests.reduce((sum, { vm }) => sum + vm.vcpu.instructions, 0);
  console.log(
    `${((now - start) / 60_000).toFixed(1)} min: ${turns} turns, ${
      (instructions / 1e9).toFixed(1)
    } G instructions, ${Math.round(rss / MIB)} MiB resident`,
  );
}
console.log(
  `at most ${Math.round(most.first / MIB)} MiB resident in the first half, ${
    Math.round(most.second / MIB)
  } in the second`,
);
if (most.second > most.first + SLACK) throw new Error("memory grew");
