/* Bit tricks: counts, reversals, rotations, bit fields, and bytes swapped, against loops that say what they mean. */
#include "runtime/guest.h"

struct fields {
  u32 a : 3, b : 7, c : 11, d : 11;
  s32 e : 5, f : 27;
  u64 g : 40, h : 24;
};

static int count_ones(u32 v) {
  v -= v >> 1 & 0x55555555;
  v = (v & 0x33333333) + (v >> 2 & 0x33333333);
  return (int)(((v + (v >> 4)) & 0x0f0f0f0f) * 0x01010101 >> 24);
}

static u32 reversed_bits(u32 v) {
  v = (v >> 1 & 0x55555555) | (v & 0x55555555) << 1;
  v = (v >> 2 & 0x33333333) | (v & 0x33333333) << 2;
  v = (v >> 4 & 0x0f0f0f0f) | (v & 0x0f0f0f0f) << 4;
  return __builtin_bswap32(v);
}

static int slow_ones(u64 v) {
  int ones = 0;
  for (; v; v &= v - 1) ones++;
  return ones;
}

static u32 morton(u32 x, u32 y) {
  u32 z = 0;
  for (int i = 0; i < 16; i++) z |= (x >> i & 1) << (2 * i) | (y >> i & 1) << (2 * i + 1);
  return z;
}

int main(void) {
  u32 v = 1;
  int wrong = 0;
  for (int i = 0; i < 40; i++) {
    v = v * 69069 + 1;
    u64 w = (u64)v << 32 | (v ^ 0x5a5a5a5a);
    if (count_ones(v) != slow_ones(v)) wrong++;
    if (reversed_bits(reversed_bits(v)) != v) wrong++;
    if (__builtin_bswap64(__builtin_bswap64(w)) != w) wrong++;
    if (i % 8) continue;
    printf("%08x ones %2d reversed %08x swapped %08x %016llx leading %2d trailing %2d rotated %08x parity %d\n", v,
           count_ones(v), reversed_bits(v), __builtin_bswap32(v), (u64)__builtin_bswap64(w), __builtin_clz(v | 1),
           __builtin_ctz(v | 1u << 31), v << (i & 31) | v >> (-i & 31), slow_ones(v) & 1);
  }
  struct fields f = { 5, 99, 1234, 2000, -9, -12345678, 0x123456789aull, 0xabcdef };
  f.b += 40, f.e -= 8, f.f *= 3, f.g += 0xff00000000ull, f.h ^= 0x111111;
  printf("fields %u %u %u %u %d %d %llx %x\n", f.a, f.b, f.c, f.d, f.e, f.f, (u64)f.g, (u32)f.h);
  printf("morton %08x wrong %d\n", morton(0x1234, 0xabcd), wrong);
  u16 h = (u16)v;
  printf("half %04x swapped %04x %d\n", h, __builtin_bswap16(h), (s16)(h << 3));
  return wrong;
}
