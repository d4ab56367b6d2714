/* Opening a device, and the two shapes of a call that all vehicles have: short ones in words, others by descriptor. */
#include "pci.h"
#include "vehicle.h"

enum { REGISTERS = 1, CALL_WINDOW = 2, HYPERCALL = 3, NAME = 4 };
enum { VENDOR = 0x1af4, DEVICE = 0x10f0, NAME_ROOM = 32 };

/* In order of preference; the last one is port I/O where ports are memory. */
static const struct vehicle *const BY_PREFERENCE[][3] = {
  { &hypercall_vehicle, &pio_vehicle, &mmio_vehicle },
  { &hypercall_vehicle, &mmio_vehicle, &pio_vehicle },
};

/* Reads the capabilities of a function; answers whether it has that name. */
static int look(struct device *device, u32 bus, u32 slot, const char *wanted) {
  char name[NAME_ROOM] = "";
  device->ports = device->memory = device->handle = 0;
  u32 at = pci_read8(bus, slot, PCI_CAPABILITIES);
  for (int left = 48; at >= 0x40 && left > 0; left--) {
    u32 head = pci_read(bus, slot, at), length = head >> 16 & 0xff;
    u32 type = (head & 0xff) == PCI_VENDOR_SPECIFIC ? head >> 24 : 0;
    if (type == CALL_WINDOW) {
      u32 bar = pci_read(bus, slot, at + 4) & 3, base = pci_read(bus, slot, PCI_BARS + 4 * bar);
      u32 offset = pci_read(bus, slot, at + 8);
      if (base & 1) device->ports = (base & ~3u) + offset;
      else device->memory = (base & ~15u) + offset;
    } else if (type == HYPERCALL) {
      device->handle = pci_read(bus, slot, at + 8);
      device->number = pci_read(bus, slot, at + 12);
      device->step = pci_read(bus, slot, at + 16);
    } else if (type == NAME) {
      u32 i = 0, four = 0;
      for (; i + 4 < length && i < NAME_ROOM - 1; i++, four >>= 8) {
        if (i % 4 == 0) four = pci_read(bus, slot, at + 4 + i);
        name[i] = (char)(four & 0xff);
      }
      name[i] = 0;
    }
    at = head >> 8 & 0xfc;
  }
  return strncmp(name, wanted, NAME_ROOM - 1) == 0;
}

static int discover(struct device *device, const char *name) {
  for (u32 bus = 0; bus < 256; bus++) {
    /* A bus that is there has its host bridge; there is none without the one before it. */
    if ((pci_read(bus, 0, PCI_ID) & 0xffff) == 0xffff) break;
    for (u32 slot = 1; slot < 32; slot++) {
      if (pci_read(bus, slot, PCI_ID) == (DEVICE << 16 | VENDOR) && look(device, bus, slot, name)) return 1;
    }
  }
  return 0;
}

static void append(char *text, size_t room, const char *more) {
  size_t length = strlen(text), count = strlen(more);
  if (length + count >= room) count = room - 1 - length;
  memcpy(text + length, more, count);
  text[length + count] = 0;
}

s32 device_open(struct device *device, const char *name) {
  memset(device, 0, sizeof *device);
  if (!discover(device, name)) return -ENODEV;
  device->hypervisor = find_hypervisor();
  for (int i = 0; i < 3; i++) {
    const struct vehicle *vehicle = BY_PREFERENCE[PORTS_ARE_MEMORY][i];
    const char *why = vehicle->missing(device);
    if (!why) {
      device->vehicle = vehicle;
      return 0;
    }
    append(device->why, sizeof device->why, device->why[0] ? "; " : "");
    append(device->why, sizeof device->why, vehicle->name);
    append(device->why, sizeof device->why, ": ");
    append(device->why, sizeof device->why, why);
  }
  return -ENOSYS;
}

const char *device_vehicle(const struct device *device) { return device->vehicle ? device->vehicle->name : "none"; }

/* A descriptor in memory and one doorbell, whatever the size. */
static s32 by_descriptor(struct device *device, u32 fn, u32 flags, const void *data, u32 length, void *reply, u32 room) {
  static volatile struct call_descriptor one __attribute__((aligned(8)));
  one.fn = le32(fn);
  one.flags = le32(flags);
  one.data = le64((u64)(word)data);
  one.length = le32(length);
  one.capacity = le32(room);
  one.reply = le64((u64)(word)reply);
  one.status = le32((u32)-EINPROGRESS);
  one.reply_length = 0;
  s32 rung = device->vehicle->ring(device, &one), status = (s32)le32(one.status);
  /* What the doorbell itself answers counts only where nobody looked at the descriptor. */
  if (status == -EINPROGRESS) return rung < 0 ? rung : -EIO;
  return status < 0 ? status : (s32)le32(one.reply_length);
}

enum { FETCH = 1 };

s32 device_call(struct device *device, u32 fn, const void *data, u32 length, void *reply, u32 room) {
  if (!device->vehicle) return -ENODEV;
  const struct vehicle *vehicle = device->vehicle;
  if (length > vehicle->sends(device) || room < vehicle->takes(device)) {
    return by_descriptor(device, fn, 0, data, length, reply, room);
  }
  u32 stored = 0;
  s32 status = vehicle->call(device, fn, data, length, reply, &stored);
  if (status > (s32)stored && stored < room) {
    s32 rest = device_rest(device, (u8 *)reply + stored, room - stored);
    if (rest < 0) return rest;
  }
  return status;
}

s32 device_rest(struct device *device, void *reply, u32 room) {
  return device->vehicle ? by_descriptor(device, 0, FETCH, 0, 0, reply, room) : -ENODEV;
}

s32 notify(struct device *device, u32 queue) {
  return device->vehicle ? device->vehicle->notify(device, queue) : -ENODEV;
}
