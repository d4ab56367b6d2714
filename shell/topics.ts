/** The topics of `help`: what is not about one command. Lines of at most 80 columns. */

import { KEYMAP } from "./editor/keymap.ts";
import { reflow } from "./reflow.ts";

export interface Topic {
  readonly name: string;
  readonly summary: string;
  readonly text: string;
}

export const TOPICS: readonly Topic[] = [
  {
    name: "exits",
    summary: "what leaves the guest, and how it is counted and charged",
    text: `\
Whatever leaves the guest goes through one place, which writes a row of the
ledger: the reason (IO, MMIO, HYPERCALL ...: KVM's names), the backend's own
name and number (IO_INSTRUCTION 30, IOIO 0x7b ...), the key (port, address,
hypercall number), the direction, the size, and where the guest stood.

Cycles are split into stages: world switch (out of the guest and back),
dispatch (finding out why), decode (of the instruction, for MMIO), userspace
(the way out to the device's process and back) and device (what the handler
said it costs). Totals are always the sum of the rows.

  info exits            the table, as perf kvm stat prints it
  info exits by port    the same by another column
  stat ioport           as perf kvm stat lays it out: vmexit, mmio, ioport, hcall
  timeline              over virtual time, by kind
  export FILE           .html (a report), .svg, .trace.json (Perfetto), .json, .csv
  exits reset           from zero
  profile NAME          another price list; see help profiles`,
  },
  {
    name: "vehicles",
    summary: "hypercall, pio and mmio: ways to a device, and which is chosen",
    text: `\
A device is opened by name and reached by a vehicle, each a stub of real guest
code that traps as the hardware would:

  hypercall   vmcall on vmx, vmmcall on svm, sc 1 on kvm-hv, the magic sc on
              kvm-pr; under another hypervisor as that one has it: see
              help hypervisor. Cheapest: nothing to decode.
  pio         in and out, on x86. On PowerPC the PCI I/O window turns it into
              loads and stores, and it is labelled so.
  mmio        loads and stores, everywhere; pays for the fault and the decode.

Without "via" the first that works is taken, in this order, and open says why
it passed one over. Where a vehicle cannot work, asking for it is an error
that says why.

  open echo                  the best one
  open echo via pio          this one
  compare echo               all of them, side by side`,
  },
  {
    name: "rings",
    summary: "requests in shared memory, and when they beat calls",
    text: `\
A call leaves the guest each time. A ring's requests lie in memory that guest
and device share, and one doorbell tells the device of all of them; the answers
are found by looking, or an interrupt tells of them. What the guest's driver
does to the ring is guest code too, counted in instructions and cycles.

  open echo via pio          calls: exits for each
  call 1 0x2a
  ring echo --doorbell pio --batch 8
  submit 0x2a --times 32     four doorbells
  flush                      kicks for what is left, waits, shows the answers
  call 1 0x2a --ring         a call by the ring: submits, flushes and blocks
  info rings                 what each ring did

Each hypervisor has its own doorbell: Xen's event channel, HvSignalEvent,
ePAPR's doorbell, PAPR's H_SEND_CRQ; by pio and mmio it is a port or an address
of the ring's own. savevm keeps rings with all that is under way.
scripts/ring_vs_call.ts shows from which batch on a ring beats a call.`,
  },
  {
    name: "profiles",
    summary: "price lists for exits: what a cycle figure rests on",
    text: `\
A cost profile says what each exit and instruction costs, in cycles of one
processor. Each figure carries its provenance:

  published    taken from the named source
  calibrated   adjusted until published totals come out
  assumed      a guess, named as one

  profile                the one in use, and the others
  profile NAME           use it from here on (exits reset first, if there are any)
  info exits under NAME  what was counted, priced again, unless the guest read
                         its clock
  profile FILE.json      one of your own

The guest's clock follows from instructions and charged cycles only: the same
input gives the same ledger on any machine.`,
  },
  {
    name: "typescript",
    summary: "lines that are not commands; the rule, and the names in scope",
    text: `\
A line is a command if its first word names one (in full, by an alias or by a
beginning that fits one only) and is followed by white space, the end of the
line, or the suffix of that command (x/8xw, out.b), unless the next word is an
operator: "call 1 0x2a" and "regs" are commands; "call(1)", "x = 5" and
"await io.open('echo')" are TypeScript. A beginning does not count if it is a
reserved word or a name of the session.

  :regs       a command, whatever it looks like
  =regs       TypeScript, whatever it looks like

In scope: vm (the machine), vcpu (its first vCPU), io (transports), exits (the
ledger), session, $ (registers and variables: $.rax += 8n), _ (the last value).
await works at top level; const and let may be declared again; an unfinished
line goes on in the next one, and an empty line ends it. Relative imports count
from the working directory; of packages, trapsh's own only (help scripts).

Ctrl-C stops what awaits and what runs in the guest. A TypeScript loop that
never awaits, such as while (true), cannot be stopped but by ending trapsh.`,
  },
  {
    name: "addresses",
    summary: "numbers, registers and symbols in commands",
    text: `\
Wherever a command takes a number or an address:

  4096  0x1000  0b1010  0o17  1_000_000  'A'      numbers
  $rax  $pc  $r3  $n                              registers and variables
  start  loop_end                                 symbols of what was loaded
  prog.c:12                                       a source line (gcc -g)
  *ADDR  b[ADDR] h[ADDR] w[ADDR] g[ADDR]          memory: a word as wide as an
                                                  address; 1, 2, 4, 8 bytes
  + - * / % << >> & | ^ ~ ( )                     as in C, of any size
  == != < <= > >= && || !                         1 or 0; all is unsigned

An expression with spaces in it needs quotes where other words follow:
x/4xw "$rsp + 8". A value such as -1 is a value and not an option, so options
stand before it.`,
  },
  {
    name: "debugging",
    summary: "stops, steps, what is shown at them, traces, and going back",
    text: `\
As in gdb, where it has a name for it:

  break ADDR|FILE:LINE [if EXPR], tbreak        before an instruction
  watch, rwatch, awatch ADDR [LENGTH]           after an access to memory
  catch exit KIND [KEY]                         after an exit
  condition, ignore, enable, disable, delete    by number; info break lists them
  run, step, next, finish, until ADDR           step and next by instructions,
                                                with -l by source lines
  record on, then reverse-stepi, reverse-continue

After each stop: why, source line, code, stack, what changed, the cycles since
the last stop and the last exit. "context" says how much, "display EXPR" adds
to it. To look around:

  regs, p EXPR, x/NFU ADDR, xp, hexdump, disasm, list, sym
  page ADDR, info mem, info tlb, info mtree     from addresses to memory
  trace on [--to FILE] [in f] [op mov] [exit mmio]
  irq raise N, nmi                              interrupts from the prompt

A breakpoint changes no memory, a watchpoint may be of any length, and neither
makes anything slower but what it watches. Counts and cycles are the same with
and without them.`,
  },
  {
    name: "scripts",
    summary: "files of commands, files of TypeScript, and permissions",
    text: `\
  source FILE             lines as typed here; stops at the first that fails
  session save FILE.ts    what was done here, as a module that does it again
  script FILE.ts [ARGS]   a module; its default export is called with a context:
                          { args, session, out, style, json, signal, progress, each }

The same from a command line:

  trapsh -e LINE -e LINE        lines, in order
  trapsh -x FILE                a file of lines
  trapsh < FILE                 the same from standard input
  trapsh run FILE.ts [ARGS]     a module
  trapsh exec GUEST             a guest; its console is standard output

A module anywhere imports "trapsh" and gets this program's own API. It runs with
trapsh's permissions and packages. One that needs more runs by itself, with a
deno.json beside it and a last line that calls it:

  { "imports": { "trapsh": "PATH/mod.ts", "picocolors": "npm:picocolors@1.1.1" } }

  import { standalone, type ScriptContext } from "trapsh";
  export default function experiment({ args, session, out }: ScriptContext) { ... }
  if (import.meta.main) await standalone(experiment);

  deno run --allow-read --allow-net FILE.ts [ARGS]`,
  },
  {
    name: "sweeps",
    summary: "an experiment over all combinations of parameters, on many machines",
    text: `\
A sweep is a module: parameters, and a function that measures one cell of their
product and answers the columns of its line.

  import { createIo, createVm, defineSweep, startMeter } from "trapsh";

  export default defineSweep({
    parameters: { arch: ["x86", "ppc"], via: ["pio", "mmio"], size: [1, 64] },
    async cell({ arch, via, size }, context) {
      const vm = createVm({ arch });
      vm.devices.add({ name: "sink", call: () => 0 });
      const sink = await createIo(vm).open("sink", { via })
        .catch(context.infeasible);
      const meter = startMeter(vm);
      await sink.call(1, new Uint8Array(size));
      return { exits: meter().exits };
    },
  });

Cells run in workers, in any order: a cell makes all that it uses, awaits what
it starts and keeps nothing for the next. context.infeasible(why) says that a
cell cannot be; context.run(vm) runs a guest within the sweep's budget of
instructions; context.random() is alike in every run; context.note(line) is for
where figures are from. A loop of JavaScript that never ends costs its cell,
after --patience seconds, and a core until trapsh ends: nothing can stop it.

  sweep costs.ts --out costs.csv --set size=1..4096*2
  sweep costs.ts --out costs.csv --resume              after Ctrl-C or a kill
  sweep call echo --over vehicle,hypervisor,size=1,64  without a module

costs.csv.journal holds a line for each cell that is done. --resume refuses it
if the parameters, the module, what it imports or trapsh have changed, and says
what; data that a module reads by itself is not looked at. Status: 0, 1 if cells
failed, 130 after Ctrl-C.

Over machines an engine of yours starts the shards, which only share files:

  GNU parallel  parallel trapsh sweep costs.ts --out costs.csv --resume \\
                  --jobs 1 --shard {}/8 ::: 1 2 3 4 5 6 7 8
  Slurm         #SBATCH --array=1-8 --requeue
                trapsh sweep costs.ts --out costs.csv --resume \\
                  --shard $SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT
  GitHub        strategy: { matrix: { shard: [1, 2, 3, 4] } }
                run: trapsh sweep costs.ts --out costs.csv
                  --shard \${{ matrix.shard }}/4
                (upload costs.csv.*.journal, download all in one job, merge)
  Kubernetes    completionMode: Indexed, completions: 8; command: [sh, -c,
                "trapsh sweep costs.ts --out costs.csv --resume
                --shard $((JOB_COMPLETION_INDEX + 1))/8"]

  merge costs.csv        the same bytes as in one piece, or what is missing`,
  },
  {
    name: "keys",
    summary: "what the keys do at the prompt",
    text: `\
${KEYMAP.map(({ keys, does }) => keyRow(keys, does)).join("\n")}

Several lines that are pasted wait for Enter, and are then done one after the
other up to the first that fails. An entry that begins with a blank is not kept
in the history; NO_COLOR takes the colours and the hints away.`,
  },
];

/** Two columns: the keys as people write them, and what they do. */
function keyRow(keys: readonly string[], does: string): string {
  const column = 33;
  const first = `  ${keys.map(spelled).join(", ")}`.padEnd(column);
  return first + reflow(does, 80 - column).replaceAll("\n", `\n${" ".repeat(column)}`);
}

/** `C-Right` is Ctrl-Right, `C-r` Ctrl-R. */
function spelled(key: string): string {
  const [, prefix, name] = /^((?:[CMS]-)?)(.+)$/.exec(key)!;
  const long = { "C-": "Ctrl-", "M-": "Alt-", "S-": "Shift-" }[prefix] ?? "";
  return long + (prefix === "C-" && name.length === 1 ? name.toUpperCase() : name);
}

export function findTopic(name: string): Topic | undefined {
  const beginning = TOPICS.filter((topic) => topic.name.startsWith(name));
  return TOPICS.find((topic) => topic.name === name) ?? (beginning.length === 1 ? beginning[0] : undefined);
}
