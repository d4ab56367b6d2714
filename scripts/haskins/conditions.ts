/** Claim 12 and its three conditions, over the whole matrix. */
import type { HandledIn } from "../../mod.ts";
import { HOSTS, PLACES, VEHICLES } from "./hosts.ts";
import { type Finding, holds, judged, type Verdict } from "./verdict.ts";

export function conditions({ cells, infeasible }: Pick<Verdict, "cells" | "infeasible">): Finding[] {
  const list: Finding[] = [];
  const spread = (host: string, place: HandledIn) => {
    const cycles = cells.filter((cell) => cell.host === host && cell.handledIn === place).map((cell) =>
      cell.cycles
    );
    return Math.max(...cycles) / Math.min(...cycles);
  };
  const inKernel = HOSTS.map(({ name }) => spread(name, "kernel"));
  const inUserspace = HOSTS.map(({ name }) => spread(name, "userspace"));
  const reached = HOSTS.filter(({ name }) => cells.some((cell) => cell.host === name && cell.right));
  const hosts = HOSTS.length, whole = HOSTS.length * VEHICLES.length * PLACES.length;
  const right = cells.filter((cell) => cell.right).length;
  const even12 = Math.max(...inKernel) < 1.1;
  const verdicts = [holds(reached.length === hosts), holds(right === cells.length), holds(even12)];
  const met = verdicts.filter((one) => one === "holds").length;
  list.push(judged(
    ["12", "Haskins", "Any vehicle must be feasible, uniform and equal in performance"],
    met === 3 ? "holds" : met > 0 ? "in part" : "does not hold",
    { met, hosts: reached.length, right, worst: Math.max(...inKernel) },
    `of the three conditions ${met} are met by the vehicles as they are: (a) ${verdicts[0]}, (b) ${
      verdicts[1]
    }, (c) ${verdicts[2]}`,
  ));
  list.push(judged(
    ["a", "Haskins", "feasible anywhere PCI works"],
    verdicts[0],
    { hosts: reached.length, cells: cells.length, infeasible: whole - cells.length },
    `${reached.length} of ${hosts} hosts have a vehicle, ${cells.length} of ${whole} cells work${
      infeasible.length === 0
        ? ""
        : `; not: ${infeasible.map(({ host, via }) => `${host} ${via}`).join(", ")}`
    }`,
  ));
  list.push(judged(
    ["b", "Haskins", "one interface: drivers need not care"],
    verdicts[1],
    { right, cells: cells.length },
    `the same driver got the right answer in ${right} of ${cells.length} cells, whatever the vehicle`,
  ));
  const ofPpc = HOSTS.map(({ options }, i) => options.arch === "ppc" ? inKernel[i] : 0);
  list.push(judged(
    ["c", "Haskins", "equivalent performance"],
    verdicts[2],
    {
      kernelLeast: Math.min(...inKernel),
      kernelMost: Math.max(...inKernel),
      userspaceMost: Math.max(...inUserspace),
    },
    `the dearest vehicle costs ${Math.min(...inKernel).toFixed(2)} to ${
      Math.max(...inKernel).toFixed(2)
    } times the cheapest in the kernel, up to ${
      Math.max(...inUserspace).toFixed(2)
    } in userspace; on PowerPC up to ${Math.max(...ofPpc).toFixed(2)} (assumed figures)`,
  ));
  return list;
}
