/** Where a device stands, in a snapshot. */
import type { SavedFields } from "../../engine/saved_fields.ts";
import type { SavedState } from "../../engine/saved_state.ts";
import type { AddressRange, Attachment } from "../devices.ts";

/** One past the last address that a range may have. */
const LIMIT = 2 ** 52;

export function saveAttachment(attachment: Attachment): { readonly [name: string]: SavedState } {
  const { device, handle, ports, window, callPorts, callWindow, portless } = attachment;
  return {
    name: device.name,
    handle,
    window: { base: window.gpa, size: window.size },
    callWindow: { base: callWindow.gpa, size: callWindow.size },
    ports: ports ? { base: ports.base, size: ports.size } : null,
    callPorts: callPorts ? { base: callPorts.base, size: callPorts.size } : null,
    portless: portless ?? null,
  };
}

/** Throws `SyntaxError` for what is none. */
export function loadAttachment(saved: SavedFields): { name: string; place: Omit<Attachment, "device"> } {
  const range = (name: string): AddressRange => {
    const fields = saved.fields(name);
    return { base: fields.whole("base", LIMIT - 1), size: fields.whole("size", LIMIT, 1) };
  };
  const windowOf = (name: string) => {
    const { base, size } = range(name);
    return { gpa: base, size };
  };
  return {
    name: saved.text("name"),
    place: {
      handle: saved.whole("handle", 0xffff, 1),
      window: windowOf("window"),
      callWindow: windowOf("callWindow"),
      ...saved.has("ports") && { ports: range("ports") },
      ...saved.has("callPorts") && { callPorts: range("callPorts") },
      ...saved.has("portless") && { portless: saved.text("portless") },
    },
  };
}
