/** Devices from a user's TypeScript or JavaScript file. */
import { checkDevice } from "../../../emulator/machine/device.ts";
import type { Device } from "../../machine_types.ts";
import type { Session } from "../../session.ts";
import { UserError } from "../../errors.ts";

/**
 * Imports `file` afresh and returns the devices of its default export: a device, an array of them, or a
 * function (async or not) that returns either.
 * @throws {UserError} naming the file and what is wrong in it: it cannot be read, does not compile, throws, or
 *   exports something else.
 */
export async function devicesFrom(
  session: Pick<Session, "importFresh">,
  file: string,
): Promise<Device[]> {
  let module: Record<string, unknown>;
  try {
    module = await session.importFresh(file);
  } catch (error) {
    throw new UserError(`${file} cannot be loaded: ${messageOf(error)}`, { cause: error });
  }
  if (!("default" in module)) {
    const named = Object.keys(module);
    const hint = named.length === 0 ? "it exports nothing" : `it exports ${named.join(", ")} by name only`;
    throw new UserError(
      `${file} has no default export: ${hint}; write "export default { name: ..., call(fn, data) { ... } }"`,
    );
  }
  const made = await makeDefault(module.default, file);
  const list: readonly unknown[] = Array.isArray(made) ? made : [made];
  if (list.length === 0) throw new UserError(`the default export of ${file} is an empty array of devices`);
  const devices = list.map((value, i) =>
    checked(value, list.length === 1 ? "default export" : `default export[${i}]`, file)
  );
  const twice = devices.find((device, i) => devices.findIndex((other) => other.name === device.name) !== i);
  if (twice !== undefined) throw new UserError(`${file} has two devices named ${JSON.stringify(twice.name)}`);
  return devices;
}

async function makeDefault(value: unknown, file: string): Promise<unknown> {
  if (typeof value !== "function") return await value;
  try {
    return await value();
  } catch (error) {
    throw new UserError(`the default export of ${file} threw: ${messageOf(error)}`, { cause: error });
  }
}

function checked(value: unknown, where: string, file: string): Device {
  try {
    return checkDevice(value, where);
  } catch (error) {
    throw new UserError(`${file}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
