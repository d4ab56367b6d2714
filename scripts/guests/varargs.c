/* Functions with a variable number of arguments, of mixed widths and on the stack, and printf's formats. */
#include "runtime/guest.h"

typedef __builtin_va_list va_list;

static u64 taken(const char *kinds, va_list list) {
  u64 sum = 0;
  for (; *kinds; kinds++) {
    u64 value = *kinds == 'i' ? (u64)(s64)__builtin_va_arg(list, int)
      : *kinds == 'l' ? __builtin_va_arg(list, u64)
                      : strlen(__builtin_va_arg(list, const char *));
    sum = sum * 31 + value;
  }
  return sum;
}

static u64 added(const char *kinds, ...) {
  va_list list, copy;
  __builtin_va_start(list, kinds);
  __builtin_va_copy(copy, list);
  u64 once = taken(kinds, list), twice = taken(kinds, copy);
  __builtin_va_end(copy);
  __builtin_va_end(list);
  return once + twice;
}

int main(void) {
  printf("sum %llx\n", added("i", -1));
  printf("sum %llx\n", added("ilil", 1, 0x123456789abcdefull, -2, ~5ull));
  printf("sum %llx\n", added("liiliisliillsi", 1ull << 40, 2, 3, 4ull << 33, 5, 6, "seven", 8ull, 9, 10, 11ull, 12ull,
                             "thirteen", 14));
  printf("[%d] [%5d] [%-5d] [%05d] [%+d] [% d] [%.3d] [%7.3d]\n", 42, 42, 42, 42, 42, 42, 42, -42);
  printf("[%u] [%10u] [%x] [%8X] [%08x] [%o]\n", 4000000000u, 7u, 0xbeefu, 0xbeefu, 0xbeefu, 0777u);
  printf("[%lld] [%llu] [%llx] [%20lld] [%-20llx]\n", -9223372036854775807ll - 1, ~0ull, 0x123456789abcdef0ull,
         -1234567890123ll, 0xfeedull);
  printf("[%ld] [%lu] [%lx]\n", -123456789l, 4000000000ul, 0xcafel);
  printf("[%s] [%8s] [%-8s] [%.2s] [%c] [%3c] [%%] [%*d] [%-*d]\n", "text", "right", "left", "cut", 'x', 'y', 6, 1, 4, 2);
  return printf("%s\n", "") != 1;
}
