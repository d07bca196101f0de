// Elementwise activations, with the bias of the layer before them. Backward replaces the upstream gradient by its
// product with the derivative, and makes the output again (needed once more for the weight gradient).
//
// GELU(x) = x Phi(x); its derivative is Phi(x) + x phi(x), phi(x) = exp(-x^2/2) / sqrt(2 pi).
//   Phi(-u) = exp(-u^2/2) t Q(t), t = 1/(1 + 0.34 u), u >= 0: Q is a fit with a relative error of 1.7e-8; the form
//   is that of Hastings (Abramowitz and Stegun 7.1.26). Phi(u) = 1 - Phi(-u). One exp serves Phi and phi.
// GELU-tanh(x) = x T, T = (1 + tanh w)/2 = 1/(1 + exp(-2w)), w = sqrt(2/pi) (x + 0.044715 x^3);
//   derivative T + 2 x T (1 - T) w'. ReLU: derivative 1 for x > 0. tanh: derivative 1 - y^2.

#include "ckernels.h"
#include "dropout.h"
#include "vector.h"

typedef struct {
  float value, slope;
} point;

CK_INLINE point gelu(float x) {
  float u = __builtin_fabsf(x), e = ck_exp(-0.5f * u * u), t = 1.0f / (1.0f + 0.34f * u);
  float q = -0.027161989361047745f;
  q = q * t + 0.14440613985061646f;
  q = q * t - 0.282926082611084f;
  q = q * t + 0.21296824514865875f;
  q = q * t - 0.051865946501493454f;
  q = q * t + 0.11826912313699722f;
  q = q * t + 0.11448879539966583f;
  q = q * t + 0.13620644807815552f;
  q = q * t + 0.135615274310112f;
  float tail = e * (t * q), cumulative = x > 0 ? 1.0f - tail : tail;
  return (point){x * cumulative, cumulative + x * e * 0.3989422804014327f};
}

CK_INLINE point gelu_tanh(float x) {
  const float a = 0.7978845608028654f, b = 0.044715f;
  float gate = 1.0f / (1.0f + ck_exp(-2.0f * a * (x + b * x * x * x)));
  return (point){x * gate, gate + 2.0f * x * gate * (1.0f - gate) * a * (1.0f + 3.0f * b * x * x)};
}

CK_INLINE point relu(float x) { return x > 0 ? (point){x, 1} : (point){x != x ? x : 0, 0}; }

// (1 - e) / (1 + e) with e = exp(-2 |x|) loses digits near 0, where the odd series serves.
CK_INLINE point tanh_point(float x) {
  float u = __builtin_fabsf(x), e = ck_exp(-2.0f * u), s = x * x;
  float far = (1.0f - e) / (1.0f + e);
  float near = u * (1.0f + s * (-0.333333333f + s * (0.133333333f + s * (-0.0539682540f + s * 0.0218694885f))));
  float y = u < 0.3f ? near : far;
  y = __builtin_copysignf(y, x);
  return (point){y, 1.0f - y * y};
}

// Four vectors at a time: one has to wait for itself in a long chain of sums.
#define FOR_EACH _Pragma("clang loop interleave_count(4)") for (int64_t i = 0; i < count; i++)

#define DEFINE_ACTIVATION(NAME, POINT)                                                                       \
  CK_CLONES static void NAME##_bias_forward(int64_t count, const float *restrict bias, float *restrict x,    \
                                            float *restrict y) {                                             \
    FOR_EACH {                                                                                               \
      float biased = x[i] + bias[i];                                                                         \
      x[i] = biased;                                                                                         \
      y[i] = POINT(biased).value;                                                                            \
    }                                                                                                        \
  }                                                                                                          \
  CK_CLONES static void NAME##_bias_in_place(int64_t count, const float *restrict bias, float *restrict x) { \
    FOR_EACH x[i] = POINT(x[i] + bias[i]).value;                                                             \
  }                                                                                                          \
  CK_CLONES static void NAME##_backward(int64_t count, const float *restrict x, float *restrict y,           \
                                        float *restrict d, float *restrict s) {                              \
    FOR_EACH {                                                                                               \
      point p = POINT(x[i]);                                                                                 \
      float g = d[i] * p.slope;                                                                              \
      y[i] = p.value;                                                                                        \
      d[i] = g;                                                                                              \
      s[i] += g;                                                                                             \
    }                                                                                                        \
  }

// y = f(x) g, so dx = dy g f'(x) and dg = dy f(x).
#define DEFINE_GATED(NAME, POINT)                                                                                 \
  CK_CLONES static void NAME##_gated_forward(int64_t count, const float *restrict bias,                           \
                                             const float *restrict gate_bias, float *restrict x,                  \
                                             float *restrict gate, float *restrict y) {                           \
    FOR_EACH {                                                                                                    \
      float biased = x[i] + bias[i], g = gate[i] + gate_bias[i];                                                  \
      x[i] = biased;                                                                                              \
      gate[i] = g;                                                                                                \
      y[i] = POINT(biased).value * g;                                                                             \
    }                                                                                                             \
  }                                                                                                               \
  CK_CLONES static void NAME##_gated_in_place(int64_t count, const float *restrict bias,                          \
                                              const float *restrict gate_bias, float *restrict x,                 \
                                              const float *restrict gate) {                                       \
    FOR_EACH x[i] = POINT(x[i] + bias[i]).value * (gate[i] + gate_bias[i]);                                       \
  }                                                                                                               \
  CK_CLONES static void NAME##_gated_backward(int64_t count, const float *restrict x, const float *restrict gate, \
                                              float *restrict y, float *restrict d, float *restrict d_gate,       \
                                              float *restrict s, float *restrict s_gate) {                        \
    FOR_EACH {                                                                                                    \
      point p = POINT(x[i]);                                                                                      \
      float up = d[i], dx = up * gate[i] * p.slope, dg = up * p.value;                                            \
      y[i] = p.value * gate[i];                                                                                   \
      d[i] = dx;                                                                                                  \
      d_gate[i] = dg;                                                                                             \
      s[i] += dx;                                                                                                 \
      s_gate[i] += dg;                                                                                            \
    }                                                                                                             \
  }

#define DEFINE(NAME, POINT)      \
  DEFINE_ACTIVATION(NAME, POINT) \
  DEFINE_GATED(NAME, POINT)

DEFINE(gelu, gelu)
DEFINE(gelu_tanh, gelu_tanh)
DEFINE(relu, relu)
DEFINE(tanh, tanh_point)

void ck_bias_activation_forward(ck_activation kind, int64_t rows, int64_t width, const float *bias, float *x,
                                int64_t x_stride, float *y, int64_t y_stride) {
  for (int64_t r = 0; r < rows; r++, x += x_stride, y += y_stride) {
    switch (kind) {
    case CK_GELU: gelu_bias_forward(width, bias, x, y); break;
    case CK_GELU_TANH: gelu_tanh_bias_forward(width, bias, x, y); break;
    case CK_RELU: relu_bias_forward(width, bias, x, y); break;
    case CK_TANH: tanh_bias_forward(width, bias, x, y); break;
    }
  }
}

void ck_bias_activation_in_place(ck_activation kind, int64_t rows, int64_t width, const float *bias, float *x,
                                 int64_t stride) {
  for (int64_t r = 0; r < rows; r++, x += stride) {
    switch (kind) {
    case CK_GELU: gelu_bias_in_place(width, bias, x); break;
    case CK_GELU_TANH: gelu_tanh_bias_in_place(width, bias, x); break;
    case CK_RELU: relu_bias_in_place(width, bias, x); break;
    case CK_TANH: tanh_bias_in_place(width, bias, x); break;
    }
  }
}

void ck_activation_backward(ck_activation kind, int64_t rows, int64_t width, const float *x, float *y, float *d,
                            float *d_bias) {
  for (int64_t r = 0; r < rows; r++) {
    const int64_t at = r * width;
    switch (kind) {
    case CK_GELU: gelu_backward(width, x + at, y + at, d + at, d_bias); break;
    case CK_GELU_TANH: gelu_tanh_backward(width, x + at, y + at, d + at, d_bias); break;
    case CK_RELU: relu_backward(width, x + at, y + at, d + at, d_bias); break;
    case CK_TANH: tanh_backward(width, x + at, y + at, d + at, d_bias); break;
    }
  }
}

CK_CLONES static void drop(const ck_gated *unit, int64_t r, float *row) {
  ck_drop_row(row, unit->first, unit->rows.width, unit->dropout, ck_row_number(&unit->rows, r));
}

void ck_gated_forward(ck_gated unit, const float *bias, const float *gate_bias, float *x, float *gate, float *y,
                      int64_t y_stride) {
  const int64_t width = unit.rows.width;
  for (int64_t r = 0; r < unit.rows.count; r++, x += unit.stride, gate += unit.stride, y += y_stride) {
    if (x == y) {
      switch (unit.kind) {
      case CK_GELU: gelu_gated_in_place(width, bias, gate_bias, x, gate); break;
      case CK_GELU_TANH: gelu_tanh_gated_in_place(width, bias, gate_bias, x, gate); break;
      case CK_RELU: relu_gated_in_place(width, bias, gate_bias, x, gate); break;
      case CK_TANH: tanh_gated_in_place(width, bias, gate_bias, x, gate); break;
      }
    } else {
      switch (unit.kind) {
      case CK_GELU: gelu_gated_forward(width, bias, gate_bias, x, gate, y); break;
      case CK_GELU_TANH: gelu_tanh_gated_forward(width, bias, gate_bias, x, gate, y); break;
      case CK_RELU: relu_gated_forward(width, bias, gate_bias, x, gate, y); break;
      case CK_TANH: tanh_gated_forward(width, bias, gate_bias, x, gate, y); break;
      }
    }
    drop(&unit, r, y);
  }
}

void ck_gated_backward(ck_gated unit, const float *x, const float *gate, float *y, float *d, float *d_gate,
                       int64_t d_stride, float *d_bias, float *d_gate_bias) {
  const int64_t width = unit.rows.width;
  for (int64_t r = 0; r < unit.rows.count; r++, x += unit.stride, gate += unit.stride, y += width) {
    drop(&unit, r, d);
    switch (unit.kind) {
    case CK_GELU: gelu_gated_backward(width, x, gate, y, d, d_gate, d_bias, d_gate_bias); break;
    case CK_GELU_TANH: gelu_tanh_gated_backward(width, x, gate, y, d, d_gate, d_bias, d_gate_bias); break;
    case CK_RELU: relu_gated_backward(width, x, gate, y, d, d_gate, d_bias, d_gate_bias); break;
    case CK_TANH: tanh_gated_backward(width, x, gate, y, d, d_gate, d_bias, d_gate_bias); break;
    }
    drop(&unit, r, y);
    d += d_stride;
    d_gate += d_stride;
  }
}
