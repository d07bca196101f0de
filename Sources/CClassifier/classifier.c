// Logits, cross-entropy gradients and optimiser steps of logistic regressions. Shapes: J = members * classes weight
// rows of S floats; B batch rows. The sums of a weight row do not depend on the rows beside it, so a classifier ends
// with the same bits in whatever company it is trained.
#include "cclassifier.h"

#include <math.h>
#include <string.h>

// One clone under a thread sanitizer, as in CKernels/clones.h: what chooses one would run before it is ready.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ONE_CLONE
#endif
#endif

#if defined(__x86_64__) && defined(__linux__) && !defined(ONE_CLONE)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), min_vector_width(512)))
#define AVX2 __attribute__((target("arch=x86-64-v3")))
#define AVX512 __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#else
#define CLONES
#endif
#define INLINE static inline __attribute__((always_inline))

// Tiles whose sums stay in registers: TILE rows or vectors of columns by WIDE weight rows with AVX-512, by NARROW
// otherwise. Constants wherever they are a function's first arguments: it is inlined for each of them.
enum {
  LANES = 16,
  TILE = 3,
  WIDE = 8,
  NARROW = 2,
  AHEAD = 2 * TILE,  // rows between the one that is read and the one that is prefetched
};
typedef float vf __attribute__((vector_size(64), aligned(4)));
typedef float vf8 __attribute__((vector_size(32), aligned(4)));
#define LOAD(p) (*(const vf *)(p))
#define STORE(p, x) (*(vf *)(p) = (x))

// The sum of the lanes: halves are added until one is left.
INLINE float sum(const vf *x) {
  float s[LANES];
  memcpy(s, x, sizeof s);
  for (int width = LANES / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; i++) s[i] += s[i + width];
  }
  return s[0];
}

// The same of eight vectors at once, added in the same order: halves of two vectors stand side by side.
INLINE void sums_of_eight(const vf *x, float *out) {
  vf8 h[8], q[4], p[2];
  for (int j = 0; j < 8; j++) {
    h[j] = __builtin_shufflevector(x[j], x[j], 0, 1, 2, 3, 4, 5, 6, 7) +
           __builtin_shufflevector(x[j], x[j], 8, 9, 10, 11, 12, 13, 14, 15);
  }
  for (int j = 0; j < 4; j++) {
    q[j] = __builtin_shufflevector(h[2 * j], h[2 * j + 1], 0, 1, 2, 3, 8, 9, 10, 11) +
           __builtin_shufflevector(h[2 * j], h[2 * j + 1], 4, 5, 6, 7, 12, 13, 14, 15);
  }
  for (int j = 0; j < 2; j++) {
    p[j] = __builtin_shufflevector(q[2 * j], q[2 * j + 1], 0, 1, 8, 9, 4, 5, 12, 13) +
           __builtin_shufflevector(q[2 * j], q[2 * j + 1], 2, 3, 10, 11, 6, 7, 14, 15);
  }
  vf8 all = __builtin_shufflevector(p[0], p[1], 0, 2, 8, 10, 4, 6, 12, 14) +
            __builtin_shufflevector(p[0], p[1], 1, 3, 9, 11, 5, 7, 13, 15);
  *(vf8 *)out = __builtin_shufflevector(all, all, 0, 4, 1, 5, 2, 6, 3, 7);
}

// out[r][j] = x_r . w_j for `tile` rows and `count` weight rows; meanwhile the rows `ahead` are prefetched.
INLINE void dots(int tile, int count, int64_t stride, const float *const *x, const float *const *ahead, const float *w,
                 float *out, int64_t width) {
  vf s[TILE][WIDE];
  for (int r = 0; r < tile; r++) {
    for (int j = 0; j < count; j++) s[r][j] = (vf){0};
  }
  for (int64_t i = 0; i < stride; i += LANES) {
    vf value[TILE];
    for (int r = 0; r < tile; r++) value[r] = LOAD(x[r] + i);
    for (int r = 0; r < tile; r++) __builtin_prefetch(ahead[r] + i, 0, 2);
    for (int j = 0; j < count; j++) {
      vf weight = LOAD(w + j * stride + i);
      for (int r = 0; r < tile; r++) s[r][j] += value[r] * weight;
    }
  }
  for (int r = 0; r < tile; r++) {
    if (count == 8) {
      sums_of_eight(s[r], out + r * width);
    } else {
      for (int j = 0; j < count; j++) out[r * width + j] = sum(&s[r][j]);
    }
  }
}

INLINE const float *features(cc_shape shape, cc_rows rows, int64_t r) {
  return rows.features + (int64_t)rows.index[r < rows.count ? r : rows.count - 1] * shape.stride;
}

// Logits of `tile` rows from row `r` on.
INLINE void tile_logits(int tile, int block, cc_shape shape, cc_rows rows, int64_t r, const float *w, float *out) {
  const int64_t width = shape.members * shape.classes, stride = shape.stride;
  const float *x[TILE], *ahead[TILE];
  for (int t = 0; t < tile; t++) {
    x[t] = features(shape, rows, r + t);
    ahead[t] = features(shape, rows, r + AHEAD + t);
  }
  int64_t j = 0;
  out += r * width;
  for (; j + block <= width; j += block) dots(tile, block, stride, x, ahead, w + j * stride, out + j, width);
  if (block > 4) {
    for (; j + 4 <= width; j += 4) dots(tile, 4, stride, x, ahead, w + j * stride, out + j, width);
  }
  for (; j + 2 <= width; j += 2) dots(tile, 2, stride, x, ahead, w + j * stride, out + j, width);
  if (j < width) dots(tile, 1, stride, x, ahead, w + j * stride, out + j, width);
}

INLINE void logits(int block, cc_shape shape, cc_rows rows, const float *w, float *out) {
  int64_t r = 0;
  for (; r + TILE <= rows.count; r += TILE) tile_logits(TILE, block, shape, rows, r, w, out);
  for (; r < rows.count; r++) tile_logits(1, block, shape, rows, r, w, out);
}

// g_j = sum over the rows of d[row][j] x_row, for `count` weight rows and `tile` vectors of columns from `i` on.
INLINE void outer(int tile, int count, cc_shape shape, cc_rows rows, int64_t i, const float *d, float *g) {
  const int64_t width = shape.members * shape.classes;
  vf s[WIDE][TILE];
  for (int j = 0; j < count; j++) {
    for (int t = 0; t < tile; t++) s[j][t] = (vf){0};
  }
  for (int64_t r = 0; r < rows.count; r++) {
    const float *x = features(shape, rows, r) + i;
    vf value[TILE];
    for (int t = 0; t < tile; t++) value[t] = LOAD(x + t * LANES);
    for (int j = 0; j < count; j++) {
      for (int t = 0; t < tile; t++) s[j][t] += value[t] * d[r * width + j];
    }
  }
  for (int j = 0; j < count; j++) {
    for (int t = 0; t < tile; t++) STORE(g + j * shape.stride + i + t * LANES, s[j][t]);
  }
}

// The same for all weight rows.
INLINE void tile_outer(int tile, int block, cc_shape shape, cc_rows rows, int64_t i, const float *d, float *g) {
  const int64_t width = shape.members * shape.classes, stride = shape.stride;
  int64_t j = 0;
  for (; j + block <= width; j += block) outer(tile, block, shape, rows, i, d + j, g + j * stride);
  if (block > 4) {
    for (; j + 4 <= width; j += 4) outer(tile, 4, shape, rows, i, d + j, g + j * stride);
  }
  for (; j + 2 <= width; j += 2) outer(tile, 2, shape, rows, i, d + j, g + j * stride);
  if (j < width) outer(tile, 1, shape, rows, i, d + j, g + j * stride);
}

// Logits of one row to (softmax - one-hot) / rows, in place.
INLINE void row_gradient(int64_t classes, int32_t label, float inverse, float *z) {
  float peak = z[0], total = 0;
  for (int64_t c = 1; c < classes; c++) peak = z[c] > peak ? z[c] : peak;
  for (int64_t c = 0; c < classes; c++) {
    // e^0 is 1, which the library's function says at length: of two classes it is one.
    float below = z[c] - peak;
    total += z[c] = below == 0 ? 1.0f : expf(below);
  }
  for (int64_t c = 0; c < classes; c++) z[c] = (z[c] / total - (c == label ? 1.0f : 0.0f)) * inverse;
}

INLINE void gradient(int block, cc_shape shape, cc_rows rows, const float *w, float *g, float *scratch) {
  const int64_t width = shape.members * shape.classes;
  logits(block, shape, rows, w, scratch);
  const float inverse = 1.0f / (float)rows.count;
  for (int64_t r = 0; r < rows.count; r++) {
    const int32_t label = rows.labels[rows.index[r]];
    for (int64_t k = 0; k < shape.members; k++) {
      row_gradient(shape.classes, label, inverse, scratch + r * width + k * shape.classes);
    }
  }
  int64_t i = 0;
  for (; i + TILE * LANES <= shape.stride; i += TILE * LANES) tile_outer(TILE, block, shape, rows, i, scratch, g);
  for (; i < shape.stride; i += LANES) tile_outer(1, block, shape, rows, i, scratch, g);
}

INLINE int32_t best(int64_t classes, const float *z) {
  int32_t found = 0;
  for (int32_t c = 1; c < classes; c++) found = z[c] > z[found] ? c : found;
  return found;
}

// What needs other tiles on another processor.
typedef struct {
  void (*gradient)(cc_shape shape, cc_rows rows, const float *w, float *g, float *scratch);
  void (*logits)(cc_shape shape, cc_rows rows, const float *w, float *out);
} kernels;

#define KERNELS(NAME, TARGET, BLOCK)                                                                           \
  TARGET static void NAME##_gradient(cc_shape shape, cc_rows rows, const float *w, float *g, float *scratch) { \
    gradient(BLOCK, shape, rows, w, g, scratch);                                                               \
  }                                                                                                            \
  TARGET static void NAME##_logits(cc_shape shape, cc_rows rows, const float *w, float *out) {                 \
    logits(BLOCK, shape, rows, w, out);                                                                        \
  }

KERNELS(plain, , NARROW)
#ifdef AVX512
KERNELS(avx2, AVX2, NARROW)
KERNELS(avx512, AVX512, WIDE)
#endif

static kernels widest(void) {
#ifdef AVX512
  if (__builtin_cpu_supports("x86-64-v4")) return (kernels){avx512_gradient, avx512_logits};
  if (__builtin_cpu_supports("x86-64-v3")) return (kernels){avx2_gradient, avx2_logits};
#endif
  return (kernels){plain_gradient, plain_logits};
}

void cc_gradient(cc_shape shape, cc_rows rows, const float *weights, float *gradient, float *scratch) {
  widest().gradient(shape, rows, weights, gradient, scratch);
}

void cc_count_right(cc_shape shape, cc_rows rows, const float *weights, int64_t *right, float *scratch) {
  int64_t width = shape.members * shape.classes;
  widest().logits(shape, rows, weights, scratch);
  for (int64_t r = 0; r < rows.count; r++) {
    for (int64_t k = 0; k < shape.members; k++) {
      right[k] += best(shape.classes, scratch + r * width + k * shape.classes) == rows.labels[rows.index[r]];
    }
  }
}

void cc_predict(cc_shape shape, cc_rows rows, const float *weights, int32_t *predicted, float *scratch) {
  shape.members = 1;
  widest().logits(shape, rows, weights, scratch);
  for (int64_t r = 0; r < rows.count; r++) predicted[r] = best(shape.classes, scratch + r * shape.classes);
}

CLONES void cc_adam_step(int64_t count, cc_adam s, float *w, const float *gradient, float *m, float *v) {
  for (int64_t i = 0; i < count; i++) {
    float g = gradient[i] + s.penalty * w[i];
    m[i] = s.beta1 * m[i] + (1 - s.beta1) * g;
    v[i] = s.beta2 * v[i] + (1 - s.beta2) * g * g;
    w[i] -= s.rate * m[i] / (sqrtf(v[i]) * s.inverse_root_bias2 + s.epsilon);
  }
}

CLONES void cc_rmsprop_step(int64_t count, cc_rmsprop s, float *w, const float *gradient, float *v) {
  for (int64_t i = 0; i < count; i++) {
    float g = gradient[i] + s.penalty * w[i];
    v[i] = s.alpha * v[i] + (1 - s.alpha) * g * g;
    w[i] -= s.rate * g / (sqrtf(v[i]) + s.epsilon);
  }
}
