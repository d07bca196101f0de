// Sixteen float32 lanes as one value, with partial loads, a fixed order of summation, blocks transposed, and exp.
// Written with vector extensions: each clone compiles them to what its processor has.
#ifndef CK_VECTOR_H
#define CK_VECTOR_H

#include "clones.h"

#include <stdint.h>
#include <string.h>

enum { LANES = 16 };

typedef float vf __attribute__((vector_size(64), aligned(4)));
typedef int32_t vi __attribute__((vector_size(64), aligned(4)));

// Macros, not functions: a vector passed by value would change the calling convention from clone to clone.
#define VF_ZERO ((vf){0})
#define VF_LOAD(p) (*(const vf *)(p))
#define VF_STORE(p, x) (*(vf *)(p) = (x))
#define VF_SELECT(mask, yes, no) ((vf)(((mask) & (vi)(yes)) | (~(mask) & (vi)(no))))

// The first `count` < 16 lanes; the others become zero.
CK_INLINE void vf_load_part(vf *x, const float *p, int64_t count) {
  *x = VF_ZERO;
  memcpy(x, p, (size_t)count * sizeof(float));
}
CK_INLINE void vf_store_part(float *p, const vf *x, int64_t count) { memcpy(p, x, (size_t)count * sizeof(float)); }

// The sum of the lanes, added pairwise: the same order for every vector width.
CK_INLINE float vf_sum(const vf *x) {
  float s[LANES];
  memcpy(s, x, sizeof s);
  for (int width = LANES / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; i++) s[i] += s[i + width];
  }
  return s[0];
}

typedef float vf8 __attribute__((vector_size(32), aligned(4)));

// Eight columns of eight rows, transposed: pairs of rows, then quarters, then halves of the lines change places.
CK_INLINE void transpose_eight(vf8 x[8]) {
  vf8 y[8];
  for (int i = 0; i < 8; i += 2) {
    y[i] = __builtin_shufflevector(x[i], x[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    y[i + 1] = __builtin_shufflevector(x[i], x[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
  for (int i = 0; i < 8; i++) {
    const vf8 low = y[(i & 4) + (i & 1)], high = y[(i & 4) + (i & 1) + 2];
    x[i] = (i & 2) == 0 ? __builtin_shufflevector(low, high, 0, 1, 8, 9, 4, 5, 12, 13)
                        : __builtin_shufflevector(low, high, 2, 3, 10, 11, 6, 7, 14, 15);
  }
  for (int i = 0; i < 4; i++) {
    y[i] = __builtin_shufflevector(x[i], x[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    y[i + 4] = __builtin_shufflevector(x[i], x[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
  for (int i = 0; i < 8; i++) x[i] = y[i];
}

// e^x to about 1 ulp for x in [-87.3, 88]; below it goes to about 1e-38, NaN stays NaN.
// x = n ln 2 + r, e^r by its Taylor polynomial of degree 7 on |r| <= ln 2 / 2, 2^n by the exponent bits.
CK_INLINE float ck_exp(float x) {
  x = x < -87.0f ? -87.0f : x;
  x = x > 88.0f ? 88.0f : x;
  float shifted = x * 1.44269504088896341f + 12582912.0f;
  float n = shifted - 12582912.0f;
  float r = x - n * 0.693359375f + n * 2.12194440e-4f;
  float p = 1.98412698e-4f;
  p = p * r + 1.38888889e-3f;
  p = p * r + 8.33333333e-3f;
  p = p * r + 4.16666667e-2f;
  p = p * r + 1.66666667e-1f;
  p = p * r + 0.5f;
  p = p * r * r + r + 1.0f;
  int32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  bits = (int32_t)((uint32_t)bits << 23) + 0x3f800000;  // the low bits of `shifted` hold n
  float scale;
  memcpy(&scale, &bits, sizeof scale);
  return p * scale;
}

#endif
