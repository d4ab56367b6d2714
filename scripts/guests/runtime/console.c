/* Characters and the end, by the two devices that `exec` gives: a 16550A serial port and debug-exit. */
#include "guest.h"

enum { CONSOLE = 0x3f8, DEBUG_EXIT = 0x501 };
enum { DATA = 0, LINE_STATUS = 5, MODEM_STATUS = 6 };
enum { DATA_READY = 0x01, TRANSMITTER_EMPTY = 0x20, CARRIER = 0x80 };

#if defined(__i386__) || defined(__x86_64__)
static void out8(u16 port, u8 value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
static u8 in8(u16 port) {
  u8 value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}
#else
/* The same ports in the PCI I/O window. */
#define PCI_IO_WINDOW 0xfe000000ul
static void out8(u16 port, u8 value) {
  *(volatile u8 *)(PCI_IO_WINDOW + port) = value;
  __asm__ volatile("sync" : : : "memory");
}
static u8 in8(u16 port) {
  u8 value = *(volatile u8 *)(PCI_IO_WINDOW + port);
  __asm__ volatile("sync" : : : "memory");
  return value;
}
#endif

int putchar(int character) {
  while (!(in8(CONSOLE + LINE_STATUS) & TRANSMITTER_EMPTY)) {}
  out8(CONSOLE + DATA, (u8)character);
  return (u8)character;
}

int puts(const char *text) {
  while (*text) putchar(*text++);
  return putchar('\n');
}

int getchar(void) {
  while (!(in8(CONSOLE + LINE_STATUS) & DATA_READY)) {
    if (!(in8(CONSOLE + MODEM_STATUS) & CARRIER)) return -1;
  }
  return in8(CONSOLE + DATA);
}

void exit(int status) {
  out8(DEBUG_EXIT, (u8)status);
  for (;;) {}
}
