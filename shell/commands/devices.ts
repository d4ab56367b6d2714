/** `device add`, `remove`, `reload` and `info devices`. */
import { object } from "@optique/core/constructs";
import { resolve } from "node:path";
import { UserError } from "../errors.ts";
import { defineCommand } from "../command.ts";
import type { Session, SessionDevice } from "../session.ts";
import { table } from "../reports/table.ts";
import { hex } from "../reports/hexdump.ts";
import { devicesFrom } from "./support/device_module.ts";
import { fileNames } from "./support/files.ts";
import { keyword, maybeWord, word } from "./support/grammar.ts";
import { requireDevice } from "./support/handle.ts";
import { numberOf } from "./support/numbers.ts";

/** A device where it is attached. */
export interface DeviceData {
  readonly name: string;
  /** Used by hypercalls. */
  readonly handle: number;
  readonly ports?: { readonly base: number; readonly size: number };
  /** MMIO registers. */
  readonly window: { readonly gpa: number; readonly size: number };
  readonly handledIn: string;
  readonly answers: readonly string[];
  /** Undefined for built-in devices and those made at the prompt. */
  readonly file?: string;
}

function describe(session: Session, name: string): DeviceData {
  const found = session.vm.devices.get(name);
  if (found === undefined) throw new ReferenceError(`There is no device ${name} on this machine`);
  const { device, handle, ports, window } = found;
  const file = session.devices.get(name)?.file;
  return {
    name,
    handle,
    ...(ports !== undefined && { ports: { base: ports.base, size: ports.size } }),
    window: { gpa: window.gpa, size: window.size },
    handledIn: device.handledIn ?? "userspace",
    answers: (["read", "write", "call", "queue", "notify"] as const).filter((handler) =>
      device[handler] !== undefined
    ),
    ...(file !== undefined && { file }),
  };
}

function printDevices(list: readonly DeviceData[]): string {
  if (list.length === 0) return "no devices";
  const range = (base: number, size: number) => `${hex(base)}..${hex(base + size - 1)}`;
  return table([
    { title: "name", value: (one) => one.name },
    { title: "handle", value: (one) => one.handle },
    { title: "ports", value: (one) => one.ports === undefined ? "-" : range(one.ports.base, one.ports.size) },
    { title: "window", value: (one) => range(one.window.gpa, one.window.size) },
    { title: "in", value: (one) => one.handledIn },
    { title: "answers", value: (one) => one.answers.join(" ") },
    { title: "file", value: (one) => one.file ?? "(built in)" },
  ], list).join("\n");
}

export const addDevice = defineCommand({
  name: "device add",
  group: "devices",
  summary: "attach the device of a TypeScript file",
  description:
    `FILE is a module whose default export is a device, an array of devices, or a function that returns either. A
device is an object: name, and any of read(offset, size), write(offset, size, value), call(fn, data), queue(data) for rings and
notify(queue) for queues of its own; they may be
async. It sees offsets, not where it is mapped. port, gpa and handle fix where it is found; without them
the next free place is taken. The file runs with the shell's own permissions: add only what you
trust as you would a program. Where no prompt is, an access whose handler has not answered after $patience
seconds (30) fails; at a prompt Ctrl-C ends the wait.`,
  grammar: object({
    file: word("FILE"),
    port: keyword("port", "PORT"),
    gpa: keyword("gpa", "ADDR"),
    handle: keyword("handle", "NUMBER"),
  }),
  examples: [{ line: "device add counter.ts" }, { line: "device add counter.ts port 0x500" }],
  complete: (_session, typed) => fileNames(typed.at(-1) ?? ""),
  async run(session, { file, port, gpa, handle }): Promise<DeviceData[]> {
    const path = resolve(file);
    // The machine first: a place that is taken must fail here, and not with the next machine.
    const { vm } = session;
    if (port !== undefined && vm.arch === "ppc") {
      throw new RangeError(
        "ppc has no port I/O, so there is no port to place a device at: give gpa, or nothing",
      );
    }
    const devices = await devicesFrom(session, path);
    const at = {
      ...(port !== undefined && { port: numberOf(session, port, "port", 0, 0xffff) }),
      ...(gpa !== undefined && { gpa: numberOf(session, gpa, "address", 0) }),
      ...(handle !== undefined && { handle: numberOf(session, handle, "handle", 0, 0xffff_ffff) }),
    };
    const isPlaced = Object.keys(at).length > 0;
    if (isPlaced && devices.length > 1) {
      throw new TypeError(`${file} has ${devices.length} devices: port, gpa and handle place one only`);
    }
    for (const device of devices) {
      const known = session.devices.get(device.name);
      if (known !== undefined && known.file !== path) {
        throw new UserError(
          `There is a device ${device.name} already (${
            known.file ?? "built in"
          }): "device remove ${device.name}" first`,
        );
      }
    }
    for (const device of devices) session.addDevice({ device, file: path, ...(isPlaced && { at }) });
    return devices.map((device) => describe(session, device.name));
  },
  print: printDevices,
});

export const removeDevice = defineCommand({
  name: "device remove",
  aliases: ["device rm"],
  group: "devices",
  summary: "take a device off the machine",
  grammar: object({ name: word("NAME") }),
  examples: [{ line: "device remove echo", shows: "removed echo" }],
  complete: (session) => session.devices.keys(),
  run(session, { name }): { name: string } {
    requireDevice(session, name);
    session.removeDevice(name);
    return { name };
  },
  print: ({ name }) => `removed ${name}`,
});

export const reloadDevice = defineCommand({
  name: "device reload",
  group: "devices",
  summary: "load a device's edited file anew; its addresses and open handles stay",
  description:
    `Without NAME every device that came from a file. If the file has an error the old device stays. Modules that the
file imports are not loaded anew.`,
  grammar: object({ name: maybeWord("NAME") }),
  examples: [{ line: "device reload counter" }],
  complete: (session) =>
    [...session.devices].filter(([, entry]) => entry.file !== undefined).map(([name]) => name),
  async run(session, { name }): Promise<DeviceData[]> {
    if (name !== undefined) requireDevice(session, name);
    const wanted = [...session.devices].filter(([key]) => name === undefined || key === name);
    const files = new Set(wanted.flatMap(([, entry]) => entry.file ?? []));
    if (files.size === 0) {
      const what = name === undefined ? "No device came" : `${name} did not come`;
      throw new UserError(`${what} from a file, so there is nothing to load anew`);
    }
    const fresh: SessionDevice[] = [];
    for (const file of files) {
      for (const device of await devicesFrom(session, file)) {
        const known = session.devices.get(device.name);
        if (known !== undefined && known.file !== file) {
          throw new UserError(
            `${file} now has a device ${device.name}, as ${known.file ?? "the shell"} has; the old ones stay`,
          );
        }
        fresh.push({ device, file });
      }
    }
    const gone = wanted.filter(([key, entry]) =>
      entry.file !== undefined && !fresh.some(({ device }) => device.name === key)
    );
    if (gone.length > 0) {
      const names = gone.map(([key]) => key).join(", ");
      throw new UserError(
        `${names} is no longer in its file: the old one stays; "device remove" takes it off`,
      );
    }
    for (const entry of fresh) session.addDevice(entry);
    return fresh.map(({ device }) => describe(session, device.name));
  },
  print: printDevices,
});

export const infoDevices = defineCommand({
  name: "info devices",
  aliases: ["device list", "devices"],
  group: "devices",
  summary: "list the devices and where a guest finds them",
  grammar: object({}),
  examples: [{ line: "info devices", after: ["arch x86"], shows: "echo" }],
  run: (session): DeviceData[] =>
    session.vm.devices.list().map(({ device }) => describe(session, device.name)),
  print: printDevices,
});
