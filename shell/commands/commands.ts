/** The table of commands, in the order in which `help` lists them. */
import type { Command } from "../command.ts";
import { asm, disasm } from "./asm.ts";
import { breakAt, deleteBreak, infoBreak } from "./break.ts";
import { call, open, read, write } from "./call.ts";
import { compare } from "./compare.ts";
import { cpu, infoCpus, vcpus } from "./cpus.ts";
import { addDevice, infoDevices, reloadDevice, removeDevice } from "./devices.ts";
import { infoPci } from "./pci.ts";
import { dump, x, xp } from "./examine.ts";
import { exitRows, infoExits, recordExits, resetExits, saveExits } from "./exits.ts";
import { hypervisor } from "./hypervisor.ts";
import { irq } from "./irq.ts";
import { load } from "./load.ts";
import { arch, backend, engine, reset } from "./machine.ts";
import { infoMem, infoMtree } from "./memory_map.ts";
import { hypercall, inPort, outPort } from "./ports.ts";
import { profile } from "./profile.ts";
import { print, registers, set } from "./registers.ts";
import { run, step, until } from "./run.ts";
import { deleteVm, infoSnapshots, loadVm, saveVm } from "./snapshots.ts";
import { infoSymbols } from "./symbols.ts";
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
  until,
  cpu,
  breakAt,
  deleteBreak,
  infoBreak,
  registers,
  infoCpus,
  set,
  print,
  x,
  xp,
  dump,
  disasm,
  infoSymbols,
  infoMem,
  infoMtree,
  open,
  call,
  read,
  write,
  inPort,
  outPort,
  hypercall,
  addDevice,
  removeDevice,
  reloadDevice,
  infoDevices,
  infoPci,
  irq,
  infoExits,
  resetExits,
  recordExits,
  exitRows,
  saveExits,
  profile,
  whatIf,
  compare,
  script,
  saveSession,
  tutorial,
  answer,
  source,
  echo,
];
