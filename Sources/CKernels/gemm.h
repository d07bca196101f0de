// What the kernels of matrix products and the packing of their operands know of each other.
//
// Operands are packed into elements of four bytes: a float32, or two neighbouring terms of the sum in bfloat16, the
// first in the lower half, as VDPBF16PS wants them. Everything but the conversion and the innermost instruction is the
// same for both. Where the processor has no such instruction, bfloat16 means floats that are rounded while they are
// packed: the same numbers in another order of summation, at the speed of float32.
#ifndef CK_GEMM_H
#define CK_GEMM_H

#include "ckernels.h"
#include "clones.h"

#include <string.h>

enum {
  DEPTH = 384,            // elements of a stretch: terms, or pairs of terms, that are packed together
  A_STRIDE = DEPTH + 16,  // elements between packed rows of A: lines of neighbouring rows fall into different sets
  MAX_ROWS = 14,
  MAX_COLUMNS = 32,
};

// `ahead`: what later calls will read, `step` floats from one turn to the next.
typedef void (*micro_kernel)(int64_t depth, const float *a, const float *b, float alpha, int keep, float *c,
                             int64_t ldc, const float *ahead, int64_t step);

typedef struct {
  int32_t bits;                          // of a vector
  int32_t rows, columns;                 // of the tile of C in registers
  micro_kernel from_rows, from_columns;  // A packed row by row, or term by term
  // The same for pairs of bfloat16, or NULL.
  micro_kernel pairs_from_rows, pairs_from_columns;
} gemm_kernels;

// The widest that this processor has, and what a thread was held to by ck_gemm_select, or NULL.
extern gemm_kernels ck_widest;
extern _Thread_local const gemm_kernels *ck_chosen;

// Those in use.
CK_INLINE const gemm_kernels *kernels(void) { return ck_chosen != NULL ? ck_chosen : &ck_widest; }

CK_INLINE int64_t smaller(int64_t x, int64_t y) { return x < y ? x : y; }

CK_INLINE int64_t rounded_up(int64_t x, int64_t to) { return (x + to - 1) / to * to; }

// Whether operands are packed as pairs.
CK_INLINE int are_pairs(ck_precision precision) {
  return precision == CK_BF16 && kernels()->pairs_from_rows != NULL;
}

// The terms of an element.
CK_INLINE int64_t terms_each(ck_precision precision) { return are_pairs(precision) ? 2 : 1; }

// Elements that `terms` take.
CK_INLINE int64_t elements(ck_precision precision, int64_t terms) {
  return are_pairs(precision) ? (terms + 1) / 2 : terms;
}

// Rows of op(A), A_STRIDE apart; rows up to a whole tile are zero.
void ck_pack_rows(ck_precision precision, int64_t m, int64_t terms, const float *a, int64_t lda, float *packed);
// Columns of the stored A, those of a tile side by side for each element.
void ck_pack_columns(ck_precision precision, int64_t m, int64_t terms, const float *a, int64_t lda, float *packed);

#endif
