/* A small printf: whole numbers, characters and strings. */
#include "guest.h"

typedef __builtin_va_list va_list;

struct spec {
  int left, zero, width, precision; /* precision -1: none given */
  char sign;                        /* what a number that is not negative begins with, or 0 */
};

static int pad(int count, char with) {
  int written = 0;
  while (count-- > 0) written++, putchar(with);
  return written;
}

static int put_text(const struct spec *spec, const char *text, int length) {
  int written = spec->left ? 0 : pad(spec->width - length, ' ');
  for (int i = 0; i < length; i++) putchar(text[i]);
  written += length;
  return written + (spec->left ? pad(spec->width - written, ' ') : 0);
}

static int put_number(const struct spec *spec, u64 value, unsigned base, char sign, const char *digits) {
  char text[24];
  int length = 0, written = 0;
  while (value != 0) {
    text[length++] = digits[value % base];
    value /= base;
  }
  int zeros = (spec->precision < 0 ? 1 : spec->precision) - length;
  if (spec->precision < 0 && spec->zero && !spec->left) {
    int room = spec->width - length - (sign != 0);
    if (room > zeros) zeros = room;
  }
  if (zeros < 0) zeros = 0;
  int whole = length + zeros + (sign != 0);
  if (!spec->left) written += pad(spec->width - whole, ' ');
  if (sign) written++, putchar(sign);
  written += pad(zeros, '0');
  for (int i = length; i-- > 0;) written++, putchar(text[i]);
  if (spec->left) written += pad(spec->width - whole, ' ');
  return written;
}

static int put_signed(const struct spec *spec, s64 value) {
  u64 magnitude = value < 0 ? -(u64)value : (u64)value;
  return put_number(spec, magnitude, 10, value < 0 ? '-' : spec->sign, "0123456789");
}

int printf(const char *format, ...) {
  va_list list;
  int written = 0;
  __builtin_va_start(list, format);
  for (; *format; format++) {
    if (*format != '%') {
      written++, putchar(*format);
      continue;
    }
    struct spec spec = { 0, 0, 0, -1, 0 };
    for (int more = 1; more;) {
      switch (*++format) {
        case '-': spec.left = 1; break;
        case '0': spec.zero = 1; break;
        case '+': spec.sign = '+'; break;
        case ' ': if (!spec.sign) spec.sign = ' '; break;
        default: more = 0;
      }
    }
    if (*format == '*') {
      spec.width = __builtin_va_arg(list, int), format++;
      if (spec.width < 0) spec.left = 1, spec.width = -spec.width;
    }
    while (*format >= '0' && *format <= '9') spec.width = spec.width * 10 + (*format++ - '0');
    if (*format == '.') {
      spec.precision = 0, format++;
      if (*format == '*') spec.precision = __builtin_va_arg(list, int), format++;
      while (*format >= '0' && *format <= '9') spec.precision = spec.precision * 10 + (*format++ - '0');
    }
    int longs = 0;
    while (*format == 'l') longs++, format++;
    switch (*format) {
      case 'd':
      case 'i':
        if (longs == 2) written += put_signed(&spec, __builtin_va_arg(list, s64));
        else written += put_signed(&spec, longs ? __builtin_va_arg(list, long) : __builtin_va_arg(list, int));
        break;
      case 'u':
      case 'x':
      case 'X':
      case 'o': {
        u64 value = longs == 2 ? __builtin_va_arg(list, u64)
          : longs ? __builtin_va_arg(list, unsigned long)
                  : __builtin_va_arg(list, unsigned);
        unsigned base = *format == 'u' ? 10 : *format == 'o' ? 8 : 16;
        const char *digits = *format == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
        written += put_number(&spec, value, base, 0, digits);
        break;
      }
      case 'c': {
        char one = (char)__builtin_va_arg(list, int);
        written += put_text(&spec, &one, 1);
        break;
      }
      case 's': {
        const char *text = __builtin_va_arg(list, const char *);
        int length = 0;
        while (text[length] && length != spec.precision) length++;
        written += put_text(&spec, text, length);
        break;
      }
      case '%':
        written++, putchar('%');
        break;
      default: /* not one of ours: shown, not guessed */
        written += 2, putchar('%'), putchar(*format);
    }
  }
  __builtin_va_end(list);
  return written;
}
