/* Bare functions of every kind: no header, no table. BareFunctionTests compares them with the built plugins and with plain formulas. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

const char cse_functions[] =
    "library org.example.bare 1.2.0 ;\n"
    "# MixCSE, the anchor's side: lambda*z2_i + (1-lambda)*z2_{i+1}\n"
    "sampler mixed(z2:f32[n,d], n:i64, d:i64, lambda:f32=0.2 in [0,1] \"share of the own positive\", hard_weight:f32=0,\n"
    "              out mix:f32[n,d]) -> f32 metric(lambda) detached gain(-1)=0 bias(0)=hard_weight \"mixed negatives\" ;\n"
    "sampler live(z2:f64[n,d], n:i32, d:i32, out shifted:f64[n,d]) backward(live_backward) ;\n"
    "backward live_backward(dshifted:f64[n,d], n:i32, d:i32, out dz2:f64[n,d]) -> status ;\n"
    "sampler chaos(uniform_unused:i32=0, n:size, k:i64=2 in [1,8], d:size, cb uniform:f64, out noise:f32[n,k,d]) detached ;\n"
    "sampler own_only(n:i64, m:i64, inout bias:f32[n,m], sim:f32[n,m], above:f64=2) ;\n"
    "loss nce(logits:f32[n,m], target:i32[n], n:i64, m:i64, temperature:f64=0.05 in (0,) log, out dlogits:f32[n,m],\n"
    "         out row_loss:f64[n]) -> f64 ;\n"
    "loss nce_slow = nce_rows(logits:f64[n,m], target:i64[n], n:i64, m:i64, temperature:f64=0.05 in (0,), out row_loss:f64[n])\n"
    "  rowwise ;\n"
    "loss nce_apart = nce_value(logits:f32[n,m], target:i64[n], n:i64, m:i64, temperature:f64=0.05 in (0,)) -> f64\n"
    "  backward(nce_gradient) ;\n"
    "backward nce_gradient(logits:f32[n,m], target:i64[n], n:i64, m:i64, grad logits:f32[n,m]) ;\n"
    "loss near(u1:f64[n,d], u2:f64[n,d], n:i64, d:i64, weight w:f32[d] = 1, out du1:f64[n,d], out du2:f64[n,d],\n"
    "  out dw:f32[d]) -> f64 ;\n"
    "pooler mean(hidden:f32[t,d], offsets:i32[s+1], s:i32, d:i32, out vectors:f32[s,d]) backward(mean_backward) ;\n"
    "backward mean_backward(dvectors:f32[s,d], offsets:i32[s+1], t:i32, s:i32, d:i32, out dhidden:f32[t,d]) ;\n"
    "schedule warm(step:i64, total:i64, peak:f64=1) -> f64 ;\n"
    "metric spread(u1:f32[n,d], n:i64, d:i64) -> f64 ;\n"
    "fn weighted(x:f64[k], y:f64[k], k:i32, scale:f64=2, out sum:f64[k]) -> f64 ;\n"
    "fn greet(name:cstr=\"world\", loud:bool=false) -> i32 ;\n";

float mixed(const float *z2, int64_t n, int64_t d, float lambda, float hard_weight, float *mix) {
  (void)hard_weight;
  for (int64_t i = 0; i < n; i++)
    for (int64_t k = 0; k < d; k++) mix[i * d + k] = lambda * z2[i * d + k] + (1 - lambda) * z2[(i + 1) % n * d + k];
  return lambda;
}

void live(const double *z2, int32_t n, int32_t d, double *shifted) {
  for (int32_t i = 0; i < n; i++)
    for (int32_t k = 0; k < d; k++) shifted[i * d + k] = 0.5 * z2[i * d + k] + 0.5 * z2[(i + 1) % n * d + k];
}
int32_t live_backward(const double *dshifted, int32_t n, int32_t d, double *dz2) {
  for (int32_t i = 0; i < n; i++)
    for (int32_t k = 0; k < d; k++) dz2[i * d + k] = 0.5 * dshifted[i * d + k] + 0.5 * dshifted[(i + n - 1) % n * d + k];
  return 0;
}

void chaos(int32_t unused, size_t n, int64_t k, size_t d, double (*uniform)(void), float *noise) {
  (void)unused;
  for (size_t i = 0; i < n * (size_t)k * d; i++) noise[i] = (float)(uniform() - 0.5);
}

void own_only(int64_t n, int64_t m, float *bias, const float *sim, double above) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < m; j++)
      if (i != j && sim[i * m + j] > above) bias[i * m + j] = -INFINITY;
}

static double row(const double *x, int64_t m, int64_t target, double *softmax) {
  double top = -INFINITY, sum = 0;
  for (int64_t j = 0; j < m; j++) top = fmax(top, x[j]);
  for (int64_t j = 0; j < m; j++) sum += softmax[j] = exp(x[j] - top);
  for (int64_t j = 0; j < m; j++) softmax[j] /= sum;
  return log(sum) + top - x[target];
}

void nce_rows(const double *logits, const int64_t *target, int64_t n, int64_t m, double temperature, double *row_loss) {
  (void)temperature;
  double *softmax = malloc(sizeof(double) * (size_t)m);
  for (int64_t i = 0; i < n; i++) row_loss[i] = row(logits + i * m, m, target[i], softmax);
  free(softmax);
}

double nce(const float *logits, const int32_t *target, int64_t n, int64_t m, double temperature, float *dlogits, double *row_loss) {
  (void)temperature;
  double *wide = malloc(sizeof(double) * 2 * (size_t)m), *softmax = wide + m, total = 0;
  for (int64_t i = 0; i < n; i++) {
    for (int64_t j = 0; j < m; j++) wide[j] = logits[i * m + j];
    total += row_loss[i] = row(wide, m, target[i], softmax);
    for (int64_t j = 0; j < m; j++) dlogits[i * m + j] = (float)((softmax[j] - (j == target[i])) / (double)n);
  }
  free(wide);
  return total / (double)n;
}

double nce_value(const float *logits, const int64_t *target, int64_t n, int64_t m, double temperature) {
  (void)temperature;
  double *wide = malloc(sizeof(double) * 2 * (size_t)m), total = 0;
  for (int64_t i = 0; i < n; i++) {
    for (int64_t j = 0; j < m; j++) wide[j] = logits[i * m + j];
    total += row(wide, m, target[i], wide + m);
  }
  free(wide);
  return total / (double)n;
}
void nce_gradient(const float *logits, const int64_t *target, int64_t n, int64_t m, float *dlogits) {
  double *wide = malloc(sizeof(double) * 2 * (size_t)m);
  for (int64_t i = 0; i < n; i++) {
    for (int64_t j = 0; j < m; j++) wide[j] = logits[i * m + j];
    row(wide, m, target[i], wide + m);
    for (int64_t j = 0; j < m; j++) dlogits[i * m + j] += (float)((wide[m + j] - (j == target[i])) / (double)n);
  }
  free(wide);
}

double near(const double *u1, const double *u2, int64_t n, int64_t d, const float *w, double *du1, double *du2, float *dw) {
  double total = 0;
  memset(dw, 0, sizeof(float) * (size_t)d);
  for (int64_t i = 0; i < n; i++)
    for (int64_t k = 0; k < d; k++) {
      double gap = u1[i * d + k] - u2[i * d + k];
      total += w[k] * gap * gap;
      dw[k] += (float)(gap * gap / (double)n);
      du1[i * d + k] = 2 * w[k] * gap / (double)n;
      du2[i * d + k] = -du1[i * d + k];
    }
  return total / (double)n;
}

void mean(const float *hidden, const int32_t *offsets, int32_t s, int32_t d, float *vectors) {
  memset(vectors, 0, sizeof(float) * (size_t)s * (size_t)d);
  for (int32_t i = 0; i < s; i++)
    for (int32_t t = offsets[i]; t < offsets[i + 1]; t++)
      for (int32_t k = 0; k < d; k++) vectors[i * d + k] += hidden[t * d + k] / (float)(offsets[i + 1] - offsets[i]);
}
void mean_backward(const float *dvectors, const int32_t *offsets, int32_t t, int32_t s, int32_t d, float *dhidden) {
  (void)t;
  for (int32_t i = 0; i < s; i++)
    for (int32_t p = offsets[i]; p < offsets[i + 1]; p++)
      for (int32_t k = 0; k < d; k++) dhidden[p * d + k] = dvectors[i * d + k] / (float)(offsets[i + 1] - offsets[i]);
}

double warm(int64_t step, int64_t total, double peak) { return total ? peak * (double)step / (double)total : peak; }

double spread(const float *u1, int64_t n, int64_t d) {
  double sum = 0;
  for (int64_t i = 0; i < n * d; i++) sum += u1[i] * u1[i];
  return sum / (double)n;
}

double weighted(const double *x, const double *y, int32_t k, double scale, double *sum) {
  double total = 0;
  for (int32_t i = 0; i < k; i++) total += sum[i] = scale * (x[i] + y[i]);
  return total;
}
int32_t greet(const char *name, _Bool loud) { return (int32_t)strlen(name) * (loud ? -1 : 1); }
