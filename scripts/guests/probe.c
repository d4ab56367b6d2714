/*
 * Finds the hypervisor below it, in the order in which guests look: on x86 the signatures of CPUID from 0x40000000 on in
 * steps of 0x100, then VMware's port; on PowerPC the device tree. Then makes a call that there is, and one that there is
 * not.
 */
#include "runtime/hypervisor.h"

static void answer(const char *name, long good, long wrong) {
  printf("%s: call %d, wrong call %d\n", name, (int)good, (int)wrong);
}

#if defined(__x86_64__) || defined(__i386__)

static u8 page[4096] __attribute__((aligned(4096)));

static int is_amd(void) {
  u32 leaf[4];
  cpuid(0, leaf);
  return leaf[2] == 0x444d4163; /* "cAMD" */
}

static void probe_kvm(u32 base) {
  u32 leaf[4];
  cpuid(base + 1, leaf);
  printf("features 0x%x\n", leaf[0]);
  int amd = is_amd();
  answer("kvm", kvm_call(amd, 1, 0), kvm_call(amd, 0x7777, 0));
  printf("the other vendor's instruction: %d\n", (int)kvm_wrong_call(amd, 0x7777, 0));
}

static void probe_xen(u32 base) {
  u32 leaf[4];
  cpuid(base + 1, leaf);
  printf("version %u.%u\n", leaf[0] >> 16, leaf[0] & 0xffff);
  cpuid(base + 2, leaf);
  printf("%u page, MSR 0x%x\n", leaf[0], leaf[1]);
  write_msr(leaf[1], (word)page);
  printf("slot 17 %02x %02x %02x %02x %02x, %02x then %02x\n", page[544], page[545], page[546], page[547], page[548],
         page[552], page[553]);
  answer("xen", xen_call(page, 17, 0, 0), xen_call(page, 100, 0, 0));
}

static void probe_hyperv(u32 base) {
  u32 leaf[4];
  cpuid(base + 1, leaf);
  printf("interface %c%c%c%c\n", leaf[0], leaf[0] >> 8 & 0xff, leaf[0] >> 16 & 0xff, leaf[0] >> 24);
  write_msr(0x40000000, 1);
  write_msr(0x40000001, (word)page | 1);
  cpuid(base + 2, leaf);
  printf("version %u.%u, page enabled %d, processor %d\n", leaf[1] >> 16, leaf[1] & 0xffff,
         (int)(read_msr(0x40000001) & 1), (int)read_msr(0x40000002));
  printf("page %02x %02x, then %02x\n", page[0], page[1], page[3]);
  answer("hyperv", (long)hyperv_call(page, 0x10008, 0, 0), (long)hyperv_call(page, 0x1beef, 0, 0));
}

static int probe_vmware(void) {
  u32 ebx = ~VMWARE_MAGIC, none = 7, version = vmware_call(10, &ebx);
  if (version == ~0u || ebx != VMWARE_MAGIC) return 0;
  printf("version %u by the backdoor\n", version);
  answer("vmware", (long)(int)version, (long)(int)vmware_call(0xfff, &none));
  return 1;
}

int main(void) {
  static const struct {
    const char *signature;
    void (*probe)(u32 base);
  } known[] = { { "KVMKVMKVM\0\0", probe_kvm }, { "XenVMMXenVMM", probe_xen }, { "Microsoft Hv", probe_hyperv } };
  u32 leaf[4];
  cpuid(1, leaf);
  printf("hypervisor bit %u\n", leaf[2] >> 31);
  for (u32 base = 0x40000000; base <= 0x40010000; base += 0x100) {
    cpuid(base, leaf);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
      if (memcmp(known[i].signature, leaf + 1, 12) != 0) continue;
      printf("leaf 0x%x, highest 0x%x\n", base, leaf[0]);
      known[i].probe(base);
      return 0;
    }
  }
  if (!probe_vmware()) puts("no hypervisor");
  return 0;
}

#else

/* A property of the node at a path of one name, or 0. */
static const u8 *property(const char *node, const char *name, u32 *length) {
  const u8 *tree = boot_tree, *at = tree + big32(tree + 8), *texts = tree + big32(tree + 12);
  int depth = 0, here = 0;
  for (;;) {
    u32 token = big32(at);
    at += 4;
    if (token == 1) {
      depth++;
      here = depth == 2 && strcmp((const char *)at, node) == 0;
      at += (strlen((const char *)at) + 4) & ~(size_t)3;
    } else if (token == 2) {
      here = 0;
      depth--;
    } else if (token == 3) {
      u32 size = big32(at);
      if (here && strcmp((const char *)texts + big32(at + 4), name) == 0) {
        *length = size;
        return at + 8;
      }
      at += 8 + ((size + 3) & ~3u);
    } else {
      return 0;
    }
  }
}

int main(void) {
  u32 length;
  if (!boot_tree || big32(boot_tree) != 0xd00dfeed) {
    puts("no device tree");
    return 1;
  }
  const u8 *instructions = property("hypervisor", "hypercall-instructions", &length);
  if (instructions) {
    /* Up to four words, and a return. */
    static u32 text[5];
    u32 count = length / 4;
    for (u32 i = 0; i < count; i++) text[i] = big32(instructions + 4 * i);
    text[count] = 0x4e800020;
    __asm__ volatile("sync; isync" : : : "memory");
    printf("compatible %s, %u instructions\n", (const char *)property("hypervisor", "compatible", &length), count);
    answer("epapr", epapr_call(text, 42l << 16 | 3, 0), epapr_call(text, 77, 0));
  } else if (property("rtas", "ibm,hypertas-functions", &length)) {
    puts("a pseries without /hypervisor");
    /* H_LOGICAL_ICBI. */
    answer("papr", papr_call(0x4c, (long)boot_tree), papr_call(0x7770, 0));
  } else if (property("osi", "compatible", &length)) {
    answer("osi", osi_call(0, 0), osi_call(98, 0));
  } else {
    puts("no hypervisor");
  }
  return 0;
}

#endif
