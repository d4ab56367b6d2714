/* See virtio_vbus.h; functions and layouts: transports/virtio/vbus_functions.ts. */
#include "virtio_vbus.h"

enum { MOST = 64, NEXT = 1, WRITE = 2, NO_NOTIFY = 1 };

/* A function: its reply begins with a status. */
static s32 control(struct device *device, u32 fn, const void *data, u32 length, void *reply, u32 room) {
  u8 bytes[4 + MOST];
  u32 status;
  s32 got = device_call(device, fn, data, length, bytes, sizeof bytes);
  if (got < 0) return got;
  if (got < 4) return -EIO;
  memcpy(&status, bytes, 4);
  if (le32(status)) return (s32)le32(status);
  if ((u32)got - 4 != room || room > MOST) return -EIO;
  memcpy(reply, bytes + 4, room);
  return 0;
}

/* One that takes or gives a word, or neither. */
static s32 put_word(struct device *device, u32 fn, u32 value) {
  value = le32(value);
  return control(device, fn, &value, 4, 0, 0);
}
static s32 get_word(struct device *device, u32 fn, const void *data, u32 length) {
  u32 value;
  s32 status = control(device, fn, data, length, &value, 4);
  return status < 0 ? status : (s32)le32(value);
}

s32 virtio_features(struct device *device, u64 *features) {
  s32 status = control(device, VIRTIO_GET_FEATURES, 0, 0, features, 8);
  *features = le64(*features);
  return status;
}
s32 virtio_finalize(struct device *device, u64 features) {
  features = le64(features);
  return control(device, VIRTIO_FINALIZE_FEATURES, &features, 8, 0, 0);
}
s32 virtio_get(struct device *device, u32 offset, void *bytes, u32 length) {
  u32 what[2] = { le32(offset), le32(length) };
  return control(device, VIRTIO_GET, what, sizeof what, bytes, length);
}
s32 virtio_set(struct device *device, u32 offset, const void *bytes, u32 length) {
  u8 what[4 + MOST];
  if (length > MOST) return -E2BIG;
  offset = le32(offset);
  memcpy(what, &offset, 4);
  memcpy(what + 4, bytes, length);
  return control(device, VIRTIO_SET, what, 4 + length, 0, 0);
}
s32 virtio_status(struct device *device) { return get_word(device, VIRTIO_GET_STATUS, 0, 0); }
s32 virtio_set_status(struct device *device, u32 status) { return put_word(device, VIRTIO_SET_STATUS, status); }
s32 virtio_reset(struct device *device) { return control(device, VIRTIO_RESET, 0, 0, 0, 0); }
s32 virtio_interrupt(struct device *device) { return get_word(device, VIRTIO_GET_INTERRUPT, 0, 0); }
s32 virtio_queue_size(struct device *device, u32 number) {
  number = le32(number);
  return get_word(device, VIRTIO_GET_QUEUE, &number, 4);
}

static s32 set_queue(struct device *device, u32 number, struct virtio_queue *queue, int event_idx) {
  struct { u32 number, size; u64 table, available, used; } what = {
    le32(number), le32(VIRTIO_ENTRIES), le64((u64)(word)queue->table), le64((u64)(word)&queue->available),
    le64((u64)(word)&queue->used),
  };
  memset(queue, 0, sizeof *queue);
  queue->device = device;
  queue->number = number;
  queue->event_idx = (u16)event_idx;
  return control(device, VIRTIO_SET_QUEUE, &what, sizeof what, 0, 0);
}

s32 virtio_start(struct device *device, u64 wanted, struct virtio_queue *queues, u32 count) {
  u32 status = VIRTIO_ACKNOWLEDGED;
  u64 features = 0;
  s32 failed = virtio_reset(device);
  if (!failed) failed = virtio_set_status(device, status);
  if (!failed) failed = virtio_set_status(device, status |= VIRTIO_HAS_DRIVER);
  if (!failed) failed = virtio_features(device, &features);
  features &= wanted | VIRTIO_VERSION_1;
  if (!failed) failed = virtio_finalize(device, features);
  if (!failed) failed = virtio_set_status(device, status |= VIRTIO_FEATURES_OK);
  if (failed) return failed;
  s32 now = virtio_status(device);
  if (now < 0) return now;
  if (!(now & VIRTIO_FEATURES_OK)) return -EINVAL;
  for (u32 i = 0; i < count; i++) {
    s32 most = virtio_queue_size(device, i);
    if (most < 0) return most;
    if (most < VIRTIO_ENTRIES) return -E2BIG;
    failed = set_queue(device, i, &queues[i], (features & VIRTIO_EVENT_IDX) != 0);
    if (failed) return failed;
  }
  return virtio_set_status(device, status | VIRTIO_DRIVER_OK);
}

/* Whether the step to `now` passes the index from which on the device wants to be told: 2.7.10. */
static int wants_kick(struct virtio_queue *queue, u16 now) {
  if (!queue->event_idx) return !(le16(queue->used.flags) & NO_NOTIFY);
  return (u16)(now - le16(queue->used.event) - 1) < 1;
}

s32 virtio_request(struct virtio_queue *queue, const struct virtio_part *parts, u32 count) {
  if (count == 0 || count > VIRTIO_ENTRIES) return -E2BIG;
  for (u32 i = 0; i < count; i++) {
    struct virtio_descriptor *one = &queue->table[i];
    one->address = le64((u64)(word)parts[i].bytes);
    one->length = le32(parts[i].length);
    one->flags = le16((i + 1 < count ? NEXT : 0) | (parts[i].device_writes ? WRITE : 0));
    one->next = le16(i + 1 < count ? i + 1 : 0);
  }
  u16 index = le16(queue->available.index), now = (u16)(index + 1);
  queue->available.ring[index % VIRTIO_ENTRIES] = 0;
  barrier();
  queue->available.index = le16(now);
  barrier();
  if (wants_kick(queue, now)) {
    s32 failed = notify(queue->device, queue->number);
    if (failed < 0) return failed;
  }
  /* A device whose end is done with the doorbell has answered; a broken one never does. */
  for (u32 left = 1000000; le16(queue->used.index) == queue->seen; left--) {
    if (!left) return -EIO;
  }
  barrier();
  return (s32)le32(queue->used.ring[queue->seen++ % VIRTIO_ENTRIES].length);
}
