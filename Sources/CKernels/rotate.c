// Rotary positions: each pair of numbers, one of either half of a row, is turned by an angle that grows with the row's
// place. A turn keeps lengths, and its transpose turns back: backward is the same with the opposite direction.
// Source: Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021, equation 34.

#include "ckernels.h"
#include "clones.h"

CK_CLONES
void ck_rotate(int64_t rows, int64_t dimension, const float *turns, float direction, float *x, int64_t stride) {
  const int64_t half = dimension / 2;
  for (int64_t r = 0; r < rows; r++) {
    const float *restrict cosines = turns + r * dimension, *restrict sines = cosines + half;
    float *restrict low = x + r * stride, *restrict high = low + half;
    for (int64_t i = 0; i < half; i++) {
      float a = low[i], b = high[i], s = direction * sines[i];
      low[i] = a * cosines[i] - b * s;
      high[i] = b * cosines[i] + a * s;
    }
  }
}
