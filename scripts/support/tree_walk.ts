/** PowerPC code that finds in the device tree how the hypervisor is called. */

/** What the guest looks for, as it has to stand in memory at `name`. */
export const PROPERTY = new TextEncoder().encode("hypercall-instructions\0");

/** Walks the flattened tree in r3 to the property named at `name` and copies its words to `stub`; goes to `end` without. */
export const copyFromTree = (name: number, stub: number): string => `
          lwz r10, 8(r3)
          add r10, r10, r3
          lwz r11, 12(r3)
          add r11, r11, r3
          li r13, ${name}
          li r14, ${stub}
  next:   lwz r5, 0(r10)
          addi r10, r10, 4
          cmpwi r5, 1
          beq node
          cmpwi r5, 3
          beq property
          cmpwi r5, 9
          beq end
          b next
  node:   lbz r6, 0(r10)
          addi r10, r10, 1
          cmpwi r6, 0
          bne node
          addi r10, r10, 3
          rlwinm r10, r10, 0, 0, 29
          b next
  property:
          lwz r6, 0(r10)
          lwz r7, 4(r10)
          addi r10, r10, 8
          add r7, r7, r11
          li r8, 0
  letter: lbzx r9, r7, r8
          lbzx r4, r13, r8
          cmpw r9, r4
          bne other
          cmpwi r9, 0
          beq found
          addi r8, r8, 1
          b letter
  other:  add r10, r10, r6
          addi r10, r10, 3
          rlwinm r10, r10, 0, 0, 29
          b next
  found:  li r8, 0
  word:   lwzx r5, r10, r8
          stwx r5, r14, r8
          dcbst r14, r8
          sync
          icbi r14, r8
          addi r8, r8, 4
          cmpw r8, r6
          blt word
          isync`;
