/* Deep and wide calls: Ackermann, Fibonacci, the queens of a board, the towers of Hanoi. */
#include "runtime/guest.h"

static u32 ackermann(u32 m, u32 n) {
  if (m == 0) return n + 1;
  return ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

static u32 fibonacci(u32 n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

static int queens(int size, u32 columns, u32 left, u32 right) {
  u32 all = (1u << size) - 1, free = all & ~(columns | left | right);
  int found = columns == all;
  while (free) {
    u32 one = free & -free;
    free ^= one;
    found += queens(size, columns | one, (left | one) << 1, (right | one) >> 1);
  }
  return found;
}

struct move {
  u8 from, to;
  u16 disc;
};

static u32 hanoi(int discs, struct move move) {
  if (discs == 0) return 1;
  u8 other = (u8)(3 - move.from - move.to);
  u32 first = hanoi(discs - 1, (struct move){ move.from, other, move.disc });
  u32 last = hanoi(discs - 1, (struct move){ other, move.to, (u16)(move.disc + 1) });
  return first * 3 + last + move.from * 7u + move.to + move.disc;
}

int main(void) {
  printf("ackermann(2, 7) = %u\n", ackermann(2, 7));
  printf("fibonacci(15) = %u\n", fibonacci(15));
  for (int size = 4; size <= 6; size++) printf("queens on %dx%d: %d\n", size, size, queens(size, 0, 0, 0));
  printf("hanoi(8): %u\n", hanoi(8, (struct move){ 0, 2, 1 }));
  return 0;
}
