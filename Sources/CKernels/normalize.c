// LayerNorm with what surrounds it in a transformer: bias, dropout and residual before it, forward and backward.
// Letters: R rows (tokens), H width. Rows are split over threads by the caller; nothing here allocates.
//
// Forward, per row:  z = residual + f (y + bias), f the dropout factor (0 or 1/keep)
//                    xhat = (z - mean z) / sqrt(var z + eps),  out = gamma xhat + beta
// Backward, with g = gamma d_out and s = 1 / sqrt(var + eps): mean and var depend on every z of the row, so
//   dz_i = s (g_i - (1/H) sum_k dxhat_k/dmean part - xhat_i (1/H) sum_k g_k xhat_k)
// which collects to the coded formula
//   dz = s (g - mean(g) - xhat mean(g xhat)),
//   d_residual = dz, dy = f dz, d_bias = sum_rows dy, d_gamma = sum_rows d_out xhat, d_beta = sum_rows d_out.
// Where z itself goes on as the next residual (norms before the blocks), its gradient c is added: dz = ... + c.

#include "ckernels.h"
#include "dropout.h"
#include "vector.h"

// Adds up the row in sixteen fixed lanes.
CK_INLINE float row_sum(const float *x, int64_t n) {
  vf sum = VF_ZERO;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) sum += VF_LOAD(x + i);
  if (i < n) {
    vf rest;
    vf_load_part(&rest, x + i, n - i);
    sum += rest;
  }
  return vf_sum(&sum);
}

// The sum of (x - mean)^2.
CK_INLINE float row_spread(const float *x, int64_t n, float mean) {
  vf sum = VF_ZERO;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    vf d = VF_LOAD(x + i) - mean;
    sum += d * d;
  }
  float rest = 0;
  for (; i < n; i++) rest += (x[i] - mean) * (x[i] - mean);
  return vf_sum(&sum) + rest;
}

// out = gamma xhat + beta of the row in `out`; xhat may be NULL.
CK_INLINE void normalize_row(float *out, int64_t n, ck_norm norm, float *xhat, float *inverse) {
  float mean = row_sum(out, n) / (float)n;
  float s = 1.0f / __builtin_sqrtf(row_spread(out, n, mean) / (float)n + norm.epsilon);
  if (xhat != NULL) {
    *inverse = s;
    for (int64_t i = 0; i < n; i++) {
      float x = (out[i] - mean) * s;
      xhat[i] = x;
      out[i] = norm.gamma[i] * x + norm.beta[i];
    }
  } else {
    for (int64_t i = 0; i < n; i++) out[i] = norm.gamma[i] * ((out[i] - mean) * s) + norm.beta[i];
  }
}

CK_CLONES
void ck_residual_norm_forward(ck_rows rows, const float *bias, ck_norm norm, ck_dropout dropout, const float *residual,
                              float *out, float *xhat, float *inverse, float *sum) {
  const int64_t n = rows.width;
  for (int64_t r = 0; r < rows.count; r++) {
    float *restrict o = out + r * n;
    const float *restrict z = residual + r * n;
    for (int64_t i = 0; i < n; i++) o[i] += bias[i];
    ck_drop_row(o, 0, n, dropout, ck_row_number(&rows, r));
    for (int64_t i = 0; i < n; i++) o[i] += z[i];
    if (sum != NULL) memcpy(sum + r * n, o, (size_t)n * sizeof(float));
    normalize_row(o, n, norm, xhat == NULL ? NULL : xhat + r * n, inverse == NULL ? NULL : inverse + r);
  }
}

CK_CLONES
void ck_norm_backward(ck_rows rows, const float *gamma, ck_dropout dropout, const float *xhat, const float *inverse,
                      float *d, const float *carried, float *dy, float *d_gamma, float *d_beta, float *d_bias) {
  const int64_t n = rows.width;
  for (int64_t r = 0; r < rows.count; r++) {
    const float *restrict x = xhat + r * n;
    float *restrict g = d + r * n;
    vf sum = VF_ZERO, product = VF_ZERO;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
      vf up = VF_LOAD(g + i), xh = VF_LOAD(x + i);
      VF_STORE(d_gamma + i, VF_LOAD(d_gamma + i) + up * xh);
      VF_STORE(d_beta + i, VF_LOAD(d_beta + i) + up);
      vf scaled = up * VF_LOAD(gamma + i);
      sum += scaled;
      product += scaled * xh;
      VF_STORE(g + i, scaled);
    }
    float rest = 0, rest_product = 0;
    for (; i < n; i++) {
      d_gamma[i] += g[i] * x[i];
      d_beta[i] += g[i];
      g[i] *= gamma[i];
      rest += g[i];
      rest_product += g[i] * x[i];
    }
    float mean = (vf_sum(&sum) + rest) / (float)n, slope = (vf_sum(&product) + rest_product) / (float)n;
    for (i = 0; i < n; i++) g[i] = inverse[r] * (g[i] - mean - x[i] * slope);
    if (carried != NULL) {
      const float *restrict c = carried + r * n;
      for (i = 0; i < n; i++) g[i] += c[i];
    }
    if (d_bias == NULL) continue;
    float *restrict branch = dy + r * n;
    memcpy(branch, g, (size_t)n * sizeof(float));
    ck_drop_row(branch, 0, n, dropout, ck_row_number(&rows, r));
    for (i = 0; i < n; i++) d_bias[i] += branch[i];
  }
}

CK_CLONES
void ck_affine_rows(ck_rows rows, ck_norm norm, ck_dropout dropout, const float *xhat, float *out) {
  const int64_t n = rows.width;
  for (int64_t r = 0; r < rows.count; r++) {
    const float *restrict x = xhat + r * n;
    float *restrict o = out + r * n;
    for (int64_t i = 0; i < n; i++) o[i] = norm.gamma[i] * x[i] + norm.beta[i];
    ck_drop_row(o, 0, n, dropout, ck_row_number(&rows, r));
  }
}

CK_CLONES
void ck_dropout_rows(ck_rows rows, ck_dropout dropout, float *x) {
  if (dropout.rate.threshold == 0 && dropout.rates == NULL) return;
  for (int64_t r = 0; r < rows.count; r++) {
    ck_drop_row(x + r * rows.width, 0, rows.width, dropout, ck_row_number(&rows, r));
  }
}

CK_CLONES
void ck_embed_forward(ck_rows rows, ck_embedding table, const int32_t *tokens, const int32_t *positions, ck_norm norm,
                      ck_dropout dropout, float *out, float *xhat, float *inverse) {
  const int64_t n = rows.width;
  for (int64_t r = 0; r < rows.count; r++) {
    const float *restrict word = table.word + (int64_t)tokens[r] * n;
    float *restrict o = out + r * n;
    if (table.position != NULL) {
      const float *restrict position = table.position + (int64_t)positions[r] * n;
      for (int64_t i = 0; i < n; i++) o[i] = word[i] + table.type[i] + position[i];
    } else {
      for (int64_t i = 0; i < n; i++) o[i] = word[i] + table.type[i];
    }
    normalize_row(o, n, norm, xhat == NULL ? NULL : xhat + r * n, inverse == NULL ? NULL : inverse + r);
    ck_drop_row(o, 0, n, dropout, ck_row_number(&rows, r));
  }
}
