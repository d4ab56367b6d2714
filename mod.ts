/**
 * trapsh: a scriptable VM shell that counts every exit of an embedded x86 or PowerPC guest.
 *
 * @example A device, called by MMIO on a PowerPC guest: the call, its payload, its status and its reply are an exit each
 * ```ts
 * import { assertExits, createIo, createVm } from "trapsh";
 * import { assertEquals } from "@std/assert";
 *
 * const vm = createVm({ arch: "ppc" });
 * vm.devices.add({ name: "adder", call: (_fn, data) => data.reduce((a, b) => a + b, 0) });
 * const adder = await createIo(vm).open("adder", { via: "mmio" });
 * const reply = await adder.call(1, Uint8Array.of(1, 2, 3));
 *
 * assertEquals(reply[0], 6);
 * assertExits(vm.exits, [{ reason: "MMIO", count: 4, cycles: 4 * 11_400 }]);
 * ```
 *
 * @module
 */

// Machine: a VM, its vCPUs, memory and symbols, where it stops, and why a run came back.
export { createVm } from "./emulator/machine/vm.ts";
export type { LedgerSegment, Vm } from "./emulator/machine/vm.ts";
export type { VmOptions } from "./emulator/machine/vm_options.ts";
export type { LoadedImage, LoadOptions } from "./emulator/machine/loaders/load.ts";
export type { DisassembledLine } from "./emulator/machine/debug/disassembly.ts";
export type { ArchName, ModeWidth } from "./emulator/machine/arch.ts";
export type {
  BreakOptions,
  BreakPlace,
  Breakpoint,
  Breakpoints,
} from "./emulator/machine/debug/breakpoints.ts";
export type { CatchPlace, Catchpoint, Catchpoints } from "./emulator/machine/debug/catchpoints.ts";
export type { CatchHit, WatchHit } from "./emulator/machine/debug/debug_unit.ts";
export type { Meeting, Point, PointOptions, Points, StopCondition } from "./emulator/machine/debug/points.ts";
export type {
  MappingList,
  PageMapping,
  PageWalk,
  WalkQuestion,
  WalkStep,
} from "./emulator/machine/debug/page_walk.ts";
export type { WatchKind, WatchPlace, Watchpoint, Watchpoints } from "./emulator/machine/debug/watchpoints.ts";
export type { GuestMemory, MemorySlot, SlotOptions } from "./emulator/machine/memory.ts";
export type { Registers, RegisterValue } from "./emulator/machine/registers.ts";
export type { RunOptions } from "./emulator/machine/run.ts";
export type { Stop, StopDetail, Stopped } from "./emulator/machine/stop.ts";
export type { VirtualCpu } from "./emulator/machine/virtual_cpu.ts";
export { AssemblyError, type Diagnostic } from "./emulator/isa/assembly_error.ts";
export type { ListingLine, Program } from "./emulator/isa/program.ts";
export type { InstructionSet, RegisterName } from "./emulator/isa/isa.ts";
export type { LineRow, LineSequence, SourceLine, SourceLines } from "./emulator/isa/source_lines.ts";
export type { NamedAddress, SymbolTable } from "./emulator/isa/symbols.ts";

// Hypervisors: what a guest takes the one below it for, and how it calls it.
export type {
  BackendName,
  Hypervisor,
  HypervisorName,
  HypervisorState,
  WrongHypercall,
} from "./emulator/machine/hypervisors/hypervisor.ts";
export { HYPERVISORS } from "./emulator/machine/hypervisors/public.ts";
export type { ErrorName, HypercallAbi, HypercallEntry } from "./emulator/machine/hypervisors/abi.ts";

// Snapshots: a machine as bytes, and a machine that goes on from them, here or under another hypervisor.
export { describeSnapshot, restoreVm, saveVm } from "./emulator/machine/snapshot/snapshot.ts";
export type { RestoreOptions, SnapshotInfo } from "./emulator/machine/snapshot/snapshot.ts";
export type { StatePart, StateParts } from "./emulator/machine/state_parts.ts";
export type { SavedState } from "./emulator/engine/saved_state.ts";
export { SavedFields } from "./emulator/engine/saved_fields.ts";

// Devices: what users write, and the buses and tables that lead to it.
export type { AccessSize, Bus, BusHandler, BusName, BusRange, BusValue } from "./emulator/machine/bus.ts";
export type { Device, DeviceContext, Reply } from "./emulator/machine/device.ts";
export type {
  AddressRange,
  Attachment,
  AttachOptions,
  DeviceEvent,
  Devices,
} from "./emulator/machine/devices.ts";
export type { PortVector, PortVectors } from "./emulator/machine/port_vectors.ts";
export { Uart16550, type UartLine } from "./emulator/machine/devices/uart16550.ts";
export { debugExitDevice } from "./emulator/machine/devices/debug_exit.ts";
export type { CoalescedZone, CoalescedZones } from "./emulator/machine/coalesced.ts";
export {
  type IoEvent,
  type IoEventLength,
  type IoEventOptions,
  type IoEvents,
  KernelIoError,
} from "./emulator/machine/io_events.ts";
export type { Hypercall, HypercallTable } from "./emulator/machine/hypercalls.ts";
export {
  type ByteChannel,
  type ByteChannelOptions,
  type ByteChannels,
  createByteChannels,
} from "./emulator/machine/byte_channels.ts";

// Exits and profiles: what left the guest, what that costs, and where the figures are from.
export type { Backend, TrapRule } from "./emulator/engine/backend.ts";
export type { RegionPolicy, RegionThresholds } from "./emulator/engine/hot_code.ts";
export type { Direction, HandledIn, KeySpace, NativeReason } from "./emulator/engine/native_reason.ts";
export { type Aggregate, OTHER_KEYS, type SizeCounts } from "./emulator/exits/aggregate.ts";
export type { ExitListener, Ledger, LedgerOptions } from "./emulator/exits/ledger.ts";
export type { LedgerView, RepricedLedger, RepriceOptions } from "./emulator/exits/ledger_view.ts";
export type {
  CostProfile,
  Figure,
  Frequency,
  PricedExit,
  Prices,
  ProfileData,
  Provenance,
  PublishedRow,
  ReasonStages,
  StageFigures,
} from "./emulator/exits/profile.ts";
export { checkProfile, parseProfile } from "./emulator/exits/profile_check.ts";
export { loadProfile, profileNames } from "./emulator/exits/profiles/profiles.ts";
export type { ExitRow, ExitSite } from "./emulator/exits/row.ts";
export type { Handling, PricedStage, StageCycles } from "./emulator/exits/stages.ts";
export type { Totals } from "./emulator/exits/totals.ts";
export {
  type BreakEven,
  breakEven,
  type FigureChange,
  type Repriceable,
  type StageOf,
  type StageWeight,
  stageWeights,
  withFigures,
} from "./emulator/exits/what_if.ts";

// Transports: one call interface over hypercall, PIO and MMIO.
export { createIo, RING_BLOCK } from "./transports/io.ts";
export type {
  AccessOptions,
  CallOptions,
  DataMode,
  GuestAccess,
  Handle,
  HypercallResult,
  Io,
  IoOptions,
  OpenOptions,
  PciBar,
  PciFunction,
  Ring,
  RingCode,
  RingCompletion,
  RingOptions,
  RingStats,
  SubmitOptions,
  VehicleName,
} from "./transports/io.ts";

// virtio over MMIO and over vbus's calls: standard devices, and a driver for the latter.
export { virtioBlock, type VirtioBlockOptions, virtioVbusBlock } from "./transports/virtio/block.ts";
export { VirtioConsole, type VirtioConsoleOptions } from "./transports/virtio/console.ts";
export { VirtioMmio, type VirtioMmioOptions } from "./transports/virtio/virtio_mmio.ts";
export { VIRTIO_VBUS } from "./transports/virtio/vbus_functions.ts";
export {
  type VirtioQueue,
  virtioQueueBytes,
  type VirtioQueueOptions,
  VirtioRefusal,
  type VirtioStartOptions,
  VirtioVbusDriver,
} from "./transports/virtio/vbus_driver.ts";
export type { VirtioModel } from "./transports/virtio/virtio_model.ts";
export { VirtioVbus } from "./transports/virtio/virtio_vbus.ts";
export type { RingAnswer } from "./transports/rings/ring_sides.ts";
export type { RingRam } from "./transports/rings/ring_memory.ts";
export { RingError } from "./transports/rings/ring_memory.ts";
export type { RingRequest } from "./transports/rings/ring_sides.ts";
export type { ServiceStats } from "./transports/rings/ring_service.ts";

// Debuggers: GDB attaches to a VM by its remote protocol.
export { type GdbServer, type GdbServerOptions, type GdbSession, serveGdb } from "./shell/gdb/server.ts";
export type { GdbEnd } from "./shell/gdb/connection.ts";
export type { GdbGuestOptions } from "./shell/gdb/stub.ts";
export type { LayoutWidth } from "./shell/gdb/layout.ts";

// Scripts and reports: experiments, what they are called with, and tables for what they find.
export { standalone } from "./shell/standalone.ts";
export type { Script, ScriptContext } from "./shell/script.ts";
export type { Progress, ProgressOptions, ProgressState, StartProgress } from "./shell/progress_display.ts";
export type { Outcome, Session, SessionDevice, Settings, Sink } from "./shell/session.ts";
export type { Journal } from "./shell/journal.ts";
export type { Style, TextFormat } from "./shell/style.ts";
export { type Cost, type CostPart, startMeter } from "./shell/commands/support/measure.ts";
export { aggregatesCsv, rowsCsv, snapshot } from "./emulator/exits/snapshot.ts";
export type { LedgerSnapshot, SnapshotAggregate, SnapshotRow } from "./emulator/exits/snapshot.ts";
export { tabulateExits } from "./emulator/exits/tabulate.ts";
export type { ExitTable, ExitTableBy, ExitTableOptions, ExitTableRow } from "./emulator/exits/tabulate.ts";
export type { StageProvenance, UsedFigure } from "./emulator/exits/provenance.ts";
export { type EventKind, eventStats } from "./emulator/exits/event_stats.ts";
export type {
  EventSortKey,
  EventStats,
  EventStatsOptions,
  EventStatsRow,
} from "./emulator/exits/event_stats.ts";
export { tabulateTimeline } from "./emulator/exits/timeline.ts";
export type {
  Timeline,
  TimelineBucket,
  TimelineOptions,
  TimelineSeries,
  TimelineSum,
} from "./emulator/exits/timeline.ts";
export type { Glyphs } from "./shell/reports/bars.ts";
export { perfStatLines } from "./shell/reports/perf_stat.ts";
export { timelineLines, type TimelineText } from "./shell/reports/timeline_lines.ts";

// Files of a run: a report, a picture, a trace, data; equal runs give equal text.
export { type ExportOptions, exportText } from "./shell/reports/export.ts";
export { reportHtml, type ReportOptions } from "./shell/reports/html/report.ts";
export { exitsSvg, timelineSvg } from "./shell/reports/svg/picture.ts";
export { exitsTrace } from "./shell/reports/trace_json.ts";
export { runFacts } from "./shell/reports/run_facts.ts";
export type {
  DeviceFacts,
  EarlierFacts,
  MachineFacts,
  RunFacts,
  SlotFacts,
  VcpuFacts,
} from "./shell/reports/run_facts.ts";
export { exitTableLines, type ExitTableText } from "./shell/reports/exit_table.ts";
export { type Column, table } from "./shell/reports/table.ts";

// Sweeps: an experiment over all combinations of some parameters, over the cores, resumed, and in shards.
export {
  type CellContext,
  type CellResult,
  type CellValues,
  defineSweep,
  type SweepDefinition,
  type SweepParameters,
  type SweepValue,
} from "./shell/sweeps/definition.ts";
export { type MergedSweep, mergeSweeps } from "./shell/sweeps/merge_sweeps.ts";
export type { CellOutcome } from "./shell/sweeps/outcome.ts";
export type { Shard } from "./shell/sweeps/product.ts";
export { runSweep, type SweepOptions, type SweepProgress, type SweepRun } from "./shell/sweeps/run_sweep.ts";
export {
  type SweepCell,
  sweepCsv,
  sweepJson,
  sweepLines,
  type SweepTable,
} from "./shell/sweeps/sweep_table.ts";

// Testing: exits asserted, with a difference that says where they part.
export {
  assertExitRows,
  assertExits,
  type AssertExitsOptions,
  diffExits,
  ExitMismatch,
  type ExpectedExits,
  type ExpectedRow,
} from "./emulator/exits/exit_check.ts";
