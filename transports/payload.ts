/** What a call carries; devices that a hypervisor calls by itself take the same. */
export * from "../emulator/machine/payload.ts";
