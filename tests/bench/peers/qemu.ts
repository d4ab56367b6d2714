/** QEMU's translator (TCG): a process for each timing, as a guest that runs cannot be stopped from outside. */
import { type Contender, type Found, Results, type Running } from "./contender.ts";
import type { PeerGuest } from "./guest.ts";
import { RAM_MIB, type SystemName, VIRTIO } from "./systems.ts";

/** Passes before the timing: translation is done in the first. */
const WARM_PASSES = 3;

interface Command {
  readonly binary: string;
  /** What the image's path follows. */
  readonly args: readonly string[];
}

/** The console is standard output. */
const BARE = "-display none -no-reboot -monitor none -serial stdio".split(" ");
/** No devices but the board's own and the console. The PReP board would lose its serial line too. */
const ALONE = "-nodefaults";
const SMALL = ["-m", String(RAM_MIB)];

const DEVICE = ["-device", `virtio-rng-pci,disable-modern=on,addr=${VIRTIO.slot}`];
const pc = (binary: string): Command => ({ binary, args: [...BARE, ALONE, ...SMALL, ...DEVICE, "-kernel"] });
/** Without the mitigations that its translator has not, of which it would tell each time. */
const PSERIES: Command = {
  binary: "qemu-system-ppc64",
  args: [
    ...BARE,
    ALONE,
    "-M",
    "pseries,usb=off,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off",
    "-cpu",
    "POWER8",
    "-bios",
  ],
};

const COMMANDS: Readonly<Record<SystemName, Command>> = {
  "x86-32": pc("qemu-system-i386"),
  "x86-32 paging": pc("qemu-system-i386"),
  "x86-64": pc("qemu-system-x86_64"),
  "ppc32": {
    binary: "qemu-system-ppc",
    args: [...BARE, ...SMALL, "-net", "none", "-vga", "none", "-M", "40p", "-cpu", "750", "-bios"],
  },
  "ppc64": PSERIES,
  "ppc64le": PSERIES,
};

class QemuMachine implements Running {
  readonly #guest: PeerGuest;
  readonly #path: string;
  readonly #options: readonly string[];

  constructor(guest: PeerGuest, path: string, options: readonly string[]) {
    this.#guest = guest;
    this.#path = path;
    this.#options = options;
  }

  /** The time is that at which the console's bytes come out of the pipe. */
  async time(leastMs: number): Promise<number> {
    const results = new Results(this.#guest, "QEMU");
    const { binary, args } = COMMANDS[this.#guest.system.name];
    const child = new Deno.Command(binary, {
      args: ["-accel", "tcg", ...this.#options, ...args, this.#path],
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

/** Its first line, or nothing if it cannot be started. */
async function versionOf(binary: string): Promise<string | undefined> {
  try {
    const { stdout } = await new Deno.Command(binary, { args: ["--version"] }).output();
    return new TextDecoder().decode(stdout).split("\n")[0];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function find(): Promise<{ missing: string } | Found> {
  const binaries = [...new Set(Object.values(COMMANDS).map(({ binary }) => binary))];
  const versions = new Map<string, string>();
  for (const binary of binaries) {
    const version = await versionOf(binary);
    if (version !== undefined) versions.set(binary, version);
  }
  const absent = binaries.filter((binary) => !versions.has(binary)).map((binary) => `${binary} not found`);
  const [version] = versions.values();
  if (version === undefined) return { missing: absent.join(", ") };
  return {
    version: [version, ...absent].join("; "),
    // Its translator knows no x86 hypervisor whose calls it would answer.
    runs: ({ system: { name, options }, exits }) =>
      versions.has(COMMANDS[name].binary) && !(options.arch === "x86" && exits === "hypercall"),
  };
}

function qemu(name: string, about: string, options: readonly string[]): Contender {
  return {
    name,
    about,
    find,
    async start(guest, { file }) {
      const path = await Deno.makeTempFile({ dir: "/tmp", prefix: "trapsh-bench-" });
      await Deno.writeFile(path, file);
      return new QemuMachine(guest, path, options);
    },
  };
}

export const QEMU_ENGINES: readonly Contender[] = [
  qemu("QEMU TCG", "translates, counts nothing; its devices are in C", []),
  qemu(
    "QEMU TCG icount",
    "translates, counts instructions (-icount shift=0); its devices are in C",
    ["-icount", "shift=0,sleep=off"],
  ),
];
