/** vCPUs as GDB's threads: vCPU 0 is thread 1. GDB manual, "Packets": thread-id. */
import type { VirtualCpu } from "../machine_types.ts";
import { numberOfHex } from "./hex.ts";

/** The vCPUs that a thread-id means. */
export type ThreadId =
  | { readonly kind: "all" }
  /** 0: whichever is convenient. */
  | { readonly kind: "any" }
  | { readonly kind: "one"; readonly index: number };

/** What a thread-id means; undefined for what is none, or no vCPU's. */
export function parseThreadId(text: string, count: number): ThreadId | undefined {
  if (text === "-1") return { kind: "all" };
  const number = numberOfHex(text);
  if (number === undefined || number > BigInt(count)) return undefined;
  return number === 0n ? { kind: "any" } : { kind: "one", index: Number(number) - 1 };
}

/** A vCPU's thread-id. */
export function threadIdOf(index: number): string {
  return (index + 1).toString(16);
}

/** What `info threads` tells of a vCPU beside its number. */
export function threadText({ parked, halted }: VirtualCpu): string {
  return parked ? "parked" : halted ? "halted" : "running";
}

/** All threads for `qXfer:threads:read`. GDB manual, "Thread List Format". */
export function threadsXml(vcpus: readonly VirtualCpu[]): string {
  const threads = vcpus.map((vcpu) =>
    `<thread id="${threadIdOf(vcpu.index)}" core="${vcpu.index}" name="vCPU ${vcpu.index}">${
      threadText(vcpu)
    }</thread>`
  );
  return ['<?xml version="1.0"?>', "<threads>", ...threads, "</threads>", ""].join("\n");
}
