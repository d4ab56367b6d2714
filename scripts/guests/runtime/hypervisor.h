/*
 * What a guest needs to find its hypervisor and to call it. One header for every ISA; which hypervisor there is shows
 * at run time.
 */
#ifndef HYPERVISOR_H
#define HYPERVISOR_H

#include "guest.h"

typedef unsigned long word;

#if defined(__x86_64__) || defined(__i386__)

static inline void cpuid(u32 leaf, u32 out[4]) {
  __asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(0));
}

static inline void write_msr(u32 msr, u64 value) {
  __asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static inline u64 read_msr(u32 msr) {
  u32 low, high;
  __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
  return (u64)high << 32 | low;
}

/* KVM: the instruction of the processor's own vendor. */
static inline long kvm_call(int amd, long number, long argument) {
  long status;
  if (amd) __asm__ volatile("vmmcall" : "=a"(status) : "a"(number), "b"(argument) : "memory");
  else __asm__ volatile("vmcall" : "=a"(status) : "a"(number), "b"(argument) : "memory");
  return status;
}

/* The other vendor's, which raises #UD: KVM may put the right one in its place. */
static inline long kvm_wrong_call(int amd, long number, long argument) {
  return kvm_call(!amd, number, argument);
}

/* Xen: a call of the number's slot in the page. Arguments may be clobbered. */
static inline long xen_call(const u8 *page, unsigned number, long first, long second) {
  const u8 *slot = page + 32 * number;
  long status;
#ifdef __x86_64__
  register long a __asm__("rdi") = first;
  register long b __asm__("rsi") = second;
  __asm__ volatile("call *%3" : "=a"(status), "+r"(a), "+r"(b) : "r"(slot) : "memory", "rcx", "rdx", "r8", "r9", "r10", "r11");
#else
  long a = first, b = second;
  __asm__ volatile("call *%3" : "=a"(status), "+b"(a), "+c"(b) : "r"(slot) : "memory", "edx");
#endif
  return status;
}

/* Hyper-V: a fast call, whose two words of input are in registers. */
static inline u64 hyperv_call(const u8 *page, u64 control, u64 first, u64 second) {
#ifdef __x86_64__
  register u64 r8 __asm__("r8") = second;
  u64 status;
  __asm__ volatile("call *%4"
                   : "=a"(status), "+c"(control), "+d"(first), "+r"(r8)
                   : "r"(page)
                   : "memory", "r9", "r10", "r11");
  return status;
#else
  u32 low = (u32)control, high = (u32)(control >> 32);
  /* Six registers of input: the page's address has to be in memory. */
  static const u8 *target;
  target = page;
  u32 b = (u32)(first >> 32), c = (u32)first, d = (u32)(second >> 32), s = (u32)second;
  __asm__ volatile("call *%6" : "+a"(low), "+d"(high), "+b"(b), "+c"(c), "+D"(d), "+S"(s) : "m"(target) : "memory");
  return (u64)high << 32 | low;
#endif
}

enum { VMWARE_PORT = 0x5658 };
#define VMWARE_MAGIC 0x564d5868u

/* VMware: a port that carries registers. */
static inline u32 vmware_call(u32 command, u32 *ebx) {
  u32 eax = VMWARE_MAGIC, ecx = command, edx = VMWARE_PORT;
  __asm__ volatile("inl %%dx, %%eax" : "+a"(eax), "+b"(*ebx), "+c"(ecx), "+d"(edx) : : "memory", "esi", "edi");
  return eax;
}

#else

/* What the guest is started with: `find` needs the tree. */
extern const u8 *boot_tree;

static inline u32 big32(const u8 *at) { return (u32)at[0] << 24 | (u32)at[1] << 16 | (u32)at[2] << 8 | at[3]; }

/* PAPR: sc 1, number in r3. */
static inline long papr_call(long number, long argument) {
  register long r3 __asm__("r3") = number;
  register long r4 __asm__("r4") = argument;
  __asm__ volatile(".long 0x44000022" : "+r"(r3), "+r"(r4) : : "memory", "r0", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "cr0", "ctr");
  return r3;
}

/* Mac-on-Linux: an ordinary system call with two magic numbers. */
static inline long osi_call(long selector, long argument) {
  register long r3 __asm__("r3") = 0x113724fa;
  register long r4 __asm__("r4") = 0x77810f9b;
  register long r5 __asm__("r5") = selector;
  register long r6 __asm__("r6") = argument;
  __asm__ volatile("sc" : "+r"(r3), "+r"(r4), "+r"(r5), "+r"(r6) : : "memory", "r0", "r7", "r8", "r9", "r10", "r11", "r12", "cr0", "ctr");
  return r3;
}

/* ePAPR: the instructions that the tree publishes, copied to where they can be called. */
static inline long epapr_call(const u32 *instructions, long number, long argument) {
  register long r3 __asm__("r3") = argument;
  register long r4 __asm__("r4") = 0;
  register long r11 __asm__("r11") = number;
  __asm__ volatile("mtctr %3\n\tbctrl"
                   : "+r"(r3), "+r"(r4), "+r"(r11)
                   : "r"(instructions)
                   : "memory", "r0", "r5", "r6", "r7", "r8", "r9", "r10", "r12", "cr0", "ctr", "lr");
  return r3;
}

#endif
#endif
