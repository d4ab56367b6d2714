/**
 * v86 in a process of its own, with a configuration of its own: users never download it. First line on standard
 * input: the guest, as `V86Start`; each further line: how long to run, in milliseconds. Answers a line for each.
 */
import { TextLineStream } from "../../support/lines.ts";
import { Results, WARM_MS } from "./contender.ts";
import { type PeerSystem, RAM_MIB, VIRTIO } from "./systems.ts";

export interface V86Start {
  readonly elf: string;
  readonly system: Pick<PeerSystem, "bits" | "told" | "port" | "window" | "virtio">;
  readonly result: string;
  readonly jit: boolean;
}

/** The part of v86's class that is used; `cpu.io` is not in its types. */
interface Emulator {
  add_listener(event: "emulator-ready", listener: () => void): void;
  add_listener(event: "serial0-output-byte", listener: (byte: number) => void): void;
  run(): Promise<void>;
  stop(): Promise<void>;
  readonly v86: { readonly cpu: { readonly io: Io } };
}

interface Io {
  register_read(port: number, device: object, ...bySize: (() => number)[]): void;
  register_write(port: number, device: object, ...bySize: ((value: number) => void)[]): void;
  /** Address and size are multiples of `MMIO_BLOCK`; loads and stores of 8 bits, then of 32. */
  mmap_register(
    address: number,
    size: number,
    load8: () => number,
    store8: (address: number, value: number) => void,
    load32: () => number,
    store32: (address: number, value: number) => void,
  ): void;
}

const MMIO_BLOCK = 2 ** 17;

async function boot({ elf, jit, system: { port, window, virtio } }: V86Start): Promise<Emulator> {
  // Not a literal: the rest of the repository is checked without it.
  const specifier: string = "v86";
  const { V86 } = await import(specifier) as { V86: new (options: object) => Emulator };
  const wasm = await Deno.readFile(new URL("v86.wasm", import.meta.resolve("v86")));
  const emulator = new V86({
    wasm_fn: async (imports: WebAssembly.Imports) =>
      (await WebAssembly.instantiate(wasm, imports)).instance.exports,
    memory_size: RAM_MIB * 2 ** 20,
    vga_memory_size: 2 ** 21,
    multiboot: { buffer: Uint8Array.fromBase64(elf).buffer },
    autostart: false,
    disable_jit: !jit,
    disable_speaker: true,
    screen_dummy: true,
    log_level: 0,
  });
  await new Promise<void>((resolve) => emulator.add_listener("emulator-ready", resolve));
  const { io } = emulator.v86.cpu;
  const seen = { stores: 0 };
  const store = () => void seen.stores++, load = () => 1;
  if (port !== undefined) {
    io.register_write(port, seen, store, store, store);
    io.register_read(port, seen, load, load, load);
  }
  if (virtio) {
    io.register_write(virtio.notify, seen, store, store, store);
    const size = () => VIRTIO.entries;
    io.register_read(virtio.queueSize, seen, size, size, size);
  }
  if (window !== undefined) {
    io.mmap_register(window - window % MMIO_BLOCK, MMIO_BLOCK, load, store, load, store);
  }
  return emulator;
}

const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())[
  Symbol.asyncIterator
]();
const next = async () => (await lines.next()).value as string | undefined;

const start: V86Start = JSON.parse(await next() ?? "");
const results = new Results({ system: start.system, result: BigInt(start.result) }, "v86");
const emulator = await boot(start);
let leastMs = 0, done = () => {};
emulator.add_listener("serial0-output-byte", (byte) => {
  results.take(byte, performance.now());
  if (results.count > 1 && results.elapsed >= leastMs) done();
});

async function time(least: number): Promise<number> {
  leastMs = least;
  results.restart();
  const enough = new Promise<void>((resolve) => done = resolve);
  await emulator.run();
  await enough;
  const { msPerPass } = results;
  await emulator.stop();
  return msPerPass;
}

await time(WARM_MS);
console.log("ready");
for (let line = await next(); line; line = await next()) console.log(await time(Number(line)));
Deno.exit(0);
