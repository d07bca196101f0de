// Dropout masks as factors (0 or 1 / keep), made where they are used and made again in backward.
// Sixteen random bits decide about an element: the rate is exact to 1/65536 and `scale` matches it.
#ifndef CK_DROPOUT_H
#define CK_DROPOUT_H

#include "ckernels.h"
#include "clones.h"
#include "vector.h"

enum { DROPOUT_GROUP = 128 };  // features that share one vector of sixteen Philox blocks

typedef uint64_t vu64 __attribute__((vector_size(64), aligned(4)));
typedef uint32_t vu32 __attribute__((vector_size(64), aligned(4)));

// High and low words of sixteen products by `m`, even and odd lanes apart.
CK_INLINE void ck_multiply(const vu32 *x, uint64_t m, vu32 *high, vu32 *low) {
  const uint64_t mask = 0xffffffffu;
  vu64 even = ((vu64)*x & mask) * m, odd = ((vu64)*x >> 32) * m;
  *high = (vu32)((even >> 32) | (odd & ~mask));
  *low = (vu32)((even & mask) | (odd << 32));
}

// Sixteen blocks of Philox4x32-10 side by side; the four words replace the four counter words.
CK_INLINE void ck_philox_lanes(vu32 c[4], uint64_t key) {
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
#pragma clang loop unroll(full)
  for (int round = 0; round < 10; round++) {
    vu32 high0, low0, high1, low1;
    ck_multiply(&c[0], 0xD2511F53u, &high0, &low0);
    ck_multiply(&c[2], 0xCD9E8D57u, &high1, &low1);
    c[0] = high1 ^ c[1] ^ k0;
    c[2] = high0 ^ c[3] ^ k1;
    c[1] = low1;
    c[3] = low0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

// Factors from half words: 0 below the threshold, `scale` elsewhere.
#define CK_KEEP(bits, d) ((vf)((vi)((bits) >= (d).rate.threshold) & (vi)(VF_ZERO + (d).rate.scale)))
#define CK_SPLAT(x) ((vu32){0} + (x))
#define CK_LANE_NUMBERS ((vu32){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})

// Factors of the features [128 group, 128 group + 128) of one row. Feature 16 w + l of the group is decided by
// half word w of block 16 group + l.
CK_INLINE void ck_row_factors(ck_dropout d, uint32_t row, uint32_t group, float factors[DROPOUT_GROUP]) {
  vu32 c[4];
  c[0] = CK_LANE_NUMBERS + group * LANES;
  c[1] = CK_SPLAT(row + d.first);
  c[2] = CK_SPLAT((uint32_t)d.step);
  c[3] = CK_SPLAT((uint32_t)(d.step >> 32));
  ck_philox_lanes(c, d.key);
  for (int w = 0; w < 4; w++) {
    VF_STORE(factors + 32 * w, CK_KEEP(c[w] & 0xffffu, d));
    VF_STORE(factors + 32 * w + 16, CK_KEEP(c[w] >> 16, d));
  }
}

// x *= f for features [first, first + n) of one row; `first` begins a group.
CK_INLINE void ck_drop_row(float *x, int64_t first, int64_t n, ck_dropout d, uint32_t row) {
  if (d.rates != NULL) d.rate = d.rates[row];
  if (d.rate.threshold == 0) return;
  float factors[DROPOUT_GROUP];
  for (int64_t start = 0; start < n; start += DROPOUT_GROUP) {
    ck_row_factors(d, row, (uint32_t)((first + start) / DROPOUT_GROUP), factors);
    int64_t count = n - start < DROPOUT_GROUP ? n - start : DROPOUT_GROUP;
    for (int64_t i = 0; i < count; i++) x[start + i] *= factors[i];
  }
}

// The number that dropout knows a row by.
CK_INLINE uint32_t ck_row_number(const ck_rows *rows, int64_t r) {
  return (uint32_t)(rows->numbers != NULL ? rows->numbers[r] : rows->first + r);
}

// Factors of the keys [8 block, 8 block + 8) for sixteen lanes, each with the row and the head that ask.
CK_INLINE void ck_attention_factors(ck_dropout d, const vu32 *rows, const vu32 *heads, uint32_t block, vf factors[8]) {
  vu32 c[4];
  c[0] = *heads << 16 | block;
  c[1] = *rows + d.first;
  c[2] = CK_SPLAT((uint32_t)d.step);
  c[3] = CK_SPLAT((uint32_t)(d.step >> 32));
  ck_philox_lanes(c, d.key);
  for (int w = 0; w < 4; w++) {
    factors[2 * w] = CK_KEEP(c[w] & 0xffffu, d);
    factors[2 * w + 1] = CK_KEEP(c[w] >> 16, d);
  }
}

#endif
