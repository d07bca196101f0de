// Embeddings as bytes: products of a few queries with many rows, which rows they leave in question, and how far two are
// from each other.
// Letters: R rows, H width.

#include "ckernels.h"
#include "clones.h"

#include <string.h>

// Products of 16-bit numbers, added in pairs to 32 bits: there is one instruction for it, which loops of any other form
// miss.
CK_WIDE_CLONES
void ck_code_dots(int64_t rows, int64_t width, const int8_t *codes, const int16_t *restrict query,
                  int32_t *restrict dots) {
  for (int64_t r = 0; r < rows; r++) {
    const int8_t *restrict row = codes + r * width;
    int32_t sum = 0;
#pragma clang loop vectorize_width(32) interleave_count(2)
    for (int64_t i = 0; i < width; i++) sum += (int32_t)row[i] * query[i];
    dots[r] = sum;
  }
}

enum { BLOCK = 64 };

CK_CLONES
int64_t ck_code_select(int64_t rows, const int32_t *dots, const float *scales, const float *errors, ck_code_bounds by,
                       float limit, int32_t *chosen) {
  int64_t count = 0;
  for (int64_t start = 0; start < rows; start += BLOCK) {
    const int64_t n = rows - start < BLOCK ? rows - start : BLOCK;
    float upper[BLOCK];
    int32_t any = 0;
    for (int64_t i = 0; i < n; i++) {
      const int64_t r = start + i;
      upper[i] = by.factor * scales[r] * (float)dots[r] + (by.slack + by.length * errors[r]);
      any |= upper[i] >= limit;
    }
    if (!any) continue;
    for (int64_t i = 0; i < n; i++) {
      if (upper[i] >= limit) chosen[count++] = (int32_t)(start + i);
    }
  }
  return count;
}

int32_t ck_code_product(int64_t width, const int8_t *a, const int8_t *b);

CK_WIDE_CLONES
int32_t ck_code_product(int64_t width, const int8_t *a, const int8_t *b) {
  int32_t sum = 0;
#pragma clang loop vectorize_width(32) interleave_count(2)
  for (int64_t i = 0; i < width; i++) sum += (int32_t)a[i] * b[i];
  return sum;
}

// The sum is one of integers, and nothing is added to the products of floats, so every clone gives the same bits. This
// function has no clones itself: it is passed on as a pointer, and in a library that of a function with clones is NULL.
float ck_code_distance(const void *a, const void *b, const void *width) {
  float step, other;
  memcpy(&step, a, sizeof step);
  memcpy(&other, b, sizeof other);
  const int32_t sum = ck_code_product(*(const int64_t *)width, (const int8_t *)a + sizeof step,
                                      (const int8_t *)b + sizeof other);
  return -(step * other) * (float)sum;
}
