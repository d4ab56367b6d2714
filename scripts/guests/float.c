/*
 * Floating point in the processor's own registers: what IEEE 754 fixes to the last bit, shown as bits. For targets
 * that have it; compiled without contraction, as a fused multiply-add rounds once where the source rounds twice.
 */
#include "runtime/guest.h"

static u64 bits_of(double value) {
  u64 bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static u32 single_bits_of(float value) {
  u32 bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static double absolute(double x) { return x < 0 ? -x : x; }

static double root(double x) {
  double guess = x;
  for (int i = 0; i < 40; i++) guess = (guess + x / guess) / 2;
  return guess;
}

static double sine(double x) {
  double term = x, sum = x;
  for (int n = 1; n < 12; n++) term *= -x * x / ((2 * n) * (2 * n + 1)), sum += term;
  return sum;
}

static double determinant(int size, double m[4][4]) {
  double product = 1;
  for (int i = 0; i < size; i++) {
    for (int j = i + 1; j < size; j++) {
      double factor = m[j][i] / m[i][i];
      for (int k = i; k < size; k++) m[j][k] -= factor * m[i][k];
    }
    product *= m[i][i];
  }
  return product;
}

/* Many arguments: some in registers, some on the stack, in both kinds. */
static double blended(int a, double b, float c, int d, double e, double f, double g, double h, double i, double j,
                      double k, int l, double m, float n, double o, double p) {
  return a + b * c - d / e + f * g - h + i * j - k + l * m - n + o / p;
}

static double varied(int count, ...) {
  __builtin_va_list list;
  double sum = 0;
  __builtin_va_start(list, count);
  while (count-- > 0) sum = sum * 3 + __builtin_va_arg(list, double) + __builtin_va_arg(list, int);
  __builtin_va_end(list);
  return sum;
}

static int compared(double a, double b) {
  return (a < b) | (a <= b) << 1 | (a > b) << 2 | (a >= b) << 3 | (a == b) << 4 | (a != b) << 5;
}

int main(void) {
  volatile double zero = 0, one = 1, big = 1e308, tiny = 5e-324;
  printf("root    %016llx %016llx\n", bits_of(root(2)), bits_of(root(1e10)));
  printf("sine    %016llx %016llx\n", bits_of(sine(1)), bits_of(sine(-2.5)));
  double m[4][4] = { { 4, -2, 1, 3 }, { 1, 5.5, -2, 0.25 }, { 2, 1, 7, -1 }, { 0.5, 3, -1, 6 } };
  printf("matrix  %016llx\n", bits_of(determinant(4, m)));
  printf("blended %016llx\n", bits_of(blended(1, 2.5, 3.25f, 4, 5, 6, 7.5, 8, 9, 10, 11, 12, 13.125, 14, 15, 16)));
  printf("varied  %016llx\n", bits_of(varied(6, 1.5, 2, 3.5, 4, 5.5, 6, 7.5, 8, 9.5, 10, 11.5, 12)));
  printf("limits  %016llx %016llx %016llx %016llx\n", bits_of(big * 10), bits_of(-one / zero), bits_of(tiny / 2),
         bits_of(tiny * 3));

  double values[] = { -1.5, -zero, zero, one, big * 10, zero / zero, tiny };
  enum { COUNT = sizeof values / sizeof *values };
  for (int i = 0; i < COUNT; i++) {
    printf("compare");
    for (int j = 0; j < COUNT; j++) printf(" %02x", compared(values[i], values[j]));
    putchar('\n');
  }

  float single = 1;
  double sum = 0;
  for (int i = 1; i <= 50; i++) {
    single = single * 1.0009765625f + 1.0f / (float)i;
    sum += absolute(sine(i / 8.0)) * i;
  }
  printf("sums    %08x %016llx\n", single_bits_of(single), bits_of(sum));
  printf("narrow  %08x %08x %08x\n", single_bits_of((float)(1 + 1e-8)), single_bits_of((float)big),
         single_bits_of((float)0.1));
  for (int i = -3; i <= 3; i++) {
    double value = i * 1234567.75;
    printf("whole   %d %u %016llx\n", (int)value, (u32)absolute(value), bits_of((double)(i * 715827882)));
  }
  return 0;
}
