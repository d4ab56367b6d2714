/* All guests in one, so that a target is compiled and run once. Their `main`s get names of their own. */
#include "runtime/guest.h"

#define main sort_main
#include "sort.c"
#undef main
#define main crc32_main
#include "crc32.c"
#undef main
#define main sha256_main
#include "sha256.c"
#undef main
#define main arithmetic_main
#include "arithmetic.c"
#undef main
#define main varargs_main
#include "varargs.c"
#undef main
#define main recursion_main
#include "recursion.c"
#undef main
#define main strings_main
#include "strings.c"
#undef main
#define main bits_main
#include "bits.c"
#undef main
#define main interpreter_main
#include "interpreter.c"
#undef main
#define main soft_float_main
#include "soft_float.c"
#undef main

int main(void) {
  static const struct {
    const char *name;
    int (*run)(void);
  } guests[] = {
    { "sort", sort_main },
    { "crc32", crc32_main },
    { "sha256", sha256_main },
    { "arithmetic", arithmetic_main },
    { "varargs", varargs_main },
    { "recursion", recursion_main },
    { "strings", strings_main },
    { "bits", bits_main },
    { "interpreter", interpreter_main },
    { "soft_float", soft_float_main },
  };
  int failed = 0;
  for (size_t i = 0; i < sizeof guests / sizeof *guests; i++) {
    printf("== %s\n", guests[i].name);
    int status = guests[i].run();
    if (status != 0) printf("%s ended with %d\n", guests[i].name, status), failed++;
  }
  printf("== %d failed\n", failed);
  return failed;
}
