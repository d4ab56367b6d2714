/* x86's hypervisors: KVM, Xen, Hyper-V and VMware, found by CPUID from 0x40000000 on in steps of 0x100, then by the port. */
#if defined(__x86_64__) || defined(__i386__)
#include "hypercalls.h"

static u8 page[4096] __attribute__((aligned(4096)));
static int amd;

static s32 kvm(u32 number, u32 count, u64 *words, int replies) {
  word a = number, b = words[0], c = words[1], d = words[2], s = words[3];
  (void)count, (void)replies;
  if (amd) __asm__ volatile("vmmcall" : "+a"(a), "+b"(b), "+c"(c), "+d"(d), "+S"(s) : : "memory");
  else __asm__ volatile("vmcall" : "+a"(a), "+b"(b), "+c"(c), "+d"(d), "+S"(s) : : "memory");
  words[0] = c, words[1] = d, words[2] = s;
  return (s32)a == -1000 ? -ENOSYS : (s32)a;
}

/* The number's slot of the page loads eax itself, which is free to hold the slot's address. */
static s32 xen(u32 number, u32 count, u64 *words, int replies) {
  word a = (word)(page + 32 * number);
  (void)count, (void)replies;
#ifdef __x86_64__
  register word di __asm__("rdi") = words[0];
  register word si __asm__("rsi") = words[1];
  register word dx __asm__("rdx") = words[2];
  register word r10 __asm__("r10") = words[3];
  register word r8 __asm__("r8") = words[4];
  register word r9 __asm__("r9") = words[5];
  __asm__ volatile("call *%%rax" : "+a"(a), "+r"(di), "+r"(si), "+r"(dx), "+r"(r10), "+r"(r8), "+r"(r9) : : "memory", "rcx", "r11");
  words[0] = si, words[1] = dx, words[2] = r10, words[3] = r8, words[4] = r9;
#else
  word b = words[0], c = words[1], d = words[2], s = words[3], di = words[4];
  __asm__ volatile("call *%%eax" : "+a"(a), "+b"(b), "+c"(c), "+d"(d), "+S"(s), "+D"(di) : : "memory");
  words[0] = c, words[1] = d, words[2] = s, words[3] = di;
#endif
  return (s32)a;
}

static s32 vmware(u32 number, u32 count, u64 *words, int replies) {
  u32 a = VMWARE_MAGIC, b = words[0], c = number, d = VMWARE_PORT, s = words[1], di = words[2];
  (void)count, (void)replies;
  __asm__ volatile("inl %%dx, %%eax" : "+a"(a), "+b"(b), "+c"(c), "+d"(d), "+S"(s), "+D"(di) : : "memory");
  words[0] = b, words[1] = c, words[2] = d, words[3] = s, words[4] = di;
  return a == ~0u ? -ENOSYS : (s32)a;
}

static s32 hyperv_error(u32 status) {
  switch (status) {
    case 0: return 0;
    case 2: return -ENOSYS;
    case 5: return -EINVAL;
    case 7: return -EINPROGRESS;
    case 11: return -E2BIG;
    case 18: return -ENODEV;
    case 19: return -EAGAIN;
    default: return -EIO;
  }
}

/* Two words of input and no reply go in registers (a fast call); anything else by a block in memory each way. */
static s32 hyperv(u32 number, u32 count, u64 *words, int replies) {
  static u64 input[MOST_WORDS] __attribute__((aligned(128))), output[512] __attribute__((aligned(4096)));
  if (count <= 2 && !replies) return hyperv_error((u32)hyperv_call(page, number | 1 << 16, words[0], words[1]));
  memcpy(input, words, count * sizeof *words);
  output[0] = 0;
  s32 status = hyperv_error((u32)hyperv_call(page, number, (word)input, (word)output));
  if (status) return status;
  memcpy(words, output + 1, MOST_WORDS * sizeof *words);
  return (s32)output[0];
}

static const struct hypervisor *at_leaf(u32 base, const u32 leaf[4]) {
  static const struct hypervisor is_kvm = { "kvm", 4, 3, sizeof(word), kvm };
  static const struct hypervisor is_xen = { "xen", sizeof(word) == 8 ? 6 : 5, sizeof(word) == 8 ? 5 : 4, sizeof(word), xen };
  static const struct hypervisor is_hyperv = { "hyperv", MOST_WORDS, MOST_WORDS, 8, hyperv };
  u32 next[4];
  if (memcmp(leaf + 1, "KVMKVMKVM\0\0", 12) == 0) {
    cpuid(0, next);
    amd = next[2] == 0x444d4163; /* "cAMD" */
    return &is_kvm;
  }
  if (memcmp(leaf + 1, "XenVMMXenVMM", 12) == 0) {
    cpuid(base + 2, next);
    write_msr(next[1], (word)page);
    return &is_xen;
  }
  if (memcmp(leaf + 1, "Microsoft Hv", 12) == 0) {
    write_msr(0x40000000, 0xfe54534800000001ull);
    write_msr(0x40000001, (word)page | 1);
    return &is_hyperv;
  }
  return 0;
}

const struct hypervisor *find_hypervisor(void) {
  static const struct hypervisor is_vmware = { "vmware", 3, 5, 4, vmware };
  static const struct hypervisor *found;
  static int looked;
  u32 leaf[4], ebx = ~VMWARE_MAGIC;
  if (looked++) return found;
  for (u32 base = 0x40000000; !found && base <= 0x40010000; base += 0x100) {
    cpuid(base, leaf);
    found = at_leaf(base, leaf);
  }
  if (!found && vmware_call(10, &ebx) != ~0u && ebx == VMWARE_MAGIC) found = &is_vmware;
  return found;
}
#else
typedef int not_x86;
#endif
