/** The matrix: one call by every vehicle on every host, completed in the kernel and in userspace. */
import type { VehicleName } from "../../mod.ts";
import { messageOf } from "../support/text.ts";
import { HOSTS, PLACES, VEHICLES } from "./hosts.ts";
import { type Lab, PAYLOAD, SUM } from "./lab.ts";
import type { Cell, Verdict } from "./verdict.ts";

export async function matrix(lab: Lab): Promise<Pick<Verdict, "cells" | "infeasible">> {
  const cells: Cell[] = [], infeasible: { host: string; via: VehicleName; why: string }[] = [];
  for (const host of HOSTS) {
    const { vm, io } = lab.machine(host);
    for (const via of VEHICLES) {
      for (const handledIn of PLACES) {
        const handle = await io.open(`in-${handledIn}`, { via, data: "descriptor" }).catch(messageOf);
        if (typeof handle === "string") {
          if (handledIn === "kernel") infeasible.push({ host: host.name, via, why: handle });
          continue;
        }
        let right = true;
        const measured = await lab.measure(vm, async () => {
          const [low, high] = await handle.call(1, PAYLOAD);
          right &&= low + 256 * high === SUM;
        });
        cells.push({ host: host.name, via, label: handle.label, handledIn, right, ...measured });
      }
    }
  }
  return { cells, infeasible };
}
