// AdamW in one pass over the four buffers, and the norm of a gradient.

#include "ckernels.h"
#include "clones.h"

CK_CLONES
void ck_adamw_step(int64_t count, ck_adamw s, float *restrict value, const float *restrict gradient, float *restrict m,
                   float *restrict v) {
  for (int64_t i = 0; i < count; i++) {
    float g = gradient[i] * s.gradient_scale;
    float m1 = s.beta1 * m[i] + (1 - s.beta1) * g;
    float v1 = s.beta2 * v[i] + (1 - s.beta2) * g * g;
    m[i] = m1;
    v[i] = v1;
    value[i] = s.decay * value[i] - s.learning_rate * m1 / (__builtin_sqrtf(v1) * s.inverse_root_bias2 + s.epsilon);
  }
}

// Sixteen partial sums fix the order of addition, so the result does not depend on the vector width.
CK_CLONES
double ck_squared_norm(int64_t count, const float *values) {
  double partial[16] = {0};
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    for (int l = 0; l < 16; l++) partial[l] += (double)values[i + l] * (double)values[i + l];
  }
  for (int l = 0; i < count; i++, l++) partial[l] += (double)values[i] * (double)values[i];
  double sum = 0;
  for (int l = 0; l < 16; l++) sum += partial[l];
  return sum;
}
