// Cells of a similarity matrix: logits from similarities and gradients back, with the factors (gain) and offsets (bias)
// that samplers set. One row, or a part of it, at a time. Included by ckernels.h.
#ifndef CKERNELS_CELLS_H
#define CKERNELS_CELLS_H

#include <stdint.h>

// Cells that are told apart together: as edited or not.
enum { CK_STRETCH = 64 };

// Where a factor is not 1 or an offset not 0: one byte for each stretch of cells, 1 or 0.
// Returns 0, or 1 where a factor is not finite or an offset is NaN or +infinity.
int32_t ck_cells_review(int64_t count, const float *gain, const float *bias, uint8_t *edited);

// logits = factor * gain * sim + bias; gain and bias are both there, or both NULL for 1 and 0.
void ck_cells_logits(int64_t count, float factor, const float *sim, const float *gain, const float *bias,
                     float *logits);

// A sum of cells in double precision, and how many they are.
typedef struct {
  double sum;
  int64_t count;
} ck_cells_total;
// Adds the cells that take part: whose gain is not 0 and whose bias is not -infinity.
void ck_cells_add(int64_t count, const float *cells, const float *gain, const float *bias, ck_cells_total *total);

enum { CK_LOGITS_NOT_FINITE = 1,
       CK_SIM_NOT_FINITE = 2,
       CK_SIM_IN_USE = 4 };
// What a loss left in a row: whether all is finite, and whether dsim has any number but 0.
int32_t ck_cells_look(int64_t count, const float *dlogits, const float *dsim);

typedef struct {
  float factor;  // of dlogits
  float weight;  // of dsim
  int32_t adds;  // to what gradient holds, or in its place
} ck_cells_take;
// gradient = factor * gain * dlogits + weight * dsim, 0 where bias is -infinity. gradient may be dlogits itself. dsim
// may be NULL, gain and bias as above.
void ck_cells_gradient(int64_t count, ck_cells_take take, const float *dlogits, const float *dsim, const float *gain,
                       const float *bias, float *gradient);
// The sum of factor * gain * dlogits * sim over cells whose bias is not -infinity.
double ck_cells_slope(int64_t count, float factor, const float *dlogits, const float *sim, const float *gain,
                      const float *bias);

#endif
