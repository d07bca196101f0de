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
#else
#define CLONES
#endif
#define INLINE static inline __attribute__((always_inline))

enum {
  LANES = 16,
  BLOCK = 8,
};
typedef float vf __attribute__((vector_size(64), aligned(4)));
#define LOAD(p) (*(const vf *)(p))
#define STORE(p, x) (*(vf *)(p) = (x))

INLINE float sum(const vf *x) {
  float s[LANES];
  memcpy(s, x, sizeof s);
  for (int width = LANES / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; i++) s[i] += s[i + width];
  }
  return s[0];
}

// out[j] = x . w_j for `count` <= BLOCK weight rows; `count` is a constant where this is inlined.
INLINE void dots(int count, int64_t stride, const float *x, const float *w, float *out) {
  vf s[BLOCK] = {{0}};
  for (int64_t i = 0; i < stride; i += LANES) {
    vf value = LOAD(x + i);
    for (int j = 0; j < count; j++) s[j] += value * LOAD(w + j * stride + i);
  }
  for (int j = 0; j < count; j++) out[j] = sum(&s[j]);
}

// g_j = sum over the rows of d[row][j] x_row, for `count` <= BLOCK weight rows.
INLINE void outer(int count, int64_t stride, int64_t width, cc_rows rows, const float *d, float *g) {
  for (int64_t i = 0; i < stride; i += LANES) {
    vf s[BLOCK] = {{0}};
    for (int64_t r = 0; r < rows.count; r++) {
      vf value = LOAD(rows.features + (int64_t)rows.index[r] * stride + i);
      for (int j = 0; j < count; j++) s[j] += value * d[r * width + j];
    }
    for (int j = 0; j < count; j++) STORE(g + j * stride + i, s[j]);
  }
}

INLINE void logits(cc_shape shape, cc_rows rows, const float *w, float *out) {
  int64_t width = shape.members * shape.classes;
  for (int64_t r = 0; r < rows.count; r++) {
    const float *x = rows.features + (int64_t)rows.index[r] * shape.stride;
    int64_t j = 0;
    for (; j + BLOCK <= width; j += BLOCK) dots(BLOCK, shape.stride, x, w + j * shape.stride, out + r * width + j);
    for (; j + 2 <= width; j += 2) dots(2, shape.stride, x, w + j * shape.stride, out + r * width + j);
    if (j < width) dots(1, shape.stride, x, w + j * shape.stride, out + r * width + j);
  }
}

// Logits of one row to (softmax - one-hot) / rows, in place.
INLINE void row_gradient(int64_t classes, int32_t label, float inverse, float *z) {
  float peak = z[0], total = 0;
  for (int64_t c = 1; c < classes; c++) peak = z[c] > peak ? z[c] : peak;
  for (int64_t c = 0; c < classes; c++) total += z[c] = expf(z[c] - peak);
  for (int64_t c = 0; c < classes; c++) z[c] = (z[c] / total - (c == label ? 1.0f : 0.0f)) * inverse;
}

CLONES void cc_gradient(cc_shape shape, cc_rows rows, const float *weights, float *gradient, float *scratch) {
  int64_t width = shape.members * shape.classes, stride = shape.stride;
  logits(shape, rows, weights, scratch);
  float inverse = 1.0f / (float)rows.count;
  for (int64_t r = 0; r < rows.count; r++) {
    int32_t label = rows.labels[rows.index[r]];
    for (int64_t k = 0; k < shape.members; k++) {
      row_gradient(shape.classes, label, inverse, scratch + r * width + k * shape.classes);
    }
  }
  int64_t j = 0;
  for (; j + BLOCK <= width; j += BLOCK) outer(BLOCK, stride, width, rows, scratch + j, gradient + j * stride);
  for (; j + 2 <= width; j += 2) outer(2, stride, width, rows, scratch + j, gradient + j * stride);
  if (j < width) outer(1, stride, width, rows, scratch + j, gradient + j * stride);
}

INLINE int32_t best(int64_t classes, const float *z) {
  int32_t found = 0;
  for (int32_t c = 1; c < classes; c++) found = z[c] > z[found] ? c : found;
  return found;
}

CLONES void cc_count_right(cc_shape shape, cc_rows rows, const float *weights, int64_t *right, float *scratch) {
  int64_t width = shape.members * shape.classes;
  logits(shape, rows, weights, scratch);
  for (int64_t r = 0; r < rows.count; r++) {
    for (int64_t k = 0; k < shape.members; k++) {
      right[k] += best(shape.classes, scratch + r * width + k * shape.classes) == rows.labels[rows.index[r]];
    }
  }
}

CLONES void cc_predict(cc_shape shape, cc_rows rows, const float *weights, int32_t *predicted, float *scratch) {
  shape.members = 1;
  logits(shape, rows, weights, scratch);
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
