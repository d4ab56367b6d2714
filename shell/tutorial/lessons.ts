/** The eight lessons: the argument of May 2009, KVM list, measured at the prompt by who reads it. */
import { exitCount, type Lesson, meanCycles, totalCycles } from "./lesson.ts";

/** The mean of a reason's exits without what decoding cost. */
const decodeOf: (reason: string) => Lesson["answer"] = (reason) => (session) => {
  const all = session.exits.aggregates().filter((it) => it.reason === reason);
  return all.reduce((sum, it) => sum + it.cycles.decode, 0) / all.reduce((sum, it) => sum + it.count, 0);
};

/** Bytes of the lesson's code that are no longer what was assembled. */
const changedBytes: Lesson["answer"] = ({ vm }) => {
  const { origin, bytes } = vm.assemble("vmcall\nhlt");
  return vm.memory.read(Number(origin), bytes.length).filter((byte, i) => byte !== bytes[i]).length;
};

const FOUR_WORDS = "1:8 2:8 3:8 4:8";

export const LESSONS: readonly Lesson[] = [
  {
    title: "a VM exit",
    story: `\
In May 2009 Gregory Haskins proposed a hypercall() to the KVM list, for drivers that do I/O. Whether it beats
port I/O and memory-mapped I/O was argued in words. Here you measure it.

A guest runs by itself until it needs what only the host can do: then the processor leaves it. That is a VM
exit, and it is what everything costs in the end. This guest stores a byte to a port, and halts.`,
    lines: ["arch x86", "asm mov edx, 0x80 ;; out dx, al ;; hlt", "run", "info exits"],
    question: "How many cycles did the exit of OUT cost (IO_INSTRUCTION)?",
    answer: meanCycles("IO"),
    near: [
      { figure: totalCycles, says: "that is both exits: to halt leaves the guest too" },
      { figure: meanCycles("HLT"), says: "that is what HLT cost" },
    ],
    moral: `\
Of these cycles the switch out of the guest and back is the least part; most is the way to the device's process
in userspace. The lower table has the stages, the last lines say where each figure is from.`,
  },
  {
    title: "memory-mapped I/O has to be decoded",
    story: `\
Haskins: "MMIO causes a page-fault, which must be decoded by the hypervisor and is therefore fairly expensive."
The processor says which port an IN is about. Of a load from a device's address it says only that there was a
fault: the hypervisor fetches the instruction and decodes it. The same register, read in both ways:`,
    lines: ["arch x86", "open echo via pio", "read 0 4", "open echo via mmio", "read 0 4"],
    question: "How many cycles of the access by MMIO are decode?",
    answer: decodeOf("MMIO"),
    near: [
      { figure: meanCycles("MMIO"), says: "that is the whole exit: decode is one of its stages" },
      { figure: meanCycles("IO"), says: "that is the access by port I/O" },
    ],
    moral: `\
The claim holds, with a limit: since 2014 KVM matches some stores by their address alone and decodes nothing.
scripts/vehicles.ts shows that row too.`,
  },
  {
    title: "port I/O is a word at a time",
    story: `\
Haskins: PIO "is a narrow-band interface (one 8, 16, 32, 64 bit word at a time)". In fact there is no IN or OUT of
64 bits. A call of 32 bytes, which are echoed, through ports:`,
    lines: ["arch x86", "open echo via pio data words", "exits reset", `call 1 ${FOUR_WORDS}`, "info exits"],
    question: "How many exits did the call take?",
    answer: exitCount(),
    near: [{ figure: totalCycles, says: "those are cycles: the question is about exits" }],
    moral: `\
Each word is an exit of its own, to and fro. Claim (3) of the thread is about the same space: it has 2^16 ports,
so 8,192 vectors of 8 bytes at most, and trapsh refuses the 8,193rd.`,
  },
  {
    title: "a hypercall brings its registers along",
    story: `\
Anthony Liguori: "Hypercalls cannot pass any data either. We pass data with hypercalls by relying on external state
(like register state)." Haskins: so does CALL. The same call as in lesson 3:`,
    lines: [
      "arch x86",
      "open echo via hypercall data words",
      "exits reset",
      `call 1 ${FOUR_WORDS}`,
      "info exits",
    ],
    question: "How many exits did the call take this time?",
    answer: exitCount(),
    near: [{ figure: totalCycles, says: "those are cycles: the question is about exits" }],
    moral: `\
KVM's ABI has four argument registers, PAPR's nine. With IN or OUT a hypervisor can look at the registers just as
well, as VMware's port 0x5658 does: "open echo via pio data registers" counts that.`,
  },
  {
    title: "two vendors, two instructions",
    story: `\
Liguori: hypercalls "cannot be implemented sanely with VT/SVM as Intel/AMD couldn't agree on a common instruction":
one has VMCALL, the other VMMCALL. A guest built for the one, on the other. KVM takes the #UD that follows, and
patches the guest's code:`,
    lines: ["backend svm", "asm vmcall ;; hlt", "x/4xb 0x1000", "run", "x/4xb 0x1000", "info exits"],
    question: "How many bytes of the guest's code changed?",
    answer: changedBytes,
    near: [{ figure: exitCount(), says: "that is the number of exits" }],
    moral: `\
That is what "is going to throw off attestation": a hash of the text that was measured at launch is no longer its
hash. Haskins: the patching exists already, and someone may want to trade. scripts/attestation.ts has the price of
each policy, scripts/migration.ts what becomes of a guest that is moved on.`,
  },
  {
    title: "PowerPC has no ports",
    story: `\
Haskins: PIOs "apparently only work on x86 (...) PPC can use PCI too, so how does that work? It must be either MMIO
emulation or its not supported?" Ask for port I/O on PowerPC, and see what you get:`,
    lines: ["arch ppc", "open echo via pio", "exits reset", "call 1 0x2a", "info exits"],
    question: "How many exits of MMIO did the call by PIO take?",
    answer: exitCount("MMIO"),
    near: [{ figure: totalCycles, says: "those are cycles: the question is about exits" }],
    moral: `\
PCI's I/O space is a window in memory there, and its cycles carry 4 bytes at most: it costs what MMIO does, more
often. Condition (c), "if PPC maps PIO as MMIO, that is no-good", is not met by PIO. PowerPC's cycles here are
assumptions throughout, as nobody has published any; its exits are not.`,
  },
  {
    title: "a ring holds the data, the trap only notifies",
    story: `\
Liguori: "you do not want to pass that much data with a notification. It's better to rely on some external state (like
a ring queue) and have the 'hypercall' act simply as a notification mechanism." Sixteen requests in a virtqueue, of
which the last one rings the doorbell. These lines are TypeScript, which every line is that is no command:`,
    lines: [
      "arch x86",
      'const echo = await io.open("echo", { via: "hypercall" })',
      "const ring = await echo.ring({ batch: 16 })",
      "exits.reset()",
      "for (let i = 0; i < 16; i++) await ring.submit(Uint8Array.of(i))",
      "(await ring.flush()).length",
      "info exits",
    ],
    question: "How many exits did sixteen requests take?",
    answer: exitCount(),
    near: [{ figure: () => 16, says: "that is the number of requests" }],
    moral: `\
And one request that somebody waits for takes as many: Haskins' point, that some calls are synchronous by nature,
and that the notification "rides on the same fundamental synchronous transport". scripts/ring_vs_call.ts shows from
which batch on a ring pays.`,
  },
  {
    title: "what if decoding were free?",
    story: `\
Haskins did not care what the vehicle is, as long as it (a) is feasible wherever PCI works, (b) has one interface, and
(c) "has equivalent performance". Exits that happened can be priced again without running again. A store by MMIO,
under the figures of 2013, and if decoding cost nothing:`,
    lines: ["arch x86", "open echo via mmio", "exits reset", "write 0 1 4", "what-if MMIO.decode=0"],
    question: "What does the store cost then, in cycles?",
    answer: (session) => totalCycles(session) - decodeOf("MMIO")(session),
    near: [{ figure: totalCycles, says: "that is what it cost with decoding" }],
    moral: `\
Still more than the port's exit of lesson 1: the way through userspace is dearer for MMIO in that table, so decoding
was not all of it. scripts/haskins.ts gives all twelve claims and three conditions a verdict, over every
architecture, hypervisor and vehicle. From here: help, help exits, and a device of your own (device add).`,
  },
];
