/** QEMU's translator (TCG): a process for each timing, as a guest that runs cannot be stopped from outside. */
import { type Contender, Results, type Running } from "./contender.ts";
import type { PeerGuest } from "./guests.ts";

/** Passes before the timing: translation is done in the first. */
const WARM_PASSES = 3;

class QemuMachine implements Running {
  readonly #guest: PeerGuest;
  readonly #path: string;
  readonly #options: readonly string[];

  constructor(guest: PeerGuest, path: string, options: readonly string[]) {
    this.#guest = guest;
    this.#path = path;
    this.#options = options;
  }

  /** The time is that at which the serial line's bytes come out of the pipe. */
  async time(leastMs: number): Promise<number> {
    const results = new Results(this.#guest, "QEMU");
    const child = new Deno.Command(binary(this.#guest.bits), {
      args: ["-accel", "tcg", ...this.#options, "-kernel", this.#path, ...BARE],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    let warm = false;
    try {
      for await (const chunk of child.stdout) {
        const now = performance.now();
        for (const byte of chunk) results.take(byte, now);
        if (!warm && results.count > WARM_PASSES) {
          warm = true;
          results.restart();
        } else if (warm && results.count > 1 && results.elapsed >= leastMs) return results.msPerPass;
      }
    } finally {
      child.kill("SIGKILL");
      await child.status;
    }
    throw new Error("QEMU ended early");
  }

  close(): Promise<void> {
    return Deno.remove(this.#path);
  }
}

/** No devices but the serial line, which is standard output. */
const BARE = "-m 32 -display none -nodefaults -no-reboot -monitor none -serial stdio".split(" ");

function binary(bits: 32 | 64): string {
  return bits === 32 ? "qemu-system-i386" : "qemu-system-x86_64";
}

async function find(): Promise<{ missing: string } | { version: string }> {
  try {
    const texts = await Promise.all(([32, 64] as const).map(async (bits) => {
      const { stdout } = await new Deno.Command(binary(bits), { args: ["--version"] }).output();
      return new TextDecoder().decode(stdout).split("\n")[0];
    }));
    return { version: texts[0] };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { missing: "qemu-system-i386 or -x86_64 not found" };
    throw error;
  }
}

function qemu(name: string, about: string, options: readonly string[]): Contender {
  return {
    name,
    about,
    find,
    // Nobody answers the port that \`in\` reads: the sum would be another.
    runs: ({ exits }) => exits !== "in",
    async start(guest, { elf }) {
      const path = await Deno.makeTempFile({ dir: "/tmp", prefix: "trapsh-bench-" });
      await Deno.writeFile(path, elf);
      return new QemuMachine(guest, path, options);
    },
  };
}

export const QEMU_ENGINES: readonly Contender[] = [
  qemu("QEMU TCG", "translates, counts nothing; its port has no device", []),
  qemu(
    "QEMU TCG icount",
    "translates, counts instructions (-icount shift=0); its port has no device",
    ["-icount", "shift=0,sleep=off"],
  ),
];
