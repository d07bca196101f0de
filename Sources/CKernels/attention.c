// Scaled dot-product attention of one head of one sequence, forward and backward, on packed rows without masks.
// Letters: L keys, B queries of a block (up to 64, one query a lane), D dimension. Scores lie transposed, [L, B]:
// softmax runs down the columns, sixteen queries at a time, and dropout masks come in the same order.
//
// Forward:   S = scale Q K^T + B, P = softmax(S) by rows, A = f P (f: dropout factors), O = A V.
// Backward:  dV = A^T dO.  dA = dO V^T.  dP = f dA.  Softmax: dS = P (dP - sum_keys P dP), and
//            P dP = A dA, so with r = sum_keys A dA:  dS = A dA - P r.  dQ = scale dS K,  dK = scale dS^T Q,  dB = dS.
// P is made again from Q and K in backward: nothing but Q, K and V is kept.
//
// Where a query sees only near keys, a block of queries reads the keys that any of them sees, and P is 0 at the others.
//
// Where one token asks alone, its heads take the lanes instead, and rows x stand for keys and values alike: a head's
// score q . (Wk x) is (Wk^T q) . x, and its result sum_keys A (Wv x + bv) is Wv sum_keys A x + bv sum_keys A. The maps
// are the caller's: they work on one row per head and not on every key (DeepSeek-AI, "DeepSeek-V2", 2024, section 2.1).

#include "ckernels.h"
#include "dropout.h"
#include "vector.h"

enum {
  BLOCK = 64,
  TILE = 6,
};

// C = (or +=) A B; A is read at a + i a_row + p a_step, so it may be transposed.
typedef struct {
  int64_t k;
  const float *a;
  int64_t a_row, a_step;
  const float *b;
  int64_t b_step;
  float *c;
  int64_t c_row;
  int add;
} operands;

// The same for the part of C that begins with row i and column j.
CK_INLINE operands part_of(operands o, int64_t i, int64_t j) {
  o.a += i * o.a_row;
  o.b += j;
  o.c += i * o.c_row + j;
  return o;
}

// One tile of the product: `rows` <= TILE rows, `vectors` <= 2 vectors of columns.
CK_INLINE void product_tile(int rows, int vectors, operands o) {
  vf sums[TILE][2];
  for (int i = 0; i < rows; i++) {
    for (int v = 0; v < vectors; v++) sums[i][v] = VF_ZERO;
  }
  for (int64_t p = 0; p < o.k; p++) {
    vf x[2];
    for (int v = 0; v < vectors; v++) x[v] = VF_LOAD(o.b + p * o.b_step + v * LANES);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < vectors; v++) sums[i][v] += o.a[i * o.a_row + p * o.a_step] * x[v];
    }
  }
  for (int i = 0; i < rows; i++) {
    for (int v = 0; v < vectors; v++) {
      float *to = o.c + i * o.c_row + v * LANES;
      VF_STORE(to, o.add ? VF_LOAD(to) + sums[i][v] : sums[i][v]);
    }
  }
}

// The same for `lanes` columns, fewer than a vector.
CK_INLINE void border_tile(int rows, int64_t lanes, operands o) {
  vf sums[TILE];
  for (int i = 0; i < rows; i++) sums[i] = VF_ZERO;
  for (int64_t p = 0; p < o.k; p++) {
    vf x;
    vf_load_part(&x, o.b + p * o.b_step, lanes);
    for (int i = 0; i < rows; i++) sums[i] += o.a[i * o.a_row + p * o.a_step] * x;
  }
  for (int i = 0; i < rows; i++) {
    vf before = VF_ZERO;
    if (o.add) vf_load_part(&before, o.c + i * o.c_row, lanes);
    before += sums[i];
    vf_store_part(o.c + i * o.c_row, &before, lanes);
  }
}

// All rows of some columns. What six rows at a time leave over goes by four, two and one: a single row has to wait for
// each of its sums.
CK_INLINE void product_columns(int64_t m, int vectors, int64_t lanes, operands o) {
  int64_t i = 0;
#define PRODUCT_ROWS(ROWS)                         \
  if (lanes == vectors * LANES) {                  \
    product_tile(ROWS, vectors, part_of(o, i, 0)); \
  } else {                                         \
    border_tile(ROWS, lanes, part_of(o, i, 0));    \
  }                                                \
  i += ROWS;
  while (i + TILE <= m) {
    PRODUCT_ROWS(TILE)
  }
  if (m - i >= 4) {
    PRODUCT_ROWS(4)
  }
  if (m - i >= 2) {
    PRODUCT_ROWS(2)
  }
  if (m - i == 1) {
    PRODUCT_ROWS(1)
  }
#undef PRODUCT_ROWS
}

// C [m, n] = (or +=) A [m, k] B [k, n]. Two vectors of columns at a time where there are registers for their sums: a
// number of A is then read half as often.
CK_INLINE void product(int64_t m, int64_t n, int64_t k, const float *a, int64_t a_row, int64_t a_step, const float *b,
                       int64_t b_step, float *c, int64_t c_row, int add) {
  const operands o = {k, a, a_row, a_step, b, b_step, c, c_row, add};
  int64_t j = 0;
  if (ck_gemm_bits() == 512) {
    for (; j + 2 * LANES <= n; j += 2 * LANES) product_columns(m, 2, 2 * LANES, part_of(o, 0, j));
  }
  for (; j + LANES <= n; j += LANES) product_columns(m, 1, LANES, part_of(o, 0, j));
  if (j < n) product_columns(m, 1, n - j, part_of(o, 0, j));
}

// to [D, B] = factor * rows [count, D] transposed; columns from `count` on are zero.
CK_INLINE void transpose(int64_t count, int64_t padded, int64_t dimension, const float *rows, int64_t stride,
                         float factor, float *to) {
  int64_t d = 0;
  for (; d + 8 <= dimension; d += 8) {
    for (int64_t i = 0; i < padded; i += 8) {
      vf8 block[8];
#pragma clang loop unroll(full)
      for (int r = 0; r < 8; r++) {
        block[r] = i + r < count ? factor * *(const vf8 *)(rows + (i + r) * stride + d) : (vf8){0};
      }
      transpose_eight(block);
#pragma clang loop unroll(full)
      for (int r = 0; r < 8; r++) *(vf8 *)(to + (d + r) * padded + i) = block[r];
    }
  }
  for (; d < dimension; d++) {
    float *line = to + d * padded;
    for (int64_t i = 0; i < count; i++) line[i] = factor * rows[i * stride + d];
    for (int64_t i = count; i < padded; i++) line[i] = 0;
  }
}

// Turns scores [L, B] into probabilities, down the columns.
CK_INLINE void softmax_columns(int64_t keys, int64_t padded, float *scores) {
  for (int64_t i = 0; i < padded; i += LANES) {
    float *column = scores + i;
    vf top = VF_LOAD(column), sum = VF_ZERO;
    for (int64_t j = 1; j < keys; j++) {
      vf x = VF_LOAD(column + j * padded);
      top = VF_SELECT(x > top, x, top);
    }
    for (int64_t j = 0; j < keys; j++) {
      float line[LANES];
      VF_STORE(line, VF_LOAD(column + j * padded) - top);
      for (int l = 0; l < LANES; l++) line[l] = ck_exp(line[l]);
      vf e = VF_LOAD(line);
      VF_STORE(column + j * padded, e);
      sum += e;
    }
    vf inverse = 1.0f / sum;
    for (int64_t j = 0; j < keys; j++) VF_STORE(column + j * padded, VF_LOAD(column + j * padded) * inverse);
  }
}

// to = f from, [L, B]; `first` is the first query of the block, or with `are_heads` the first head.
CK_INLINE void drop_columns(ck_attention s, int are_heads, int64_t first, int64_t padded, const float *from,
                            float *to) {
  for (int64_t i = 0; i < padded; i += LANES) {
    const vu32 lanes = CK_LANE_NUMBERS + (uint32_t)(first + i);
    const vu32 rows = are_heads ? CK_SPLAT(s.first_row) : lanes + s.first_row;
    const vu32 heads = are_heads ? lanes + s.head : CK_SPLAT(s.head);
    for (int64_t j = 0; j < s.keys; j += 8) {
      vf factors[8];
      ck_attention_factors(s.dropout, &rows, &heads, (uint32_t)(j / 8), factors);
      int64_t count = s.keys - j < 8 ? s.keys - j : 8;
      for (int64_t t = 0; t < count; t++) {
        int64_t at = (j + t) * padded + i;
        VF_STORE(to + at, VF_LOAD(from + at) * factors[t]);
      }
    }
  }
}

CK_INLINE int64_t padded_queries(int64_t count) { return (count + LANES - 1) / LANES * LANES; }

// scores += B, [L, B]; `first` is the first query of the block.
CK_INLINE void add_bias(ck_attention s, int64_t first, int64_t padded, float *scores) {
  for (int64_t j = 0; j < s.keys; j++) {
    const float *bias = s.bias + j * s.bias_step + first;
    float *row = scores + j * padded;
    for (int64_t i = 0; i < padded; i += LANES) VF_STORE(row + i, VF_LOAD(row + i) + VF_LOAD(bias + i));
  }
}

// dB += dS from scale dS, [L, B]. Queries that are not there have no gradient.
CK_INLINE void add_bias_gradient(ck_attention s, int64_t first, int64_t padded, const float *upstream) {
  const float factor = 1 / s.scale;
  for (int64_t j = 0; j < s.keys; j++) {
    float *bias = s.d_bias + j * s.bias_step + first;
    const float *row = upstream + j * padded;
    for (int64_t i = 0; i < padded; i += LANES) VF_STORE(bias + i, VF_LOAD(bias + i) + factor * VF_LOAD(row + i));
  }
}

// The keys that a block of queries reads: `count` of them from `from` on.
typedef struct {
  int64_t from, count;
} key_range;

CK_INLINE key_range keys_of(const ck_attention *s, int64_t first, int64_t count) {
  if (s->reach >= s->keys) return (key_range){0, s->keys};
  int64_t from = first > s->reach ? first - s->reach : 0, end = first + count + s->reach;
  return (key_range){from, (end < s->keys ? end : s->keys) - from};
}

// Puts `value` where a query of the block, the first of which stands `ahead` of the first key, does not see a key.
CK_INLINE void hide(const ck_attention *s, int64_t ahead, int64_t padded, float value, float *scores) {
  for (int64_t j = 0; j < s->keys; j++) {
    float *row = scores + j * padded;
    int64_t low = j - ahead - s->reach, high = j - ahead + s->reach + 1;
    for (int64_t i = 0; i < low && i < padded; i++) row[i] = value;
    for (int64_t i = high > 0 ? high : 0; i < padded; i++) row[i] = value;
  }
}

// P of one block of queries from `first` on, [L, B]; `columns` [D, B] is scratch. The keys of `s` begin with key
// `from` of the sequence.
CK_INLINE void probabilities(ck_attention s, int hides, int64_t from, int64_t first, int64_t count, int64_t padded,
                             const float *q, const float *k, float *columns, float *scores) {
  transpose(count, padded, s.dimension, q, s.query_stride, s.scale, columns);
  product(s.keys, padded, s.dimension, k, s.key_stride, 1, columns, padded, scores, padded, 0);
  if (s.bias != NULL) add_bias(s, first, padded, scores);
  // Far below every score, and a number: queries that are not there may see no key.
  if (hides) hide(&s, first - from, padded, -1e30f, scores);
  softmax_columns(s.keys, padded, scores);
  if (hides) hide(&s, first - from, padded, 0, scores);
}

// Asks for the rows of the head that follows, which lie a head further on: rows are too far apart for the processor to
// guess. Where no head follows, what is asked for is not needed, which costs nothing.
CK_INLINE void fetch_next(int64_t count, const float *rows, int64_t stride, int64_t dimension) {
  for (int64_t i = 0; i < count; i++) {
    const float *next = rows + i * stride + dimension;
    for (int64_t d = 0; d < dimension; d += LANES) __builtin_prefetch(next + d);
  }
}

int64_t ck_attention_scratch(int64_t keys, int64_t dimension) { return BLOCK * (dimension + 3 * keys); }

// sums[i] = sum_keys A, [B].
CK_INLINE void sum_columns(int64_t keys, int64_t count, int64_t padded, const float *scores, float *sums) {
  for (int64_t i = 0; i < padded; i += LANES) {
    vf sum = VF_ZERO;
    for (int64_t j = 0; j < keys; j++) sum += VF_LOAD(scores + j * padded + i);
    vf_store_part(sums + i, &sum, count - i < LANES ? count - i : LANES);
  }
}

// Adds the gradient of sum_keys A to that of every A.
CK_INLINE void add_to_columns(int64_t keys, int64_t count, int64_t padded, const float *d_sums, float *upstream) {
  for (int64_t i = 0; i < padded; i += LANES) {
    vf d;
    vf_load_part(&d, d_sums + i, count - i < LANES ? count - i : LANES);
    for (int64_t j = 0; j < keys; j++) VF_STORE(upstream + j * padded + i, VF_LOAD(upstream + j * padded + i) + d);
  }
}

// With `sums` the queries are the heads of one token.
CK_INLINE void forward(ck_attention s, const float *q, const float *k, const float *v, float *out, float *sums,
                       float *scratch) {
  const ck_attention all = s;
  const int hides = s.reach < s.keys;
  float *columns = scratch, *scores = scratch + BLOCK * s.dimension;
  for (int64_t first = 0; first < s.queries; first += BLOCK) {
    int64_t count = s.queries - first < BLOCK ? s.queries - first : BLOCK, padded = padded_queries(count);
    const key_range keys = keys_of(&all, first, count);
    const int64_t skipped = keys.from * s.key_stride;
    s.keys = keys.count;
    if (s.bias != NULL) s.bias = all.bias + keys.from * s.bias_step;
    probabilities(s, hides, keys.from, first, count, padded, q + first * s.query_stride, k + skipped, columns, scores);
    if (s.dropout.rate.threshold > 0) drop_columns(s, sums != NULL, first, padded, scores, scores);
    if (sums != NULL) sum_columns(s.keys, count, padded, scores, sums + first);
    product(count, s.dimension, s.keys, scores, 1, padded, v + skipped, s.key_stride, out + first * s.out_stride,
            s.out_stride, 0);
  }
}

// scores: P, dropped: A, upstream: dA, all [L, B]; upstream becomes scale dS.
CK_INLINE void softmax_columns_backward(int64_t keys, int64_t padded, float scale, const float *scores,
                                        const float *dropped, float *upstream) {
  for (int64_t i = 0; i < padded; i += LANES) {
    vf r = VF_ZERO;
    for (int64_t j = 0; j < keys; j++) {
      int64_t at = j * padded + i;
      vf x = VF_LOAD(dropped + at) * VF_LOAD(upstream + at);
      VF_STORE(upstream + at, x);
      r += x;
    }
    for (int64_t j = 0; j < keys; j++) {
      int64_t at = j * padded + i;
      VF_STORE(upstream + at, scale * (VF_LOAD(upstream + at) - VF_LOAD(scores + at) * r));
    }
  }
}

// With `d_sums` the queries are the heads of one token; `dk` and `dv` are then the same rows, which take both.
CK_INLINE void backward(ck_attention s, const float *q, const float *k, const float *v, const float *d_out,
                        const float *d_sums, float *dq, float *dk, float *dv, float *scratch) {
  const ck_attention all = s;
  const int hides = s.reach < s.keys;
  float *columns = scratch, *scores = columns + BLOCK * s.dimension;
  float *upstream = scores + BLOCK * s.keys, *dropped = scores;
  // Blocks then add to some keys each.
  for (int64_t j = 0; hides && j < s.keys; j++) {
    memset(dk + j * s.key_stride, 0, (size_t)s.dimension * sizeof(float));
    memset(dv + j * s.key_stride, 0, (size_t)s.dimension * sizeof(float));
  }
  if (s.dropout.rate.threshold > 0) dropped = upstream + BLOCK * s.keys;
  for (int64_t first = 0; first < s.queries; first += BLOCK) {
    int64_t count = s.queries - first < BLOCK ? s.queries - first : BLOCK, padded = padded_queries(count);
    const float *q_block = q + first * s.query_stride, *d_block = d_out + first * s.out_stride;
    const key_range keys = keys_of(&all, first, count);
    const int64_t skipped = keys.from * s.key_stride;
    int add = first > 0 || hides;
    s.keys = keys.count;
    if (s.bias != NULL) s.bias = all.bias + keys.from * s.bias_step;
    if (s.d_bias != NULL) s.d_bias = all.d_bias + keys.from * s.bias_step;
    probabilities(s, hides, keys.from, first, count, padded, q_block, k + skipped, columns, scores);
    if (s.dropout.rate.threshold > 0) drop_columns(s, d_sums != NULL, first, padded, scores, dropped);
    transpose(count, padded, s.dimension, d_block, s.out_stride, 1, columns);
    product(s.keys, padded, s.dimension, v + skipped, s.key_stride, 1, columns, padded, upstream, padded, 0);
    if (d_sums != NULL) add_to_columns(s.keys, count, padded, d_sums + first, upstream);
    product(s.keys, s.dimension, count, dropped, padded, 1, d_block, s.out_stride, dv + skipped, s.key_stride, add);
    softmax_columns_backward(s.keys, padded, s.scale, scores, dropped, upstream);
    if (s.d_bias != NULL) add_bias_gradient(s, first, padded, upstream);
    product(count, s.dimension, s.keys, upstream, 1, padded, k + skipped, s.key_stride, dq + first * s.query_stride,
            s.query_stride, 0);
    product(s.keys, s.dimension, count, upstream, padded, 1, q_block, s.query_stride, dk + skipped, s.key_stride,
            add || d_sums != NULL);
  }
}

CK_WIDE_CLONES
void ck_attention_forward(ck_attention s, const float *q, const float *k, const float *v, float *out, float *scratch) {
  fetch_next(s.queries, q, s.query_stride, s.dimension);
  fetch_next(s.keys, k, s.key_stride, s.dimension);
  fetch_next(s.keys, v, s.key_stride, s.dimension);
  forward(s, q, k, v, out, NULL, scratch);
}

CK_WIDE_CLONES
void ck_attention_backward(ck_attention s, const float *q, const float *k, const float *v, const float *d_out,
                           float *dq, float *dk, float *dv, float *scratch) {
  fetch_next(s.queries, q, s.query_stride, s.dimension);
  fetch_next(s.keys, k, s.key_stride, s.dimension);
  fetch_next(s.keys, v, s.key_stride, s.dimension);
  fetch_next(s.queries, d_out, s.out_stride, s.dimension);
  backward(s, q, k, v, d_out, NULL, dq, dk, dv, scratch);
}

CK_WIDE_CLONES
void ck_token_attention_forward(ck_attention s, const float *q, const float *x, float *out, float *sums,
                                float *scratch) {
  forward(s, q, x, x, out, sums, scratch);
}

CK_WIDE_CLONES
void ck_token_attention_backward(ck_attention s, const float *q, const float *x, const float *d_out,
                                 const float *d_sums,
                                 float *dq, float *dx, float *scratch) {
  backward(s, q, x, x, d_out, d_sums, dq, dx, dx, scratch);
}
