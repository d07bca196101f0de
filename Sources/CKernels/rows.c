// Small helpers over rows: bias, column sums, copies by index, scattered sums, softmax.
// Letters: R rows, H width, C columns of one thread's share.

#include "ckernels.h"
#include "vector.h"

CK_CLONES
void ck_add_bias(int64_t count, int64_t width, const float *bias, float *x, int64_t stride) {
  for (int64_t r = 0; r < count; r++) {
    float *restrict row = x + r * stride;
    for (int64_t i = 0; i < width; i++) row[i] += bias[i];
  }
}

CK_CLONES
void ck_add(int64_t count, const float *restrict x, float *restrict sum) {
  for (int64_t i = 0; i < count; i++) sum[i] += x[i];
}

CK_CLONES
void ck_column_sums(int64_t count, int64_t width, const float *x, int64_t stride, float *restrict sums) {
  for (int64_t r = 0; r < count; r++) {
    const float *restrict row = x + r * stride;
    for (int64_t i = 0; i < width; i++) sums[i] += row[i];
  }
}

// Every thread owns some columns and walks all rows in order, so the sums never depend on the split.
CK_CLONES
void ck_scatter_add(int64_t count, const int32_t *index, int64_t width, int64_t columns, const float *x, float *table) {
  for (int64_t r = 0; r < count; r++) {
    const float *restrict row = x + r * width;
    float *restrict target = table + (int64_t)index[r] * width;
    for (int64_t i = 0; i < columns; i++) target[i] += row[i];
  }
}

// p = e^(x - max) / sum per row, in place.
CK_CLONES
void ck_softmax_forward(int64_t count, int64_t width, float *x, int64_t stride) {
  for (int64_t r = 0; r < count; r++) {
    float *row = x + r * stride;
    float top = row[0], sum = 0;
    for (int64_t i = 1; i < width; i++) top = row[i] > top ? row[i] : top;
    for (int64_t i = 0; i < width; i++) row[i] = ck_exp(row[i] - top);
    vf lanes = VF_ZERO;
    int64_t i = 0;
    for (; i + LANES <= width; i += LANES) lanes += VF_LOAD(row + i);
    for (; i < width; i++) sum += row[i];
    float factor = 1.0f / (vf_sum(&lanes) + sum);
    for (i = 0; i < width; i++) row[i] *= factor;
  }
}
