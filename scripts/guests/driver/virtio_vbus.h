/*
 * A driver of virtio over vbus: control by calls, requests by a split virtqueue (virtio 1.2, 2.7) with a doorbell, on
 * whatever vehicle the device was opened by. Without interrupts.
 */
#ifndef DRIVER_VIRTIO_VBUS_H
#define DRIVER_VIRTIO_VBUS_H

#include "device.h"

enum { VIRTIO_GET_FEATURES = 1, VIRTIO_FINALIZE_FEATURES, VIRTIO_GET, VIRTIO_SET, VIRTIO_GET_STATUS, VIRTIO_SET_STATUS };
enum { VIRTIO_RESET = 7, VIRTIO_GET_QUEUE, VIRTIO_SET_QUEUE, VIRTIO_GET_INTERRUPT };
enum { VIRTIO_ACKNOWLEDGED = 1, VIRTIO_HAS_DRIVER = 2, VIRTIO_DRIVER_OK = 4, VIRTIO_FEATURES_OK = 8 };
enum { VIRTIO_ENTRIES = 8 };
#define VIRTIO_EVENT_IDX (1ull << 29)
#define VIRTIO_VERSION_1 (1ull << 32)

struct virtio_descriptor {
  u64 address;
  u32 length;
  u16 flags, next;
};
struct virtio_queue {
  struct virtio_descriptor table[VIRTIO_ENTRIES] __attribute__((aligned(16)));
  volatile struct { u16 flags, index, ring[VIRTIO_ENTRIES], event; } available;
  volatile struct { u16 flags, index; struct { u32 id, length; } ring[VIRTIO_ENTRIES]; u16 event; } used
    __attribute__((aligned(4)));
  struct device *device;
  u32 number;
  u16 seen, event_idx;
};

/* A part of a request: what the device reads, or writes. */
struct virtio_part {
  void *bytes;
  u32 length;
  int device_writes;
};

/* All answer 0 or more, or a negative errno. */
s32 virtio_features(struct device *device, u64 *features);
s32 virtio_finalize(struct device *device, u64 features);
/* Bytes of the configuration, 64 at most. */
s32 virtio_get(struct device *device, u32 offset, void *bytes, u32 length);
s32 virtio_set(struct device *device, u32 offset, const void *bytes, u32 length);
s32 virtio_status(struct device *device);
s32 virtio_set_status(struct device *device, u32 status);
s32 virtio_reset(struct device *device);
s32 virtio_queue_size(struct device *device, u32 number);
s32 virtio_interrupt(struct device *device);

/* Resets, takes `wanted` of the features, sets queues from the first on, says DRIVER_OK. */
s32 virtio_start(struct device *device, u64 wanted, struct virtio_queue *queues, u32 count);

/* Makes a request, rings if the device wants to be rung, waits. Answers the bytes that the device wrote. */
s32 virtio_request(struct virtio_queue *queue, const struct virtio_part *parts, u32 count);

#endif
