/** Our own two engines, in the benchmark's process. */
import { createVm, type RegionPolicy, type Vm } from "../../../mod.ts";
import { EXITS, expectValue } from "../guests/guest.ts";
import type { EngineKind } from "../machines.ts";
import { type Contender, Results, type Running, WARM_MS } from "./contender.ts";
import { type PeerGuest, PORT, REPEAT, SERIAL } from "./guests.ts";
import { LOADED_AT, type PeerImage } from "./image.ts";

export class OwnMachine implements Running {
  readonly vm: Vm;
  readonly #results: Results;
  readonly #exits: PeerGuest["exits"];
  readonly #pass: bigint;
  /** Values that reached the handler of `PORT`, or that it answered. */
  accesses = 0;

  constructor(guest: PeerGuest, image: PeerImage, engine: EngineKind, policy: RegionPolicy = "hot") {
    const regions = engine === "interpreter" ? "off" : policy;
    this.vm = createVm({ arch: "x86", mode: guest.bits, memory: 2 ** 21, regions });
    const results = this.#results = new Results(guest, "trapsh");
    this.#exits = guest.exits;
    this.vm.ports.add({ base: SERIAL, size: 1, name: "serial" }, {
      read: () => 0,
      write: (_offset, _size, value) => results.take(Number(value), performance.now()),
    });
    this.vm.ports.add({ base: PORT, size: 4, name: "counter" }, {
      read: () => {
        this.accesses++;
        return 1;
      },
      write: () => void this.accesses++,
    });
    this.vm.memory.write(LOADED_AT, image.bytes);
    // A 32-bit guest jumps here first thing; a 64-bit one's stub has entered long mode, in which the VM starts.
    this.vm.vcpu.pc = image.symbols.get("guest")!;
    this.#pass = image.symbols.get("pass")!;
  }

  /** Runs one pass to its end; gives the instructions that it took. */
  async pass(): Promise<number> {
    const { vm } = this;
    const before = vm.vcpu.instructions, accessed = this.accesses;
    const stop = await vm.run({ until: this.#pass });
    if (stop.reason !== "UNTIL") throw new Error(`the guest stopped: ${stop.reason}, ${stop.message}`);
    if (this.#exits) {
      expectValue("accesses", BigInt(this.accesses - accessed), BigInt(EXITS * REPEAT));
    }
    return vm.vcpu.instructions - before;
  }

  /** Up to the first pass's first instruction, then one pass. */
  async begin(): Promise<void> {
    await this.vm.run({ until: this.#pass });
    await this.pass();
  }

  async time(leastMs: number): Promise<number> {
    this.#results.restart();
    while (this.#results.elapsed < leastMs) await this.pass();
    return this.#results.msPerPass;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function own(engine: EngineKind, about: string): Contender {
  return {
    name: `trapsh ${engine}`,
    about,
    find: () => Promise.resolve({ version: `Deno ${Deno.version.deno}` }),
    runs: () => true,
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
