// The kernels of the transformer encoder: normalisation, activations, attention, rows. Included by ckernels.h.
// All work on the caller's share of rows, on one thread, without allocating.
#ifndef CKERNELS_ENCODER_H
#define CKERNELS_ENCODER_H

#include <stdint.h>

// A probability of dropout: `threshold` / 65536.
typedef struct {
  uint32_t threshold;  // 0: no dropout
  float scale;         // 65536 / (65536 - threshold)
} ck_rate;

// One dropout site of one step. An element is dropped where its 16 random bits are below the threshold.
typedef struct {
  uint64_t key, step;
  ck_rate rate;
  const ck_rate *rates;  // of each row by its number, or NULL: `rate` for all. Attention reads `rate` alone
  uint32_t first;        // added to the numbers of rows, where this pass computes a part of a batch
} ck_dropout;

// Rows `first` ... `first + count - 1` of a batch, each `width` wide. `numbers` (or NULL) gives the row
// numbers that dropout counts with, one per row, where they are not consecutive.
typedef struct {
  int64_t first, count, width;
  const int32_t *numbers;
} ck_rows;

typedef struct {
  const float *gamma, *beta;
  float epsilon;
} ck_norm;

// Tables of rows, and one row that is added to all; `position` may be NULL.
typedef struct {
  const float *word, *position, *type;
} ck_embedding;

// Normalisation: xhat and inverse (deviation) are kept for backward and may be NULL -----------------

// out = norm(residual + dropout(out + bias)); `sum` (or NULL) is what is normalised.
void ck_residual_norm_forward(ck_rows rows, const float *bias, ck_norm norm, ck_dropout dropout, const float *residual,
                              float *out, float *xhat, float *inverse, float *sum);
// d: gradient of out, becomes that of residual. carried: gradient of `sum`, or NULL. dy: gradient of the branch.
// d_gamma, d_beta, d_bias are added to; with d_bias NULL there is no branch, and dy may be NULL.
void ck_norm_backward(ck_rows rows, const float *gamma, ck_dropout dropout, const float *xhat, const float *inverse,
                      float *d, const float *carried, float *dy, float *d_gamma, float *d_beta, float *d_bias);
// out = dropout(gamma xhat + beta).
void ck_affine_rows(ck_rows rows, ck_norm norm, ck_dropout dropout, const float *xhat, float *out);
// x = dropout(x); its own backward.
void ck_dropout_rows(ck_rows rows, ck_dropout dropout, float *x);
// out = dropout(norm(word[token] + type[0] + position[position])).
void ck_embed_forward(ck_rows rows, ck_embedding table, const int32_t *tokens, const int32_t *positions, ck_norm norm,
                      ck_dropout dropout, float *out, float *xhat, float *inverse);

// Rows --------------------------------------------------------------------------------------------

void ck_add_bias(int64_t count, int64_t width, const float *bias, float *x, int64_t stride);
void ck_add(int64_t count, const float *x, float *sum);
// sums += the sums over rows.
void ck_column_sums(int64_t count, int64_t width, const float *x, int64_t stride, float *sums);
// table[index[r]] += x[r] for the first `columns` columns of rows `width` wide.
void ck_scatter_add(int64_t count, const int32_t *index, int64_t width, int64_t columns, const float *x, float *table);
void ck_softmax_forward(int64_t count, int64_t width, float *x, int64_t stride);

// Activations -------------------------------------------------------------------------------------

typedef enum {
  CK_GELU,
  CK_GELU_TANH,
  CK_RELU,
  CK_TANH,
} ck_activation;

// x += bias, y = f(x); x and y do not overlap.
void ck_bias_activation_forward(ck_activation kind, int64_t rows, int64_t width, const float *bias, float *x,
                                int64_t x_stride, float *y, int64_t y_stride);
// x = f(x + bias).
void ck_bias_activation_in_place(ck_activation kind, int64_t rows, int64_t width, const float *bias, float *x,
                                 int64_t stride);
// d *= f'(x), y = f(x); d_bias += column sums of the new d. x, y and d do not overlap.
void ck_activation_backward(ck_activation kind, int64_t rows, int64_t width, const float *x, float *y, float *d,
                            float *d_bias);

// Gated units: half of the rows' columns, mapped by f, times the other half. Rows of x and gate lie `stride` apart, and
// dropout counts their columns from `first` on, which begins a group of 128.
typedef struct {
  ck_activation kind;
  ck_rows rows;
  int64_t stride, first;
  ck_dropout dropout;
} ck_gated;

// x += bias, gate += gate_bias, y = dropout(f(x) gate). y lies beside x and gate, or is x.
void ck_gated_forward(ck_gated unit, const float *bias, const float *gate_bias, float *x, float *gate, float *y,
                      int64_t y_stride);
// From d, the gradient of y: d (in its place) of x and d_gate, rows d_stride apart; y [count, width] again; d_bias and
// d_gate_bias are added to.
void ck_gated_backward(ck_gated unit, const float *x, const float *gate, float *y, float *d, float *d_gate,
                       int64_t d_stride, float *d_bias, float *d_gate_bias);

// Attention ---------------------------------------------------------------------------------------

// Rotary positions: row r of x, whose halves are a and b, becomes (a c - b s, b c + a s), with the cosines c and the
// sines s of row r of `turns` [rows, dimension]; `direction` -1 turns back, which is the backward pass.
void ck_rotate(int64_t rows, int64_t dimension, const float *turns, float direction, float *x, int64_t stride);

// One head of one sequence: `keys` rows of k and v, `queries` rows of q, each `dimension` wide.
typedef struct {
  int64_t keys, queries, dimension;
  int64_t query_stride, key_stride, out_stride;
  float scale;               // 1 / sqrt(dimension)
  uint32_t first_row, head;  // what dropout counts with: number of query 0, and the head
  ck_dropout dropout;
  // Or NULL: bias[j * bias_step + i] is added to the score of key j and query i, and its gradient to the same place of
  // d_bias. Both are read, and d_bias written, in whole vectors: up to 15 numbers behind the last query.
  const float *bias;
  float *d_bias;
  int64_t bias_step;
  // Keys that a query sees on either side of its own place; `keys` and more: all. Dropout counts keys from the first
  // one that any of 64 queries sees.
  int64_t reach;
} ck_attention;

// Elements of scratch that a head with that many keys needs, forward and backward.
int64_t ck_attention_scratch(int64_t keys, int64_t dimension);
// out = dropout(softmax(scale q k^T + bias)) v.
void ck_attention_forward(ck_attention shape, const float *q, const float *k, const float *v, float *out,
                          float *scratch);
// Writes dq, dk, dv (strides of q, k, k) from the gradient of out.
void ck_attention_backward(ck_attention shape, const float *q, const float *k, const float *v, const float *d_out,
                           float *dq, float *dk, float *dv, float *scratch);
// The heads of one token, which take the place of the queries (from `head` on, all at row `first_row`), and rows x
// [keys, dimension] in that of keys and values: out [queries, dimension] = dropout(softmax(scale q x^T + bias)) x, and
// sums [queries] of what is left of each head's probabilities.
void ck_token_attention_forward(ck_attention shape, const float *q, const float *x, float *out, float *sums,
                                float *scratch);
// Writes dq and dx (strides of q and x) from the gradients of out and sums.
void ck_token_attention_backward(ck_attention shape, const float *q, const float *x, const float *d_out,
                                 const float *d_sums, float *dq, float *dx, float *scratch);

#endif
