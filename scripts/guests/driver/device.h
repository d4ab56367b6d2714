/*
 * A device as a driver has it: `call` and `notify`, and never which vehicle carries them. `device_open` looks for the device
 * in PCI's configuration space and for a hypervisor, and takes the best vehicle that both have: hypercall, port I/O, MMIO.
 * Where ports are a window in memory they are MMIO with a detour, and come last.
 */
#ifndef DRIVER_DEVICE_H
#define DRIVER_DEVICE_H

#include "hypercalls.h"

struct vehicle;

/* What discovery found; drivers need none of it. */
struct device {
  const struct vehicle *vehicle;
  const struct hypervisor *hypervisor;
  /* Its call window by port and by memory, and its handle with the number of CALL and the step to the next; 0: none. */
  word ports, memory;
  u32 handle, number, step;
  /* Why better vehicles, or all, were passed over. */
  char why[160];
};

/* Opens the device of that name, of 31 characters at most. Answers 0, -ENODEV if there is none, -ENOSYS if no vehicle reaches it. */
s32 device_open(struct device *device, const char *name);

/* What carries its calls, for people. */
const char *device_vehicle(const struct device *device);

/*
 * A synchronous call with `length` bytes; the reply goes to `reply`, which may be `data`. Answers the reply's whole length,
 * of which `room` bytes at most were stored, or a negative errno. Lengths go up to 16 MiB.
 */
s32 device_call(struct device *device, u32 fn, const void *data, u32 length, void *reply, u32 room);

/* What did not fit of the last call's reply: answers how much was left, of which `room` bytes at most were stored. */
s32 device_rest(struct device *device, void *reply, u32 room);

/* The call as vbus has it: one buffer both ways. */
static inline s32 call(struct device *device, u32 fn, void *buffer, u32 length) {
  return device_call(device, fn, buffer, length, buffer, length);
}

/* Tells the device that its queue has work. Answers 0 or a negative errno. */
s32 notify(struct device *device, u32 queue);

#endif
