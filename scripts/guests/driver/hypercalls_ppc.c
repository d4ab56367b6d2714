/* PowerPC's hypervisors: ePAPR, PAPR and OSI, found in the device tree. */
#if !defined(__x86_64__) && !defined(__i386__)
#include "device_tree.h"
#include "hypercalls.h"

/* What the tree publishes, and a return. */
static u32 text[5];

/* r3 to r11 in and out; the instructions are those at `trap`. */
static void call(const u32 *trap, word r[12]) {
  register word r3 __asm__("r3") = r[3];
  register word r4 __asm__("r4") = r[4];
  register word r5 __asm__("r5") = r[5];
  register word r6 __asm__("r6") = r[6];
  register word r7 __asm__("r7") = r[7];
  register word r8 __asm__("r8") = r[8];
  register word r9 __asm__("r9") = r[9];
  register word r10 __asm__("r10") = r[10];
  register word r11 __asm__("r11") = r[11];
  register word r12 __asm__("r12") = (word)trap;
  __asm__ volatile("mtctr 12\n\tbctrl"
                   : "+r"(r3), "+r"(r4), "+r"(r5), "+r"(r6), "+r"(r7), "+r"(r8), "+r"(r9), "+r"(r10), "+r"(r11), "+r"(r12)
                   :
                   : "memory", "r0", "cr0", "ctr", "lr");
  r[3] = r3, r[4] = r4, r[5] = r5, r[6] = r6, r[7] = r7, r[8] = r8, r[9] = r9, r[10] = r10, r[11] = r11;
}

struct code {
  s8 code;
  u8 error;
};

static s32 error_of(long status, const struct code *codes, u32 count) {
  for (u32 i = 0; i < count; i++) {
    if (codes[i].code == status) return -codes[i].error;
  }
  return -EIO;
}
#define ERROR(status, codes) error_of(status, codes, sizeof codes / sizeof *codes)

/* Number in r11, arguments from r3, status in r3, length in r4. */
static s32 epapr(u32 number, u32 count, u64 *words, int replies) {
  static const struct code codes[] = { { 4, EAGAIN }, { 6, EFAULT }, { 7, ENODEV }, { 8, EINVAL }, { 11, EINPROGRESS },
                                       { 12, ENOSYS }, { 13, E2BIG } };
  word r[12];
  (void)count, (void)replies;
  for (int i = 0; i < 8; i++) r[3 + i] = words[i];
  r[11] = number;
  call(text, r);
  for (int i = 0; i < 7; i++) words[i] = r[5 + i];
  return r[3] ? ERROR((long)r[3], codes) : (s32)r[4];
}

/* Number in r3, arguments from r4, status in r3, length in r4. */
static s32 papr(u32 number, u32 count, u64 *words, int replies) {
  static const struct code codes[] = { { -2, ENOSYS }, { -4, EINVAL }, { -7, ENODEV }, { 1, EAGAIN } };
  word r[12];
  (void)count, (void)replies;
  r[3] = number;
  for (int i = 0; i < 8; i++) r[4 + i] = words[i];
  call(text, r);
  for (int i = 0; i < 7; i++) words[i] = r[5 + i];
  return r[3] ? ERROR((long)r[3], codes) : (s32)r[4];
}

/* Two magic numbers, the selector in r5, arguments from r6; the status in r3 is a length too. */
static s32 osi(u32 number, u32 count, u64 *words, int replies) {
  word r[12];
  (void)count, (void)replies;
  r[3] = 0x113724fa, r[4] = 0x77810f9b, r[5] = number;
  for (int i = 0; i < 6; i++) r[6 + i] = words[i];
  call(text, r);
  for (int i = 0; i < 7; i++) words[i] = r[4 + i];
  return (s32)r[3] == -1 ? -ENOSYS : (s32)r[3];
}

/* Puts instructions where they can be called. */
static void publish(const u8 *big_endian, u32 count) {
  for (u32 i = 0; i < count; i++) text[i] = big32(big_endian + 4 * i);
  text[count] = 0x4e800020; /* blr */
  __asm__ volatile("sync; isync" : : : "memory");
}

const struct hypervisor *find_hypervisor(void) {
  static const struct hypervisor is_epapr = { "epapr", 8, 7, sizeof(word), epapr };
  static const struct hypervisor is_papr = { "papr", 8, 7, sizeof(word), papr };
  static const struct hypervisor is_osi = { "osi", 6, 7, sizeof(word), osi };
  static const u8 sc[] = { 0x44, 0, 0, 2 }, sc1[] = { 0x44, 0, 0, 0x22 };
  u32 length;
  const u8 *instructions = tree_property("hypervisor", "hypercall-instructions", &length);
  if (instructions && length % 4 == 0 && length <= 16) {
    publish(instructions, length / 4);
    return &is_epapr;
  }
  if (tree_property("rtas", "ibm,hypertas-functions", &length)) {
    publish(sc1, 1);
    return &is_papr;
  }
  if (tree_property("osi", "compatible", &length)) {
    publish(sc, 1);
    return &is_osi;
  }
  return 0;
}
#else
typedef int not_ppc;
#endif
