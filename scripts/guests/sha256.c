/* SHA-256 (FIPS 180-4) of its examples and of a longer message, against the known digests. */
#include "runtime/guest.h"

static const u32 sha_k[64] = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

struct sha {
  u32 state[8];
  u64 bytes;
  u8 block[64];
};

static u32 sha_rotate(u32 value, int by) { return value >> by | value << (32 - by); }

static void sha_block(struct sha *sha) {
  u32 w[64], s[8];
  for (int i = 0; i < 16; i++) {
    const u8 *p = &sha->block[4 * i];
    w[i] = (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
  }
  for (int i = 16; i < 64; i++) {
    u32 a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (sha_rotate(a, 7) ^ sha_rotate(a, 18) ^ a >> 3) + w[i - 7] +
      (sha_rotate(b, 17) ^ sha_rotate(b, 19) ^ b >> 10);
  }
  memcpy(s, sha->state, sizeof s);
  for (int i = 0; i < 64; i++) {
    u32 one = s[7] + (sha_rotate(s[4], 6) ^ sha_rotate(s[4], 11) ^ sha_rotate(s[4], 25)) +
      ((s[4] & s[5]) ^ (~s[4] & s[6])) + sha_k[i] + w[i];
    u32 two = (sha_rotate(s[0], 2) ^ sha_rotate(s[0], 13) ^ sha_rotate(s[0], 22)) +
      ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    memmove(&s[1], &s[0], 7 * sizeof *s);
    s[4] += one, s[0] = one + two;
  }
  for (int i = 0; i < 8; i++) sha->state[i] += s[i];
}

static void sha_add(struct sha *sha, const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    sha->block[sha->bytes++ % 64] = (u8)text[i];
    if (sha->bytes % 64 == 0) sha_block(sha);
  }
}

static int sha_check(const char *text, int times, const char *expected) {
  static const u32 start[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  };
  struct sha sha = { .bytes = 0 };
  char length[8], digest[65];
  memcpy(sha.state, start, sizeof start);
  for (int i = 0; i < times; i++) sha_add(&sha, text, strlen(text));
  for (int i = 0; i < 8; i++) length[i] = (char)(sha.bytes * 8 >> (56 - 8 * i));
  sha_add(&sha, "\x80", 1);
  while (sha.bytes % 64 != 56) sha_add(&sha, "", 1);
  sha_add(&sha, length, 8);
  for (int i = 0; i < 64; i++) digest[i] = "0123456789abcdef"[sha.state[i / 8] >> (28 - 4 * (i % 8)) & 15];
  digest[64] = 0;
  int right = strcmp(digest, expected) == 0;
  printf("sha256 %s %s\n", digest, right ? "as known" : "WRONG");
  return !right;
}

int main(void) {
  return sha_check("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") +
    sha_check("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") +
    sha_check("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1") +
    sha_check("a", 1000, "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3");
}
