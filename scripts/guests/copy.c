/* Copies its input to its output with the lines numbered, and ends with the number of lines. */
#include "runtime/guest.h"

int main(void) {
  int lines = 0, fresh = 1;
  for (int character; (character = getchar()) >= 0;) {
    if (fresh) printf("%3d  ", ++lines);
    putchar(character);
    fresh = character == '\n';
  }
  return lines;
}
