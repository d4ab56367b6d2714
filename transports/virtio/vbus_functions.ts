/**
 * virtio over vbus: the control of a device as synchronous calls, which is what the May 2009 thread's claim 10 is about.
 * The functions and their names are those of AlacrityVM's virtio_vbus.h; its numbers were not found, so the numbers, the
 * layouts, and the functions from GET_QUEUE on are ours. Little-endian on every architecture.
 *
 * | function | payload | reply, behind its status |
 * |---|---|---|
 * | GET_FEATURES | - | features u64 that the device offers |
 * | FINALIZE_FEATURES | features u64 that the driver takes | -; -EINVAL for a set that cannot be, or after FEATURES_OK |
 * | GET | offset u32, length u32 | bytes of the configuration; -EINVAL outside of it |
 * | SET | offset u32, bytes | -; -EINVAL outside of the configuration |
 * | GET_STATUS | - | status u32 |
 * | SET_STATUS | status u32 | -; FEATURES_OK stays clear where features are not agreed upon |
 * | RESET | - | - |
 * | GET_QUEUE | queue u32 | descriptors u32 that it has at most; -EINVAL if there is no such queue |
 * | SET_QUEUE | queue u32, descriptors u32, then as u64 the guest-physical addresses of descriptor table, driver area and device area | -; -EINVAL for one that cannot be or is in use, -EFAULT for one outside of memory |
 * | GET_INTERRUPT | - | cause u32: 1 a queue has used buffers, 2 the configuration or the status has changed; cleared by this |
 *
 * Every reply begins with a status i32: 0, or -errno and nothing behind it; -EINVAL for a payload of another length, -ENOSYS
 * for another function. SET_QUEUE with 0 descriptors takes a queue out of use. A queue is rung for by `notify`, with its
 * number.
 */
export const VIRTIO_VBUS = {
  GET_FEATURES: 1,
  FINALIZE_FEATURES: 2,
  GET: 3,
  SET: 4,
  GET_STATUS: 5,
  SET_STATUS: 6,
  RESET: 7,
  GET_QUEUE: 8,
  SET_QUEUE: 9,
  GET_INTERRUPT: 10,
} as const;
