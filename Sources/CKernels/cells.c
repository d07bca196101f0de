// Cells of a similarity matrix. Every pass reads memory once and writes it once: at large batches that is what they
// cost. Whole vectors where a matrix is changed in place, so that the compiler needs no proof that rows are apart.

#include "ckernels.h"
#include "vector.h"

#include <math.h>

CK_CLONES
int32_t ck_cells_review(int64_t count, const float *gain, const float *bias, uint8_t *edited) {
  int32_t bad = 0;
  for (int64_t start = 0; start < count; start += CK_STRETCH) {
    const int64_t end = start + CK_STRETCH < count ? start + CK_STRETCH : count;
    int32_t any = 0;
    for (int64_t i = start; i < end; i++) {
      any |= (gain[i] != 1.0f) | (bias[i] != 0.0f);
      // A number less itself is 0, unless it is NaN or infinite.
      bad |= (gain[i] - gain[i] != 0.0f) | !(bias[i] < INFINITY);
    }
    edited[start / CK_STRETCH] = (uint8_t)(any != 0);
  }
  return bad != 0;
}

CK_CLONES
void ck_cells_logits(int64_t count, float factor, const float *restrict sim, const float *restrict gain,
                     const float *restrict bias, float *restrict logits) {
  if (gain == NULL) {
    for (int64_t i = 0; i < count; i++) logits[i] = sim[i] * factor;
  } else {
    for (int64_t i = 0; i < count; i++) logits[i] = gain[i] * sim[i] * factor + bias[i];
  }
}

CK_CLONES
void ck_cells_add(int64_t count, const float *restrict cells, const float *restrict gain, const float *restrict bias,
                  ck_cells_total *restrict total) {
  // Sixteen sums, added in one order, whatever the vector width.
  double sums[LANES] = {0};
  int64_t compared = 0;
  for (int64_t start = 0; start < count; start += LANES) {
    const int64_t part = count - start < LANES ? count - start : LANES;
    for (int64_t k = 0; k < part; k++) {
      const int64_t i = start + k;
      const int takes = gain == NULL || (gain[i] != 0.0f && bias[i] != -INFINITY);
      sums[k] += takes ? (double)cells[i] : 0.0;
      compared += takes;
    }
  }
  double sum = 0;
  for (int k = 0; k < LANES; k++) sum += sums[k];
  total->sum += sum;
  total->count += compared;
}

CK_CLONES
int32_t ck_cells_look(int64_t count, const float *dlogits, const float *dsim) {
  int32_t logits = 0, sim = 0, used = 0;
  for (int64_t i = 0; i < count; i++) {
    logits |= dlogits[i] - dlogits[i] != 0.0f;
    sim |= dsim[i] - dsim[i] != 0.0f;
    used |= dsim[i] != 0.0f;
  }
  return (logits ? CK_LOGITS_NOT_FINITE : 0) | (sim ? CK_SIM_NOT_FINITE : 0) | (used ? CK_SIM_IN_USE : 0);
}

CK_INLINE void take_vector(vf *gradient, ck_cells_take take, const vf *dlogits, const vf *dsim, const vf *gain,
                           const vf *bias) {
  vf value = *dlogits * take.factor;
  if (gain != NULL) value *= *gain;
  if (dsim != NULL) value += *dsim * take.weight;
  // An excluded cell takes part in nothing, whatever a loss writes there.
  if (bias != NULL) value = VF_SELECT(*bias == -INFINITY, VF_ZERO, value);
  *gradient = take.adds ? *gradient + value : value;
}

CK_WIDE_CLONES
void ck_cells_gradient(int64_t count, ck_cells_take take, const float *dlogits, const float *dsim, const float *gain,
                       const float *bias, float *gradient) {
  int64_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    vf target = VF_LOAD(gradient + i);
    const vf d = VF_LOAD(dlogits + i);
    vf s = VF_ZERO, g = VF_ZERO, b = VF_ZERO;
    if (dsim != NULL) s = VF_LOAD(dsim + i);
    if (gain != NULL) g = VF_LOAD(gain + i), b = VF_LOAD(bias + i);
    take_vector(&target, take, &d, dsim != NULL ? &s : NULL, gain != NULL ? &g : NULL, gain != NULL ? &b : NULL);
    VF_STORE(gradient + i, target);
  }
  const int64_t rest = count - i;
  if (rest == 0) return;
  vf target, d, s = VF_ZERO, g = VF_ZERO, b = VF_ZERO;
  vf_load_part(&target, gradient + i, rest);
  vf_load_part(&d, dlogits + i, rest);
  if (dsim != NULL) vf_load_part(&s, dsim + i, rest);
  if (gain != NULL) {
    vf_load_part(&g, gain + i, rest);
    vf_load_part(&b, bias + i, rest);
  }
  take_vector(&target, take, &d, dsim != NULL ? &s : NULL, gain != NULL ? &g : NULL, gain != NULL ? &b : NULL);
  vf_store_part(gradient + i, &target, rest);
}

CK_CLONES
double ck_cells_slope(int64_t count, float factor, const float *dlogits, const float *sim, const float *gain,
                      const float *bias) {
  double sums[LANES] = {0};
  for (int64_t start = 0; start < count; start += LANES) {
    const int64_t part = count - start < LANES ? count - start : LANES;
    for (int64_t k = 0; k < part; k++) {
      const int64_t i = start + k;
      const int takes = bias == NULL || bias[i] != -INFINITY;
      const float scaled = factor * dlogits[i] * (gain == NULL ? 1.0f : gain[i]);
      sums[k] += takes ? (double)scaled * (double)sim[i] : 0.0;
    }
  }
  double sum = 0;
  for (int k = 0; k < LANES; k++) sum += sums[k];
  return sum;
}
