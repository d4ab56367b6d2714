/* PCI's configuration space: mechanism #1, at the same two ports on every ISA. */
#ifndef DRIVER_PCI_H
#define DRIVER_PCI_H

#include "bytes.h"

enum { PCI_ID = 0x00, PCI_BARS = 0x10, PCI_CAPABILITIES = 0x34, PCI_VENDOR_SPECIFIC = 9 };

static inline u32 pci_read(u32 bus, u32 device, u32 reg) {
  port_put(0xcf8, le32(0x80000000u | bus << 16 | device << 11 | (reg & 0xfc)));
  return le32(port_get(0xcfc));
}
static inline u32 pci_read8(u32 bus, u32 device, u32 reg) {
  return pci_read(bus, device, reg) >> 8 * (reg & 3) & 0xff;
}

#endif
