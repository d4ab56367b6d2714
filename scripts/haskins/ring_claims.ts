/** Claims 9 to 11: rings in shared memory, and what they do for calls that are waited for. */
import { times } from "../support/text.ts";
import { type Host, VMX } from "./hosts.ts";
import { type Lab, PAYLOAD } from "./lab.ts";
import { type Finding, holds, judged } from "./verdict.ts";

const BATCH = 64;

/** Requests by a ring: cycles of each in batches, and of a synchronous call by the same ring. */
async function rings(lab: Lab, host: Host, interrupts: boolean) {
  const { vm, io } = lab.machine(host, { interrupts });
  const handle = await io.open("in-userspace", { via: "hypercall" });
  const ring = await handle.ring({ batch: BATCH, poll: !interrupts, bytes: 128 });
  const batch = await lab.measure(vm, async () => {
    for (let i = 0; i < BATCH; i++) await ring.submit(PAYLOAD);
    await ring.flush();
  });
  const one = await lab.measure(vm, () => ring.call(1, PAYLOAD));
  const call = await lab.measure(vm, () => handle.call(1, PAYLOAD));
  return { batch, one, call };
}

export async function ringClaims(lab: Lab): Promise<Finding[]> {
  const list: Finding[] = [];
  const look = await rings(lab, VMX, false), interrupted = await rings(lab, VMX, true);
  const perRequest = look.batch.cycles / BATCH;
  list.push(judged(
    ["9", "Liguori", "Better: a ring holds the data, the trap only notifies"],
    holds(perRequest < look.call.cycles),
    { perRequest, call: look.call.cycles, exits: look.batch.exits },
    `${BATCH} requests of 64 bytes: ${look.batch.exits} exit by ring, ${
      perRequest.toFixed(0)
    } cycles each; ${look.call.cycles} by a call each (${
      times(look.call.cycles, perRequest)
    } times; the driver's own instructions on the ring are in it)`,
  ));

  list.push(judged(
    ["10", "Haskins", "Some calls are synchronous by nature; a ring's kick rides on the same transport"],
    holds(look.one.exits >= look.call.exits && look.one.stages.worldSwitch >= look.call.stages.worldSwitch),
    { ringCall: look.one.cycles, call: look.call.cycles, ringExits: look.one.exits },
    `one request that is waited for: ${look.one.exits} exit and ${look.one.cycles} cycles by ring, ${look.call.exits} and ${look.call.cycles} by call: the kick is the same hypercall`,
  ));

  list.push(judged(
    ["11", "Haskins", "A call ring with flush and block can be synchronous, but is complicated"],
    holds(interrupted.one.exits > interrupted.call.exits),
    { withInterrupt: interrupted.one.cycles, exits: interrupted.one.exits, looked: look.one.cycles },
    `it works; blocked until the interrupt it takes ${interrupted.one.exits} exits and ${interrupted.one.cycles} cycles, ${
      times(interrupted.one.cycles, interrupted.call.cycles)
    } times a call; looking for the answer instead ${look.one.exits} exit and ${look.one.cycles}`,
  ));
  return list;
}
