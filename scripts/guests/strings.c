/* Memory and string functions, over every small length and alignment. */
#include "runtime/guest.h"

static char string_from[64], string_to[64];

static u32 string_sum(const char *text, size_t length) {
  u32 sum = 5381;
  for (size_t i = 0; i < length; i++) sum = sum * 33 + (u8)text[i];
  return sum;
}

static int string_sign(int value) { return (value > 0) - (value < 0); }

static void reversed(char *text) {
  for (size_t i = 0, j = strlen(text); i + 1 < j; i++) {
    char kept = text[i];
    text[i] = text[--j], text[j] = kept;
  }
}

int main(void) {
  u32 sum = 0;
  for (int i = 0; i < 64; i++) string_from[i] = (char)(i * 37 + 11);
  for (size_t at = 0; at < 8; at++) {
    for (size_t length = 0; length < 20; length += 3) {
      memset(string_to, (int)(at - length), sizeof string_to);
      memcpy(string_to + at, string_from + length, length);
      memmove(string_to + at + 2, string_to + at, length);
      memmove(string_to + length, string_to + length + 1, at + 5);
      sum = sum * 31 + string_sum(string_to, sizeof string_to);
    }
  }
  printf("memory %08x\n", sum);

  static const char *const words[] = { "", "a", "ab", "abc", "abd", "b", "\xff", "abcdefghijklmnop" };
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    printf("%u:", (u32)strlen(words[i]));
    for (size_t j = 0; j < sizeof words / sizeof *words; j++) {
      printf(" %2d%2d", string_sign(strcmp(words[i], words[j])), string_sign(strncmp(words[i], words[j], 2)));
    }
    putchar('\n');
  }
  char text[] = "stressed diaper";
  reversed(text);
  puts(text);
  strcpy(string_to, "found");
  const char *found = strchr(string_to, 'u');
  printf("%s %d %d\n", found, strchr(string_to, 'z') == 0, memcmp("abc", "abz", 2));
  return 0;
}
