/*
 * What the guests here may call. The names are the C library's, so that the same source, compiled for the machine
 * at hand with its C library, prints what the guest is to print.
 *
 * `long` and pointers differ in width from guest to guest: what is printed has a type of this file.
 */
#ifndef GUEST_H
#define GUEST_H

typedef __SIZE_TYPE__ size_t;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;

/* %d %i %u %x %X %o %c %s %%, with l or ll, flags "-", "0", "+" and " ", a width, a precision, "*" for them. */
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int putchar(int character);
int puts(const char *text);
/* The next byte of the console's input, or -1 after the last one. */
int getchar(void);
void exit(int status) __attribute__((noreturn));

void *memcpy(void *to, const void *from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int byte, size_t count);
int memcmp(const void *a, const void *b, size_t count);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t count);
char *strcpy(char *to, const char *from);
char *strchr(const char *text, int character);

#endif
