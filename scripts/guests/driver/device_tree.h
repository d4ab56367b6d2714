/* The device tree that a PowerPC guest is started with. */
#ifndef DRIVER_DEVICE_TREE_H
#define DRIVER_DEVICE_TREE_H

#include "../runtime/hypervisor.h"

/* A property of the root's child `node`, or 0. */
static inline const u8 *tree_property(const char *node, const char *name, u32 *length) {
  if (!boot_tree || big32(boot_tree) != 0xd00dfeed) return 0;
  const u8 *at = boot_tree + big32(boot_tree + 8), *texts = boot_tree + big32(boot_tree + 12);
  int depth = 0, here = 0;
  for (;;) {
    u32 token = big32(at);
    at += 4;
    if (token == 1) {
      here = ++depth == 2 && strcmp((const char *)at, node) == 0;
      at += (strlen((const char *)at) + 4) & ~(size_t)3;
    } else if (token == 2) {
      here = 0;
      depth--;
    } else if (token == 3) {
      *length = big32(at);
      if (here && strcmp((const char *)texts + big32(at + 4), name) == 0) return at + 8;
      at += 8 + ((*length + 3) & ~3u);
    } else {
      return 0;
    }
  }
}

#endif
