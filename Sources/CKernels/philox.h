// The ten rounds of Philox4x32, inlined into loops so that the compiler runs one block per vector lane.
#ifndef CK_PHILOX_H
#define CK_PHILOX_H

#include "clones.h"

#include <stdint.h>

CK_INLINE void ck_philox(uint32_t *c0, uint32_t *c1, uint32_t *c2, uint32_t *c3, uint32_t k0, uint32_t k1) {
  uint32_t a = *c0, b = *c1, c = *c2, d = *c3;
#pragma clang loop unroll(full)
  for (int round = 0; round < 10; round++) {
    uint64_t p = (uint64_t)a * 0xD2511F53u, q = (uint64_t)c * 0xCD9E8D57u;
    uint32_t next_a = (uint32_t)(q >> 32) ^ b ^ k0, next_c = (uint32_t)(p >> 32) ^ d ^ k1;
    b = (uint32_t)q;
    d = (uint32_t)p;
    a = next_a;
    c = next_c;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  *c0 = a;
  *c1 = b;
  *c2 = c;
  *c3 = d;
}

#endif
