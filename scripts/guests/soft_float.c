/*
 * IEEE 754 binary64 in whole numbers: sum, product, quotient and square root, rounded to nearest, ties to even.
 * No NaN payloads and no subnormal numbers are fed in. The answers beside are a floating-point unit's.
 */
#include "runtime/guest.h"

#define FLOAT_BIAS 1023
#define HIDDEN (1ull << 52)

/* A significand with three more bits, the last of which is 1 if anything was lost below. */
struct parts {
  int negative, exponent;
  u64 significand;
};

static struct parts float_parts(u64 bits) {
  struct parts p = { (int)(bits >> 63), (int)(bits >> 52 & 0x7ff), 0 };
  p.significand = p.exponent ? ((bits & (HIDDEN - 1)) | HIDDEN) << 3 : 0;
  return p;
}

static u64 lost_below(u64 value, int by) {
  if (by == 0) return value;
  if (by > 63) return value != 0;
  return value >> by | ((value << (64 - by)) != 0);
}

static u64 float_bits(struct parts p) {
  if (p.significand == 0) return (u64)p.negative << 63;
  while (p.significand >= HIDDEN << 4) p.significand = lost_below(p.significand, 1), p.exponent++;
  while (p.significand < HIDDEN << 3) p.significand <<= 1, p.exponent--;
  u64 low = p.significand & 7, whole = p.significand >> 3;
  if (low > 4 || (low == 4 && (whole & 1))) whole++;
  if (whole == HIDDEN << 1) whole >>= 1, p.exponent++;
  if (p.exponent >= 0x7ff) return (u64)p.negative << 63 | 0x7ffull << 52;
  return (u64)p.negative << 63 | (u64)p.exponent << 52 | (whole & (HIDDEN - 1));
}

static u64 float_add(u64 x, u64 y) {
  struct parts a = float_parts(x), b = float_parts(y);
  if (a.exponent < b.exponent || (a.exponent == b.exponent && a.significand < b.significand)) {
    struct parts kept = a;
    a = b, b = kept;
  }
  b.significand = lost_below(b.significand, a.exponent - b.exponent);
  if (a.negative == b.negative) a.significand += b.significand;
  else a.significand -= b.significand;
  if (a.significand == 0) a.negative &= b.negative;
  return float_bits(a);
}

static u64 float_multiply(u64 x, u64 y) {
  struct parts a = float_parts(x), b = float_parts(y);
  u64 high = 0, low = 0, factor = a.significand >> 3;
  /* 53 by 53 bits: 106, by schoolbook halves. */
  u64 c = b.significand >> 3, ah = factor >> 32, al = (u32)factor, ch = c >> 32, cl = (u32)c;
  u64 middle = ah * cl + (al * cl >> 32), cross = al * ch + (u32)middle;
  low = cross << 32 | (u32)(al * cl), high = ah * ch + (middle >> 32) + (cross >> 32);
  struct parts p = { a.negative ^ b.negative, a.exponent + b.exponent - FLOAT_BIAS, 0 };
  p.significand = high << 15 | lost_below(low, 49);
  return float_bits(p);
}

static u64 float_divide(u64 x, u64 y) {
  struct parts a = float_parts(x), b = float_parts(y);
  struct parts p = { a.negative ^ b.negative, a.exponent - b.exponent + FLOAT_BIAS, 0 };
  u64 rest = a.significand;
  for (int i = 0; i < 56; i++) {
    p.significand <<= 1;
    if (rest >= b.significand) rest -= b.significand, p.significand |= 1;
    rest <<= 1;
  }
  p.significand |= rest != 0;
  return float_bits(p);
}

static u64 float_root(u64 x) {
  struct parts a = float_parts(x);
  u64 value = a.significand >> 3, root = 0, rest = 0;
  int exponent = a.exponent - FLOAT_BIAS, odd = exponent & 1;
  /* 56 bits of root: two bits of the number at a time, and zeros behind them. */
  value <<= odd ? 11 : 10;
  for (int i = 0; i < 56; i++) {
    rest = rest << 2 | value >> 62;
    value <<= 2;
    root <<= 1;
    if (rest >= 2 * root + 1) rest -= 2 * root + 1, root |= 1;
  }
  struct parts p = { 0, (exponent - odd) / 2 + FLOAT_BIAS, root | (rest != 0) };
  return float_bits(p);
}

static u64 from_whole(s64 value) {
  struct parts p = { value < 0, FLOAT_BIAS + 52, 0 };
  p.significand = (value < 0 ? -(u64)value : (u64)value) << 3;
  return float_bits(p);
}

int main(void) {
  const u64 pi = 0x400921fb54442d18ull, e = 0x4005bf0a8b145769ull;
  int wrong = 0;
  struct {
    const char *name;
    u64 got, known;
  } rows[] = {
    { "pi + e", float_add(pi, e), 0x40177082efac4240ull },
    { "pi - e", float_add(pi, e ^ 1ull << 63), 0x3fdb1786497ead78ull },
    { "pi * e", float_multiply(pi, e), 0x402114580b45d474ull },
    { "pi / e", float_divide(pi, e), 0x3ff27ddbf6271dbeull },
    { "root 2", float_root(from_whole(2)), 0x3ff6a09e667f3bcdull },
    { "1 / 3", float_divide(from_whole(1), from_whole(3)), 0x3fd5555555555555ull },
    { "0.1 + 0.2", float_add(0x3fb999999999999aull, 0x3fc999999999999aull), 0x3fd3333333333334ull },
    { "2^53 + 1", float_add(from_whole(1ll << 53), from_whole(1)), 0x4340000000000000ull },
    { "-7 * 6", float_multiply(from_whole(-7), from_whole(6)), 0xc045000000000000ull },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (rows[i].known != rows[i].got) wrong++;
    printf("%-9s %016llx\n", rows[i].name, rows[i].got);
  }
  u64 sum = 0, term = from_whole(1);
  for (int n = 1; n < 25; n++) sum = float_add(sum, term), term = float_divide(term, from_whole(n));
  if (sum != 0x4005bf0a8b14576aull) wrong++;
  printf("e         %016llx wrong %d\n", sum, wrong);
  return wrong;
}
