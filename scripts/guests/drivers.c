/*
 * Drivers that do not know their vehicle: calls of any length to a device "echo", doorbells of a "bell" that takes no calls,
 * and a disk "disk" by virtio over vbus. One binary for an ISA; which hypervisor there is, and which of hypercall, port I/O and MMIO the device is offered by, shows at
 * run time. What is printed after the first line is the same by any vehicle; scripts/drivers.ts prints it too.
 */
#include "driver/device.h"
#include "driver/virtio_vbus.h"

enum { SECTOR = 512, LARGEST = 70000 };

static u8 bytes[LARGEST], reply[LARGEST];

/* By half bytes: the table is of the polynomial's 16 multiples. */
static u32 crc32(const u8 *data, u32 length) {
  u32 table[16];
  for (u32 i = 0; i < 16; i++) {
    table[i] = i;
    for (int bit = 0; bit < 4; bit++) table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
  }
  u32 crc = ~0u;
  for (u32 i = 0; i < length; i++) {
    crc ^= data[i];
    crc = crc >> 4 ^ table[crc & 15];
    crc = crc >> 4 ^ table[crc & 15];
  }
  return ~crc;
}

static void fill(u8 *data, u32 length) {
  for (u32 i = 0; i < length; i++) data[i] = (u8)(i * 31 + (i >> 8) * 7 + 5);
}

static int echo(struct device *device) {
  static const u32 LENGTHS[] = { 0, 1, 3, 4, 7, 8, 9, 16, 17, 48, 49, 64, 127, 128, 129, 300, 5000, LARGEST };
  for (u32 i = 0; i < sizeof LENGTHS / sizeof *LENGTHS; i++) {
    u32 length = LENGTHS[i];
    fill(bytes, length);
    memset(reply, 0, length);
    s32 got = device_call(device, 1, bytes, length, reply, sizeof reply);
    if (got < 0) return 1;
    printf("echo %u: %d bytes, crc %08x\n", length, got, crc32(reply, (u32)got));
  }
  /* In parts, when there is room for a part of it. */
  fill(bytes, 300);
  memset(reply, 0, 300);
  s32 whole = device_call(device, 1, bytes, 300, reply, 5), left = device_rest(device, reply + 5, 100);
  printf("300 in parts: %d, then %d", whole, left);
  left = device_rest(device, reply + 105, 1000);
  printf(", then %d, crc %08x\n", left, crc32(reply, 300));
  fill(bytes, 40);
  s32 got = call(device, 1, bytes, 40);
  printf("in place: %d bytes, crc %08x\n", got, crc32(bytes, 40));
  return 0;
}

/* A device that takes doorbells and no calls. */
static int bell(struct device *device) {
  printf("bell: short call %d", call(device, 1, bytes, 4));
  printf(", long call %d", call(device, 1, bytes, 300));
  printf(", rung %d\n", notify(device, 5));
  /* Nobody is asked whose data is not in memory. */
  return device_call(device, 1, (void *)0xa0000000, 300, reply, 300) != -EFAULT;
}

static struct virtio_queue queue;

/* A request of a virtio disk: what the device says of it, or a negative errno. */
static s32 block(u32 type, u64 sector, void *data, u32 length, int device_writes) {
  static struct { u32 type, reserved; u64 sector; } header;
  static volatile u8 status;
  header.type = le32(type);
  header.sector = le64(sector);
  status = 0xff;
  struct virtio_part parts[3] = { { &header, sizeof header, 0 }, { data, length, device_writes }, { (void *)&status, 1, 1 } };
  if (!length) parts[1] = parts[2];
  s32 written = virtio_request(&queue, parts, length ? 3 : 2);
  return written < 0 ? written : status;
}

static int disk(struct device *device) {
  u64 features = 0, sectors = 0;
  u8 cached = 9;
  if (virtio_features(device, &features)) return 1;
  printf("features %08x%08x\n", (u32)(features >> 32), (u32)features);
  printf("finalize without version 1: %d, unknown bit: %d\n", virtio_finalize(device, 0),
         virtio_finalize(device, VIRTIO_VERSION_1 | 1ull << 63));
  printf("status %d", virtio_status(device));
  virtio_set_status(device, VIRTIO_ACKNOWLEDGED | VIRTIO_HAS_DRIVER | VIRTIO_FEATURES_OK);
  printf(", then %d without features", virtio_status(device));
  virtio_reset(device);
  printf(", reset to %d\n", virtio_status(device));
  printf("queues: %d, %d\n", virtio_queue_size(device, 0), virtio_queue_size(device, 1));
  s32 failed = virtio_start(device, VIRTIO_EVENT_IDX | 1 << 9 | 1 << 11, &queue, 1);
  printf("start %d, status %d\n", failed, virtio_status(device));
  if (failed) return 2;
  if (virtio_get(device, 0, &sectors, 8)) return 3;
  printf("%u sectors, outside: %d\n", (u32)le64(sectors), virtio_get(device, 32, bytes, 64));
  cached = 0;
  failed = virtio_set(device, 32, &cached, 1);
  cached = 9;
  printf("write-through: %d, outside: %d", failed, virtio_set(device, 64, &cached, 1));
  virtio_get(device, 32, &cached, 1);
  printf(", now %u\n", cached);
  fill(bytes, 3 * SECTOR);
  printf("write %d", block(1, 1, bytes, 3 * SECTOR, 0));
  printf(", read %d", block(0, 0, reply, 5 * SECTOR, 1));
  printf(", crc %08x\n", crc32(reply, 5 * SECTOR));
  printf("flush %d, unknown %d, past the end %d\n", block(4, 0, 0, 0, 0), block(99, 0, reply, 16, 1),
         block(0, le64(sectors), reply, SECTOR, 1));
  for (int i = 0; i < 20; i++) {
    if (block(1, i % 8, bytes + i * 8, SECTOR, 0)) return 4;
  }
  printf("read %d", block(0, 0, reply, 8 * SECTOR, 1));
  printf(", crc %08x\n", crc32(reply, 8 * SECTOR));
  printf("interrupt %d", virtio_interrupt(device));
  printf(", then %d\n", virtio_interrupt(device));
  virtio_reset(device);
  printf("status %d\n", virtio_status(device));
  return 0;
}

int main(void) {
  static const struct {
    const char *name;
    int (*drive)(struct device *device);
  } drivers[] = { { "echo", echo }, { "bell", bell }, { "disk", disk } };
  enum { COUNT = sizeof drivers / sizeof *drivers };
  const struct hypervisor *hypervisor = find_hypervisor();
  int failed = 0;
  printf("hypervisor %s", hypervisor ? hypervisor->name : "none");
  static struct device devices[COUNT];
  s32 opened[COUNT];
  for (int i = 0; i < COUNT; i++) {
    opened[i] = device_open(&devices[i], drivers[i].name);
    if (opened[i] == -ENODEV) printf("; %s is not there", drivers[i].name);
    else if (opened[i]) printf("; %s is out of reach: %s", drivers[i].name, devices[i].why);
    else printf("; %s by %s", drivers[i].name, device_vehicle(&devices[i]));
  }
  putchar('\n');
  for (int i = 0; i < COUNT; i++) {
    if (opened[i] == 0) failed |= drivers[i].drive(&devices[i]);
  }
  return failed;
}
