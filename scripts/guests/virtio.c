/*
 * A driver of virtio-mmio (virtio 1.2, version 2 registers) for a disk at 0xfeb10000 and a console at 0xfeb11000: looks at
 * both, reads, writes and flushes sectors, leaves the disk, and answers what is typed. Without interrupts.
 */
#include "runtime/guest.h"

enum { MAGIC = 0x00, VERSION = 0x04, DEVICE = 0x08, FEATURES = 0x10, FEATURES_SELECT = 0x14 };
enum { ACCEPT = 0x20, ACCEPT_SELECT = 0x24, SELECT = 0x30, SIZE_MAX_ = 0x34, SIZE = 0x38, READY = 0x44, NOTIFY = 0x50 };
enum { INTERRUPT = 0x60, ACK = 0x64, STATUS = 0x70, TABLE = 0x80, DRIVER = 0x90, USED = 0xa0, CONFIG = 0x100 };
enum { ACKNOWLEDGED = 1, HAS_DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };
enum { NEXT = 1, WRITE = 2, ENTRIES = 8, SECTOR = 512 };

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define le16(x) __builtin_bswap16(x)
#define le32(x) __builtin_bswap32(x)
#define le64(x) __builtin_bswap64(x)
#else
#define le16(x) (x)
#define le32(x) (x)
#define le64(x) (x)
#endif
#if defined(__i386__) || defined(__x86_64__)
#define barrier() __asm__ volatile("mfence" : : : "memory")
#else
#define barrier() __asm__ volatile("sync" : : : "memory")
#endif

struct descriptor {
  u64 address;
  u32 length;
  u16 flags, next;
};
struct queue {
  struct descriptor table[ENTRIES] __attribute__((aligned(16)));
  volatile struct { u16 flags, index, ring[ENTRIES], event; } available;
  volatile struct { u16 flags, index; struct { u32 id, length; } ring[ENTRIES]; u16 event; } used __attribute__((aligned(4)));
  u16 seen;
};

static u32 get(unsigned long device, unsigned reg) {
  u32 value = *(volatile u32 *)(device + reg);
  barrier();
  return le32(value);
}
static void put(unsigned long device, unsigned reg, u32 value) {
  barrier();
  *(volatile u32 *)(device + reg) = le32(value);
}
static void put_address(unsigned long device, unsigned reg, const volatile void *address) {
  put(device, reg, (u32)(unsigned long)address);
  put(device, reg + 4, (u32)((u64)(unsigned long)address >> 32));
}

static int start(unsigned long device, u32 type, struct queue *queues, int count) {
  if (get(device, MAGIC) != 0x74726976 || get(device, VERSION) != 2 || get(device, DEVICE) != type) return 0;
  put(device, STATUS, 0);
  put(device, STATUS, ACKNOWLEDGED);
  put(device, STATUS, ACKNOWLEDGED | HAS_DRIVER);
  put(device, FEATURES_SELECT, 1);
  if (!(get(device, FEATURES) & 1)) return 0;
  put(device, ACCEPT_SELECT, 1);
  put(device, ACCEPT, 1);
  put(device, STATUS, ACKNOWLEDGED | HAS_DRIVER | FEATURES_OK);
  if (!(get(device, STATUS) & FEATURES_OK)) return 0;
  for (int i = 0; i < count; i++) {
    put(device, SELECT, i);
    if (get(device, READY) || get(device, SIZE_MAX_) < ENTRIES) return 0;
    put(device, SIZE, ENTRIES);
    put_address(device, TABLE, queues[i].table);
    put_address(device, DRIVER, &queues[i].available);
    put_address(device, USED, &queues[i].used);
    put(device, READY, 1);
  }
  put(device, STATUS, ACKNOWLEDGED | HAS_DRIVER | FEATURES_OK | DRIVER_OK);
  return 1;
}

static void describe(struct queue *queue, int index, void *buffer, u32 length, u16 flags) {
  struct descriptor *one = &queue->table[index];
  one->address = le64((u64)(unsigned long)buffer);
  one->length = le32(length);
  one->flags = le16(flags);
  one->next = le16(index + 1);
}

/* Makes the chain that begins with descriptor 0 available. */
static void submit(unsigned long device, struct queue *queue, int number) {
  u16 index = le16(queue->available.index);
  queue->available.ring[index % ENTRIES] = 0;
  barrier();
  queue->available.index = le16((u16)(index + 1));
  put(device, NOTIFY, number);
}

/* Waits for it; the bytes that the device wrote. */
static u32 finish(struct queue *queue) {
  while (le16(queue->used.index) == queue->seen) {}
  barrier();
  return le32(queue->used.ring[queue->seen++ % ENTRIES].length);
}

static const unsigned long DISK = 0xfeb10000, CONSOLE = 0xfeb11000;
static struct queue disk, console[2];
static struct { u32 type, reserved; u64 sector; } header;
static u8 status, buffer[2 * SECTOR];

static int block(u32 type, u64 sector, void *data, u32 length, int device_writes) {
  header.type = le32(type);
  header.sector = le64(sector);
  status = 0xff;
  int count = 0;
  describe(&disk, count++, &header, sizeof header, NEXT);
  if (length) describe(&disk, count++, data, length, NEXT | (device_writes ? WRITE : 0));
  describe(&disk, count, &status, 1, WRITE);
  submit(DISK, &disk, 0);
  finish(&disk);
  return *(volatile u8 *)&status;
}

static void send(const char *text) {
  describe(&console[1], 0, (void *)text, strlen(text), 0);
  submit(CONSOLE, &console[1], 1);
  finish(&console[1]);
}

int main(void) {
  if (!start(DISK, 2, &disk, 1)) return 1;
  if (!start(CONSOLE, 3, console, 2)) return 2;
  printf("%u sectors, interrupt %u\n", get(DISK, CONFIG), get(DISK, INTERRUPT));
  if (block(8, 0, buffer, 20, 1)) return 3;
  printf("id %s\n", (char *)buffer);
  if (block(0, 1, buffer, 2 * SECTOR, 1)) return 4;
  printf("sectors 1 and 2: %s, %s\n", (char *)buffer, (char *)buffer + SECTOR);
  strcpy((char *)buffer, "written by the guest");
  if (block(1, 2, buffer, SECTOR, 0) || block(4, 0, 0, 0, 0)) return 5;
  memset(buffer, 0, sizeof buffer);
  if (block(0, 2, buffer, SECTOR, 1)) return 6;
  printf("sector 2: %s\n", (char *)buffer);
  printf("past the end: %d, %d; half a sector: %d; unknown: %d\n", block(0, 4, buffer, SECTOR, 1),
         block(1, 0xffffffffffffffffull, buffer, SECTOR, 0), block(0, 0, buffer, 256, 1), block(99, 0, buffer, 16, 1));
  printf("interrupt %u", get(DISK, INTERRUPT));
  put(DISK, ACK, 1);
  printf(", then %u\n", get(DISK, INTERRUPT));
  send("what is your name?\n");
  describe(&console[0], 0, buffer, 32, WRITE);
  submit(CONSOLE, &console[0], 0);
  u32 length = finish(&console[0]);
  buffer[length] = 0;
  send("hello, ");
  send((char *)buffer);
  return 0;
}
