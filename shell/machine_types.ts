/** The names of the lower layers that the shell is written against, in one place. */
export type { CostProfile } from "../emulator/exits/profile.ts";
export type { Device } from "../emulator/machine/device.ts";
export type { Attachment, AttachOptions } from "../emulator/machine/devices.ts";
export type { Point, PointOptions, StopCondition } from "../emulator/machine/debug/points.ts";
export type { PageMapping, PageWalk } from "../emulator/machine/debug/page_walk.ts";
export type { WatchKind } from "../emulator/machine/debug/watchpoints.ts";
export type { Stop } from "../emulator/machine/stop.ts";
export type { VirtualCpu } from "../emulator/machine/virtual_cpu.ts";
export type { Vm } from "../emulator/machine/vm.ts";
export type { VmOptions } from "../emulator/machine/vm_options.ts";
export type { Handle, Io } from "../transports/io.ts";
