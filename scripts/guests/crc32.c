/* CRC-32 (IEEE 802.3), bit by bit and by table; "123456789" gives cbf43926. */
#include "runtime/guest.h"

static u32 crc_table[256];

static u32 crc_bits(u32 crc, u8 byte) {
  crc ^= byte;
  for (int i = 0; i < 8; i++) crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
  return crc;
}

static u32 crc_slow(const char *text, size_t length) {
  u32 crc = 0xffffffffu;
  for (size_t i = 0; i < length; i++) crc = crc_bits(crc, (u8)text[i]);
  return ~crc;
}

static u32 crc_fast(const char *text, size_t length) {
  u32 crc = 0xffffffffu;
  for (size_t i = 0; i < length; i++) crc = crc_table[(crc ^ (u8)text[i]) & 0xff] ^ crc >> 8;
  return ~crc;
}

int main(void) {
  static const char *const texts[] = {
    "", "a", "123456789", "The quick brown fox jumps over the lazy dog",
  };
  for (u32 i = 0; i < 256; i++) crc_table[i] = crc_bits(i, 0);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    size_t length = strlen(texts[i]);
    printf("crc32 %08x %08x \"%s\"\n", crc_slow(texts[i], length), crc_fast(texts[i], length), texts[i]);
  }
  return crc_slow("123456789", 9) != 0xcbf43926u;
}
