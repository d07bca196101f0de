// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers:
// as easy as 1, 2, 3" (SC 2011). Every block depends on its counter and key alone, so any part of a
// stream can be made anywhere, in any order, by any thread.

#include "ckernels.h"
#include "clones.h"
#include "philox.h"

#include <math.h>

void ck_philox_block(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  ck_philox(&c0, &c1, &c2, &c3, key[0], key[1]);
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

CK_CLONES
void ck_philox_words(uint64_t key, uint64_t step, uint64_t first, int64_t count, uint32_t *out) {
  for (int64_t i = 0; i < count; i++) {
    uint64_t block = first + (uint64_t)i;
    uint32_t c0 = (uint32_t)block, c1 = (uint32_t)(block >> 32);
    uint32_t c2 = (uint32_t)step, c3 = (uint32_t)(step >> 32);
    ck_philox(&c0, &c1, &c2, &c3, (uint32_t)key, (uint32_t)(key >> 32));
    out[4 * i] = c0;
    out[4 * i + 1] = c1;
    out[4 * i + 2] = c2;
    out[4 * i + 3] = c3;
  }
}

CK_CLONES
void ck_words_to_uniform(const uint32_t *words, int64_t count, float *out) {
  for (int64_t i = 0; i < count; i++) out[i] = (float)(words[i] >> 8) * 0x1p-24f;
}

void ck_words_to_normal(const uint32_t *words, int64_t start, int64_t count, float *out) {
  for (int64_t i = start; i < start + count; i++) {
    float u = (float)(words[i & ~(int64_t)1] >> 8) * 0x1p-24f + 0x1p-25f;  // never 0
    float angle = (float)(words[i | 1] >> 8) * (0x1p-24f * 6.2831853071795864769f);
    out[i - start] = sqrtf(-2 * logf(u)) * ((i & 1) == 0 ? cosf(angle) : sinf(angle));
  }
}
