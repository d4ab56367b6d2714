/** The table of commands, in the order in which `help` lists them. */
import type { Command } from "../command.ts";
import { asm, disasm } from "./asm.ts";
import { accessWatch, breakAt, breakOnce, catchExit, readWatch, watch } from "./break.ts";
import { call, open, read, write } from "./call.ts";
import { compare } from "./compare.ts";
import { context } from "./context.ts";
import { cpu, infoCpus, vcpus } from "./cpus.ts";
import { addDevice, infoDevices, reloadDevice, removeDevice } from "./devices.ts";
import { display, infoDisplay, undisplay } from "./display.ts";
import { infoPci } from "./pci.ts";
import { dump, x, xp } from "./examine.ts";
import { exportRun } from "./export.ts";
import { exitRows, infoExits, recordExits, resetExits } from "./exits.ts";
import { gdbserver, infoGdbserver } from "./gdbserver.ts";
import { hypervisor } from "./hypervisor.ts";
import { irq, nmi } from "./irq.ts";
import { list } from "./list.ts";
import { load } from "./load.ts";
import { arch, backend, engine, reset } from "./machine.ts";
import { loadMemory, saveMemory, writeMemory } from "./memory_files.ts";
import { infoMtree } from "./memory_map.ts";
import { condition, deletePoints, disable, enable, ignore, infoBreak } from "./points.ts";
import { hypercall, inPort, outPort } from "./ports.ts";
import { profile } from "./profile.ts";
import { closeRing, flush, infoRings, kick, ring, submit } from "./rings.ts";
import { print, registers, set } from "./registers.ts";
import { record, reverseContinue, reverseStep } from "./reverse.ts";
import { finish, next, run, step, until } from "./run.ts";
import { deleteVm, infoSnapshots, loadVm, saveVm } from "./snapshots.ts";
import { merge, sweep, sweepCall } from "./sweep.ts";
import { infoSymbols } from "./symbols.ts";
import { stat, timeline } from "./timeline.ts";
import { trace } from "./trace.ts";
import { infoMem, infoTlb, page } from "./translation.ts";
import { whatIf } from "./what_if.ts";
import { answer, tutorial } from "./tutorial.ts";
import { saveSession } from "./session.ts";
import { echo, script, source } from "./scripts.ts";

export const COMMANDS: readonly Command[] = [
  arch,
  backend,
  hypervisor,
  engine,
  vcpus,
  load,
  asm,
  reset,
  saveVm,
  loadVm,
  deleteVm,
  infoSnapshots,
  run,
  step,
  next,
  finish,
  until,
  record,
  reverseStep,
  reverseContinue,
  cpu,
  breakAt,
  breakOnce,
  watch,
  readWatch,
  accessWatch,
  catchExit,
  deletePoints,
  enable,
  disable,
  ignore,
  condition,
  infoBreak,
  gdbserver,
  infoGdbserver,
  context,
  trace,
  registers,
  infoCpus,
  set,
  print,
  x,
  xp,
  dump,
  writeMemory,
  loadMemory,
  saveMemory,
  display,
  undisplay,
  infoDisplay,
  disasm,
  list,
  infoSymbols,
  page,
  infoMem,
  infoTlb,
  infoMtree,
  open,
  call,
  read,
  write,
  ring,
  submit,
  kick,
  flush,
  closeRing,
  infoRings,
  inPort,
  outPort,
  hypercall,
  addDevice,
  removeDevice,
  reloadDevice,
  infoDevices,
  infoPci,
  irq,
  nmi,
  infoExits,
  stat,
  timeline,
  resetExits,
  recordExits,
  exitRows,
  exportRun,
  profile,
  whatIf,
  compare,
  sweep,
  sweepCall,
  merge,
  script,
  saveSession,
  tutorial,
  answer,
  source,
  echo,
];
