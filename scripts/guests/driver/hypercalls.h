/* The hypervisor that a guest finds below it, called by one interface whatever its ABI. */
#ifndef DRIVER_HYPERCALLS_H
#define DRIVER_HYPERCALLS_H

#include "bytes.h"

/* Linux's numbers, negative where a call failed, whatever codes the hypervisor has. */
enum { EIO = 5, E2BIG = 7, EAGAIN = 11, EFAULT = 14, ENODEV = 19, EINVAL = 22, ENOSYS = 38, EINPROGRESS = 115 };

enum { MOST_WORDS = 16 };

struct hypervisor {
  const char *name;
  /* Words of arguments and of a reply, and bytes of payload in each. */
  u32 arguments, outputs, width;
  /* `count` arguments in, and out the reply if the call has one. Answers the call's length, or a negative errno. */
  s32 (*call)(u32 number, u32 count, u64 words[MOST_WORDS], int replies);
};

/* Looks for it in the usual order, once; 0 if there is none, or none that takes calls. */
const struct hypervisor *find_hypervisor(void);

#endif
