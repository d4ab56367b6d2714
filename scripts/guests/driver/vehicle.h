/* What a vehicle is to `device.c`: all of them are in every build, and discovery picks one. */
#ifndef DRIVER_VEHICLE_H
#define DRIVER_VEHICLE_H

#include "device.h"

/* A whole call in memory, little-endian: transports/descriptor.ts. */
struct call_descriptor {
  u32 fn, flags;
  u64 data;
  u32 length, capacity;
  u64 reply;
  u32 status, reply_length;
};

struct vehicle {
  const char *name;
  /* Why it does not reach the device, or 0. */
  const char *(*missing)(const struct device *device);
  /* Bytes of payload, and of a reply, that go without a descriptor. */
  u32 (*sends)(const struct device *device);
  u32 (*takes)(const struct device *device);
  /* A call with that few and room for that many. Answers the reply's length or a negative errno; `stored` is how much came. */
  s32 (*call)(struct device *device, u32 fn, const void *data, u32 length, void *reply, u32 *stored);
  /* Has a descriptor served. Answers 0 or a negative errno of the doorbell itself. */
  s32 (*ring)(struct device *device, const volatile struct call_descriptor *descriptor);
  s32 (*notify)(struct device *device, u32 queue);
};

extern const struct vehicle hypercall_vehicle, pio_vehicle, mmio_vehicle;

#endif
