/*
 * 64-bit arithmetic that compilers for 32-bit targets call by name (GCC internals, "The GCC low-level runtime
 * library"): shifts in halves, and division bit by bit. Nothing in here divides or shifts 64 bits itself.
 */
#include "guest.h"

#if __SIZEOF_POINTER__ == 4

union halves {
  u64 whole;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  struct { u32 high, low; } half;
#else
  struct { u32 low, high; } half;
#endif
};

u64 __ashldi3(u64 value, int count) {
  union halves v = { value };
  if (count >= 32) {
    v.half.high = v.half.low << (count - 32), v.half.low = 0;
  } else if (count > 0) {
    v.half.high = v.half.high << count | v.half.low >> (32 - count), v.half.low <<= count;
  }
  return v.whole;
}

u64 __lshrdi3(u64 value, int count) {
  union halves v = { value };
  if (count >= 32) {
    v.half.low = v.half.high >> (count - 32), v.half.high = 0;
  } else if (count > 0) {
    v.half.low = v.half.low >> count | v.half.high << (32 - count), v.half.high >>= count;
  }
  return v.whole;
}

s64 __ashrdi3(s64 value, int count) {
  union halves v = { (u64)value };
  u32 sign = (u32)-(s32)(v.half.high >> 31);
  if (count >= 32) {
    v.half.low = (u32)((s32)v.half.high >> (count - 32)), v.half.high = sign;
  } else if (count > 0) {
    v.half.low = v.half.low >> count | v.half.high << (32 - count);
    v.half.high = (u32)((s32)v.half.high >> count);
  }
  return (s64)v.whole;
}

u64 __udivmoddi4(u64 numerator, u64 denominator, u64 *remainder) {
  union halves n = { numerator };
  u64 rest = 0;
  if (n.half.high == 0 && (union halves){ denominator }.half.high == 0) { /* the processor's own division does */
    u32 d = (u32)denominator;
    if (remainder) *remainder = n.half.low % d;
    return n.half.low / d;
  }
  int zeros = n.half.high ? __builtin_clz(n.half.high) : 32 + __builtin_clz(n.half.low | 1);
  n.whole = __ashldi3(n.whole, zeros);
  for (int i = zeros; i < 64; i++) {
    /* A 65th bit of the remainder means that it is greater than any denominator. */
    u32 carry = (u32)((union halves){ rest }.half.high >> 31);
    rest = rest + rest + (n.half.high >> 31);
    n.whole += n.whole;
    if (carry || rest >= denominator) rest -= denominator, n.half.low |= 1;
  }
  if (remainder) *remainder = rest;
  return n.whole;
}

u64 __udivdi3(u64 a, u64 b) { return __udivmoddi4(a, b, 0); }

u64 __umoddi3(u64 a, u64 b) {
  u64 rest;
  __udivmoddi4(a, b, &rest);
  return rest;
}

s64 __divdi3(s64 a, s64 b) {
  u64 q = __udivmoddi4(a < 0 ? -(u64)a : (u64)a, b < 0 ? -(u64)b : (u64)b, 0);
  return (s64)((a < 0) != (b < 0) ? -q : q);
}

s64 __moddi3(s64 a, s64 b) {
  u64 rest;
  __udivmoddi4(a < 0 ? -(u64)a : (u64)a, b < 0 ? -(u64)b : (u64)b, &rest);
  return (s64)(a < 0 ? -rest : rest);
}

/* Both at once: gcc -O2 asks for it where the quotient and the remainder are wanted. */
s64 __divmoddi4(s64 a, s64 b, s64 *remainder) {
  *remainder = __moddi3(a, b);
  return __divdi3(a, b);
}

#endif
