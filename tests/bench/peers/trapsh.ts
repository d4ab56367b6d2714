/** Our own two engines, in the benchmark's process. */
import { createVm, type RegionPolicy, type Vm } from "../../../mod.ts";
import { EXITS, expectValue } from "../guests/guest.ts";
import type { EngineKind } from "../machines.ts";
import { type Contender, Results, type Running, WARM_MS } from "./contender.ts";
import { type PeerGuest, REPEAT } from "./guest.ts";
import type { PeerImage } from "./image.ts";
import { type PeerSystem, VIRTIO } from "./systems.ts";

export class OwnMachine implements Running {
  readonly vm: Vm;
  readonly #results: Results;
  readonly #exits: number;
  readonly #pass: bigint;
  /** Values that reached the exit loops' devices, or that they answered. */
  accesses = 0;
  /** Accesses to the console. */
  told = 0;

  constructor(guest: PeerGuest, image: PeerImage, engine: EngineKind, policy: RegionPolicy = "hot") {
    this.vm = createVm({ ...guest.system.options, regions: engine === "interpreter" ? "off" : policy });
    this.#results = new Results(guest, "trapsh");
    this.#exits = guest.exits ? EXITS * REPEAT : 0;
    this.#attachConsole(guest.system);
    this.#attachDevices(guest.system);
    this.vm.memory.write(image.at, image.bytes);
    this.vm.vcpu.pc = image.entry;
    this.#pass = image.pass;
  }

  #attachConsole({ console: { by, at } }: PeerSystem): void {
    const take = (byte: number) => this.#results.take(byte, performance.now());
    const line = {
      read: () => 0,
      write: (_offset: number, _size: number, value: number | bigint) => {
        this.told++;
        take(Number(value));
      },
    };
    if (by === "port") this.vm.ports.add({ base: at, size: 1, name: "serial" }, line);
    else if (by === "mmio") this.vm.mmio.add({ base: at, size: 1, name: "serial" }, line);
    else {
      this.vm.hypercalls.register(at, {
        name: "H_PUT_TERM_CHAR",
        call: ({ registers }) => {
          this.told++;
          const length = Number(registers.get("r5")), text = registers.get("r6");
          for (let i = 0; i < length; i++) take(Number(text >> BigInt(56 - 8 * i) & 0xffn));
          registers.set("r3", 0);
        },
      });
    }
  }

  #attachDevices({ port, window, hypercall, virtio, options: { arch } }: PeerSystem): void {
    const counter = {
      read: () => {
        this.accesses++;
        return 1;
      },
      write: () => void this.accesses++,
    };
    if (port !== undefined) this.vm.ports.add({ base: port, size: 4, name: "counter" }, counter);
    if (window !== undefined) this.vm.mmio.add({ base: window, size: 4, name: "counter" }, counter);
    if (virtio) {
      this.vm.ports.add({ base: virtio.notify, size: 2, name: "doorbell" }, counter);
      const size = { read: () => VIRTIO.entries, write: () => {} };
      this.vm.ports.add({ base: virtio.queueSize, size: 2, name: "queue size" }, size);
    }
    if (hypercall === undefined) return;
    const call = arch === "x86" ? () => void this.accesses++ : ({ registers }: Vm["vcpu"]) => {
      this.accesses++;
      registers.set("r3", 0);
    };
    this.vm.hypercalls.register(hypercall, { name: "counter", call });
  }

  /** Runs one pass to its end; gives the instructions that it took. */
  async pass(): Promise<number> {
    const { vm } = this;
    const before = vm.vcpu.instructions, accessed = this.accesses;
    const stop = await vm.run({ until: this.#pass });
    if (stop.reason !== "UNTIL") throw new Error(`the guest stopped: ${stop.reason}, ${stop.message}`);
    expectValue("accesses", BigInt(this.accesses - accessed), BigInt(this.#exits));
    return vm.vcpu.instructions - before;
  }

  /** Up to the first pass's first instruction, then one pass. */
  async begin(): Promise<void> {
    await this.vm.run({ until: this.#pass });
    await this.pass();
  }

  async time(leastMs: number): Promise<number> {
    this.#results.restart();
    this.vm.exits.reset();
    this.accesses = this.told = 0;
    while (this.#results.elapsed < leastMs) await this.pass();
    this.#checkLedger();
    return this.#results.msPerPass;
  }

  /** Each access is one exit, an exit of the ledger is one of them, and its cycles are those that were charged. */
  #checkLedger(): void {
    const { exits, profile } = this.vm;
    const totals = exits.totals();
    const price = exits.aggregates().reduce(
      (sum, { count, reason, direction }) =>
        sum + count * profile.stagesFor(reason, direction, "userspace").total,
      0,
    );
    expectValue("exits in the ledger", BigInt(totals.count), BigInt(this.accesses + this.told));
    expectValue("cycles in the ledger", BigInt(totals.cycles.total), BigInt(exits.cycles));
    expectValue("price of its exits", BigInt(price), BigInt(exits.cycles));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function own(engine: EngineKind, about: string): Contender {
  return {
    name: `trapsh ${engine}`,
    about,
    find: () => Promise.resolve({ version: `Deno ${Deno.version.deno}`, runs: () => true }),
    async start(guest, image) {
      const machine = new OwnMachine(guest, image, engine);
      await machine.begin();
      await machine.time(WARM_MS);
      return machine;
    },
  };
}

const COUNTS = "counts every instruction and its cycles, keeps the ledger of exits";

export const OWN: readonly Contender[] = [
  own("interpreter", COUNTS),
  own("region", `${COUNTS}; compiles hot code by itself`),
];
