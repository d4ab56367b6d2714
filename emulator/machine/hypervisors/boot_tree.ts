/** The device tree that a PowerPC guest is started with, and where it stands. */
import { cells, flatten, strings, type TreeNode } from "./device_tree.ts";
import type { Registers } from "../registers.ts";
import type { Personality } from "./hypervisor.ts";

/** Below the transports' stubs, out of RAM's way. */
export const TREE_SLOT = { name: "device tree", gpa: 0xffd0_0000, size: 4096, readOnly: true } as const;

export interface TreeFacts {
  readonly mode: 32 | 64;
  readonly ram: readonly { readonly gpa: number; readonly size: number }[];
  readonly vcpus: number;
}

function half(value: number): [number, number] {
  return [Math.floor(value / 2 ** 32), value >>> 0];
}

/** Memory, processors, and how the hypervisor is called. Devices are not in it: their places are the experiment's. */
export function bootTree({ tree, name }: Personality, { mode, ram, vcpus }: TreeFacts): Uint8Array {
  const memory = ram.map(({ gpa, size }): TreeNode => ({
    name: `memory@${gpa.toString(16)}`,
    properties: { device_type: strings("memory"), reg: cells(...half(gpa), ...half(size)) },
  }));
  const cpus: TreeNode = {
    name: "cpus",
    properties: { "#address-cells": cells(1), "#size-cells": cells(0) },
    children: Array.from({ length: vcpus }, (_, i) => ({
      name: `cpu@${i.toString(16)}`,
      properties: {
        device_type: strings("cpu"),
        reg: cells(i),
        ...(i === 0 ? {} : { status: strings("disabled") }),
      },
    })),
  };
  return flatten({
    name: "",
    properties: {
      "#address-cells": cells(2),
      "#size-cells": cells(2),
      model: strings("trapsh"),
      compatible: strings(name === "papr" ? "trapsh,pseries" : "trapsh"),
    },
    children: [...memory, cpus, ...tree?.(mode) ?? []],
  });
}

/** Registers that a guest is started with: the tree, `ram` bytes from 0 on, and the hypervisor's own. ePAPR 1.1, 5.4.1. */
export function handOver(registers: Registers, { handOver = {} }: Personality, ram: number): void {
  registers.set("r3", TREE_SLOT.gpa);
  for (const [name, value] of Object.entries(handOver)) registers.set(name, value);
  registers.set("r7", ram);
}
