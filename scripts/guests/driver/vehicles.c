/* The three vehicles: registers of a hypercall, and a call window by port I/O or in memory. */
#include "vehicle.h"

/* By hypercall: the order of the numbers is transports/numbers.ts's. */
enum { CALL = 0, CALL_DESCRIPTOR = 1, NOTIFY = 11 };

static const char *hypercall_missing(const struct device *device) {
  if (!device->hypervisor) return "no hypervisor that takes calls was found";
  return device->handle ? 0 : "the device offers none";
}

static u32 hypercall_sends(const struct device *device) {
  return (device->hypervisor->arguments - 2) * device->hypervisor->width;
}
static u32 hypercall_takes(const struct device *device) {
  return device->hypervisor->outputs * device->hypervisor->width;
}

static s32 hypercall(const struct device *device, u32 which, u32 count, u64 *words, int replies) {
  return device->hypervisor->call(device->number + which * device->step, count, words, replies);
}

/* Words hold what the guest's own loads of a register find in memory. */
static u64 load_word(const u8 *from, u32 width) {
  u64 wide;
  u32 narrow;
  if (width == 8) return memcpy(&wide, from, 8), wide;
  return memcpy(&narrow, from, 4), narrow;
}
static void store_word(u8 *to, u64 value, u32 width) {
  u32 narrow = (u32)value;
  if (width == 8) memcpy(to, &value, 8);
  else memcpy(to, &narrow, 4);
}

static s32 hypercall_call(struct device *device, u32 fn, const void *data, u32 length, void *reply, u32 *stored) {
  u32 width = device->hypervisor->width, count = 2;
  u64 words[MOST_WORDS] = { device->handle | length << 16, fn };
  u8 bytes[8 * MOST_WORDS] = { 0 };
  memcpy(bytes, data, length);
  for (u32 at = 0; at < length; at += width) words[count++] = load_word(bytes + at, width);
  s32 status = hypercall(device, CALL, count, words, 1);
  if (status <= 0) return status;
  u32 part = hypercall_takes(device);
  if (part > (u32)status) part = (u32)status;
  for (u32 at = 0; at < part; at += width) store_word(bytes + at, words[at / width], width);
  memcpy(reply, bytes, *stored = part);
  return status;
}

static s32 hypercall_ring(struct device *device, const volatile struct call_descriptor *descriptor) {
  u64 words[MOST_WORDS] = { device->handle, (word)descriptor };
  return hypercall(device, CALL_DESCRIPTOR, 2, words, 0);
}

static s32 hypercall_notify(struct device *device, u32 queue) {
  u64 words[MOST_WORDS] = { device->handle, queue };
  return hypercall(device, NOTIFY, 2, words, 0);
}

const struct vehicle hypercall_vehicle = { "hypercall", hypercall_missing, hypercall_sends, hypercall_takes,
                                           hypercall_call, hypercall_ring, hypercall_notify };

/* By a call window: transports/window.ts. One body for both spaces; `get` and `put` move 4 bytes. */
enum { FN = 0x00, LENGTH = 0x04, DATA = 0x08, RESULT = 0x10, QUEUE = 0x14, DOORBELL = 0x18, MOST = 8 };

struct space {
  u32 (*get)(word at);
  void (*put)(word at, u32 bytes);
};

static u32 window_holds(const struct device *device) {
  (void)device;
  return MOST;
}

static s32 window_call(const struct space *space, word window, u32 fn, const void *data, u32 length, void *reply,
                       u32 *stored) {
  u8 bytes[MOST] = { 0 };
  memcpy(bytes, data, length);
  space->put(window + FN, le32(fn));
  space->put(window + LENGTH, le32(length));
  for (u32 at = 0; at < length; at += 4) space->put(window + DATA, (u32)load_word(bytes + at, 4));
  s32 result = (s32)le32(space->get(window + RESULT));
  u32 part = result < 0 ? 0 : (u32)result > MOST ? MOST : (u32)result;
  for (u32 at = 0; at < part; at += 4) store_word(bytes + at, space->get(window + DATA), 4);
  memcpy(reply, bytes, *stored = part);
  return result;
}

static s32 window_ring(const struct space *space, word window, const volatile struct call_descriptor *descriptor) {
  space->put(window + DOORBELL, le32((u32)(word)descriptor));
  return 0;
}

static const struct space PORTS = { port_get, port_put }, MEMORY = { memory_get, memory_put };

#define WINDOW_VEHICLE(name, place, space, missing_why)                                                                  \
  static const char *name##_missing(const struct device *device) { return device->place ? 0 : missing_why; }             \
  static s32 name##_call(struct device *device, u32 fn, const void *data, u32 length, void *reply,                       \
                         u32 *stored) {                                                                                  \
    return window_call(&space, device->place, fn, data, length, reply, stored);                                          \
  }                                                                                                                      \
  static s32 name##_ring(struct device *device, const volatile struct call_descriptor *descriptor) {                     \
    return window_ring(&space, device->place, descriptor);                                                               \
  }                                                                                                                      \
  static s32 name##_notify(struct device *device, u32 queue) {                                                           \
    space.put(device->place + QUEUE, le32(queue));                                                                       \
    return 0;                                                                                                            \
  }                                                                                                                      \
  const struct vehicle name##_vehicle = { #name,       name##_missing, window_holds,  window_holds,                     \
                                        name##_call, name##_ring,    name##_notify };

WINDOW_VEHICLE(pio, ports, PORTS, "the device offers no ports")
WINDOW_VEHICLE(mmio, memory, MEMORY, "the device offers no memory")
