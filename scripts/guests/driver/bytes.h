/*
 * Ports, device memory and byte order by ISA. What the host defines (windows, descriptors, configuration space, virtqueues)
 * is little-endian everywhere; data moves as bytes in the order of their addresses.
 */
#ifndef DRIVER_BYTES_H
#define DRIVER_BYTES_H

#include "../runtime/hypervisor.h"

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

enum { PORTS_ARE_MEMORY = 0 };
#define barrier() __asm__ volatile("mfence" : : : "memory")

static inline void port_put(word port, u32 bytes) {
  __asm__ volatile("outl %0, %w1" : : "a"(bytes), "Nd"((u16)port) : "memory");
}
static inline u32 port_get(word port) {
  u32 bytes;
  __asm__ volatile("inl %w1, %0" : "=a"(bytes) : "Nd"((u16)port) : "memory");
  return bytes;
}

#else

/* No IN and OUT: PCI's I/O space is a window in memory. */
enum { PORTS_ARE_MEMORY = 1 };
#define PORT_WINDOW 0xfe000000ul
#define barrier() __asm__ volatile("sync" : : : "memory")

#endif

/* Four bytes in the order of their addresses; a number is `le32` of them. */
static inline void memory_put(word address, u32 bytes) {
  barrier();
  *(volatile u32 *)address = bytes;
  barrier();
}
static inline u32 memory_get(word address) {
  u32 bytes = *(volatile u32 *)address;
  barrier();
  return bytes;
}

#if !defined(__i386__) && !defined(__x86_64__)
static inline void port_put(word port, u32 bytes) { memory_put(PORT_WINDOW + port, bytes); }
static inline u32 port_get(word port) { return memory_get(PORT_WINDOW + port); }
#endif

#endif
