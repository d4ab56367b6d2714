/* 64-bit arithmetic over edges and seeded numbers: every operator, signed and not, in the widths of C. */
#include "runtime/guest.h"

static u64 mixed(u64 seed) {
  seed += 0x9e3779b97f4a7c15ull;
  seed = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9ull;
  seed = (seed ^ seed >> 27) * 0x94d049bb133111ebull;
  return seed ^ seed >> 31;
}

static u64 summed(u64 sum, u64 value) { return (sum << 7 | sum >> 57) ^ value; }

/* Signed divisions that overflow are undefined in C: they are left out. */
static u64 divisions(u64 sum, u64 a, u64 b) {
  if (b == 0) return sum;
  sum = summed(summed(sum, a / b), a % b);
  if (a == 1ull << 63 && b == ~0ull) return sum;
  return summed(summed(sum, (u64)((s64)a / (s64)b)), (u64)((s64)a % (s64)b));
}

static u64 narrow(u64 sum, u32 a, u32 b) {
  sum = summed(sum, (u64)a * b);
  sum = summed(sum, (u64)((s64)(s32)a * (s32)b));
  if (b != 0) sum = summed(summed(sum, a / b), a % b);
  if (b != 0 && !(a == 1u << 31 && b == ~0u)) {
    sum = summed(sum, (u64)(s64)((s32)a / (s32)b));
    sum = summed(sum, (u64)(s64)((s32)a % (s32)b));
  }
  u16 c = (u16)a, d = (u16)b;
  s8 e = (s8)a, f = (s8)b;
  sum = summed(sum, (u64)(s64)((s16)c - (s16)d) + (u64)(s64)(e * f));
  return d ? summed(sum, (u64)(c / d) << 16 | (u64)(c % d)) : sum;
}

static u64 operated(u64 sum, u64 a, u64 b) {
  int by = (int)(b & 63);
  sum = summed(sum, a + b);
  sum = summed(sum, a - b);
  sum = summed(sum, a * b);
  sum = summed(sum, (a & b) ^ (a | ~b));
  sum = summed(sum, a << by);
  sum = summed(sum, a >> by);
  sum = summed(sum, (u64)((s64)a >> by));
  sum = summed(sum, a << by | a >> (-by & 63));
  sum = summed(sum, (u64)((a < b) | ((s64)a < (s64)b) << 1 | (a == b) << 2 | ((s64)a <= (s64)b) << 3));
  sum = divisions(sum, a, b);
  return narrow(sum, (u32)a, (u32)(b >> 13));
}

int main(void) {
  static const u64 edges[] = {
    0, 1, 2, 3, 7, 10, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
    0xffffffff, 0x100000000ull, 0x7fffffffffffffffull, 0x8000000000000000ull, ~0ull, ~1ull, ~9ull,
    0xffffffff00000000ull, 0xffffffff80000000ull,
  };
  enum { COUNT = sizeof edges / sizeof *edges };
  u64 sum = 0;
  for (int i = 0; i < COUNT; i++) {
    for (int j = 0; j < COUNT; j++) sum = operated(sum, edges[i], edges[j]);
    printf("edges %2d %016llx\n", i, sum);
  }
  for (u32 i = 0; i < 300; i++) {
    u64 a = mixed(i), b = mixed(~(u64)i);
    /* Divisors of every length. */
    sum = operated(sum, a, b >> i % 64);
    if (i % 100 == 99) printf("mixed %3u %016llx\n", i, sum);
  }
  printf("%lld %lld %llu %llu\n", -7ll / 2, -7ll % 2, 18446744073709551615ull / 10, 18446744073709551615ull % 10);
  return 0;
}
