/** Greater machines: RAM and vCPUs, each size in a process of its own. */
import type { Axis, Measured, Timing } from "./axis.ts";
import type { SizeStart } from "./size_process.ts";

const MIB = 2 ** 20;
const SIZES = [MIB, 4 * MIB, 16 * MIB, 64 * MIB, 256 * MIB, 1024 * MIB];
const ROOT = new URL("../../../", import.meta.url);

function machine(start: SizeStart): Promise<Timing> {
  const args = ["run", "--allow-read", "tests/bench/growth/size_process.ts", JSON.stringify(start)];
  return Promise.resolve({
    async time(): Promise<Measured> {
      const { success, stdout, stderr } = await new Deno.Command("deno", { args, cwd: ROOT }).output();
      if (!success) throw new Error(`deno ${args.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
      return JSON.parse(new TextDecoder().decode(stdout));
    },
  });
}

const COMMON = { per: "instruction", unit: "B", sizes: SIZES } as const;

export const RAM: Axis = {
  ...COMMON,
  name: "RAM",
  prepare: (memory) => machine({ memory, vcpus: 1, touch: false }),
};

export const TOUCHED_RAM: Axis = {
  ...COMMON,
  name: "RAM, all touched",
  prepare: (memory) => machine({ memory, vcpus: 1, touch: true }),
};

export const VCPUS: Axis = {
  name: "vCPUs",
  per: "instruction",
  unit: "",
  sizes: [1, 2, 4, 8, 16],
  prepare: (vcpus) => machine({ memory: MIB, vcpus, touch: false }),
};
