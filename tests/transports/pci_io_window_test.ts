import { assertEquals, assertThrows } from "@std/assert";
import { PortAllocator } from "../../transports/pci_io_window.ts";

Deno.test("PortAllocator gives aligned ports, lowest first, and takes them back", () => {
  const ports = new PortAllocator();
  assertEquals(ports.take(8), 0x1000);
  assertEquals(ports.take(0x20), 0x1020);
  assertEquals(ports.take(8), 0x1008);
  ports.give(0x1000);
  assertEquals(ports.take(5), 0x1000);
});

Deno.test("PortAllocator says when the window is used up", () => {
  const ports = new PortAllocator();
  ports.take(0x8000);
  assertThrows(() => ports.take(0x8000), RangeError, "PCI I/O window");
});
