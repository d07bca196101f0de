// Matrix products of float32, or of bfloat16 with sums in float32. op(B) is packed once, into panels of columns, and
// may be shared by any number of threads that each compute rows of C; op(A) is packed a tile of rows at a time. The
// innermost kernel holds a tile of C in registers: 14 x 32 with AVX-512, 6 x 16 with AVX2, 3 x 16 otherwise. While rows
// are multiplied by some panels in the second cache, the panels that follow are prefetched.
//
// Source of the scheme: Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008. The order of
// summation depends on k and on the kernel only, so a row of C is the same however rows are shared out.

#include "gemm.h"
#include "vector.h"

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>
#endif

enum {
  TURN = 8,    // the prefetch distance: elements between two prefetches of the panels that follow
  PANELS = 3,  // of packed B in use at a time: these and the three being prefetched fit the second cache
};

#define STRING(x) #x
#define PRAGMA(x) _Pragma(STRING(x))

// clang-format off
// sum += a x for one float of A and a vector of B; and for one pair of A and a vector of pairs.
#define ADD_FLOATS(sum, a, x) (sum) += (a) * (x)
#define ADD_PAIRS(sum, a, x) \
  (sum) = (vf)_mm512_dpbf16_ps((__m512)(sum), (__m512bh)_mm512_set1_ps(a), (__m512bh)(x))

// One element of the sum: a column of the tile of A times a row of the panel of B.
#define ADD_TERM(ADD, ROWS, VECTORS, ROW, TERM)                                                       \
  vf column[VECTORS];                                                                                 \
  _Pragma("clang loop unroll(full)") for (int v = 0; v < (VECTORS); v++)                              \
    column[v] = VF_LOAD(b + LANES * v);                                                               \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < (ROWS); i++) {                               \
    _Pragma("clang loop unroll(full)") for (int v = 0; v < (VECTORS); v++)                            \
      ADD(sum[i][v], a[i * (ROW)], column[v]);                                                        \
  }                                                                                                   \
  a += (TERM);                                                                                        \
  b += LANES * (VECTORS);

// One packed tile of A times one packed panel of B. `row` and `term` are the distances between elements of A, `unroll`
// how many elements stand side by side in the code: on a core that two threads share, every instruction saved counts.
// With every TURN elements a line per vector of the following panels is prefetched, and the tile of C before it is
// needed.
#define MICRO_KERNEL(ADD, ROWS, VECTORS, UNROLL, ROW, TERM)                                           \
  vf sum[ROWS][VECTORS];                                                                              \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < (ROWS); i++) {                               \
    _Pragma("clang loop unroll(full)") for (int v = 0; v < (VECTORS); v++) sum[i][v] = VF_ZERO;       \
  }                                                                                                   \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < (ROWS); i++)                                 \
    __builtin_prefetch(c + i * ldc, 1, 3);                                                            \
  int64_t p = 0;                                                                                      \
  for (; p + TURN <= depth; p += TURN) {                                                              \
    _Pragma("clang loop unroll(full)") for (int v = 0; v < (VECTORS); v++)                            \
      __builtin_prefetch(ahead + LANES * v, 0, 2);                                                    \
    ahead += step;                                                                                    \
    PRAGMA(clang loop unroll_count(UNROLL)) for (int t = 0; t < TURN; t++) {                          \
      ADD_TERM(ADD, ROWS, VECTORS, ROW, TERM)                                                         \
    }                                                                                                 \
  }                                                                                                   \
  for (; p < depth; p++) {                                                                            \
    ADD_TERM(ADD, ROWS, VECTORS, ROW, TERM)                                                           \
  }                                                                                                   \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < (ROWS); i++) {                               \
    _Pragma("clang loop unroll(full)") for (int v = 0; v < (VECTORS); v++) {                          \
      float *out = c + i * ldc + LANES * v;                                                           \
      if (keep) {                                                                                     \
        VF_STORE(out, VF_LOAD(out) + alpha * sum[i][v]);                                              \
      } else {                                                                                        \
        VF_STORE(out, alpha * sum[i][v]);                                                             \
      }                                                                                               \
    }                                                                                                 \
  }

#define MICRO_KERNELS(NAME, TARGET, ADD, ROWS, VECTORS, UNROLL)                                       \
  TARGET static void NAME##_rows(int64_t depth, const float *a, const float *b, float alpha,          \
                                 int keep, float *c, int64_t ldc, const float *ahead, int64_t step) { \
    MICRO_KERNEL(ADD, ROWS, VECTORS, UNROLL, A_STRIDE, 1)                                             \
  }                                                                                                   \
  TARGET static void NAME##_columns(int64_t depth, const float *a, const float *b, float alpha,       \
                                    int keep, float *c, int64_t ldc, const float *ahead, int64_t step) { \
    MICRO_KERNEL(ADD, ROWS, VECTORS, UNROLL, 1, ROWS)                                                 \
  }
// clang-format on

MICRO_KERNELS(plain, , ADD_FLOATS, 3, 1, 1)
#if defined(__x86_64__) && defined(__linux__)
MICRO_KERNELS(avx2, __attribute__((target("arch=x86-64-v3"))), ADD_FLOATS, 6, 1, TURN)
MICRO_KERNELS(avx512, __attribute__((target("arch=x86-64-v4"), min_vector_width(512))), ADD_FLOATS, 14, 2, 1)
MICRO_KERNELS(pairs, CK_PAIRS_TARGET, ADD_PAIRS, 14, 2, 1)
#endif

gemm_kernels ck_widest = {128, 3, 16, plain_rows, plain_columns, NULL, NULL};
_Thread_local const gemm_kernels *ck_chosen;

static gemm_kernels widest_within(int32_t bits) {
#if defined(__x86_64__) && defined(__linux__)
  __builtin_cpu_init();
  if (bits >= 512 && __builtin_cpu_supports("x86-64-v4")) {
    gemm_kernels found = {512, 14, 32, avx512_rows, avx512_columns, NULL, NULL};
    if (__builtin_cpu_supports("avx512bf16")) {
      found.pairs_from_rows = pairs_rows;
      found.pairs_from_columns = pairs_columns;
    }
    return found;
  }
  if (bits >= 256 && __builtin_cpu_supports("x86-64-v3")) {
    return (gemm_kernels){256, 6, 16, avx2_rows, avx2_columns, NULL, NULL};
  }
#endif
  (void)bits;
  return (gemm_kernels){128, 3, 16, plain_rows, plain_columns, NULL, NULL};
}

__attribute__((constructor)) static void select_widest(void) { ck_widest = widest_within(512); }

int32_t ck_gemm_select(int32_t bits) {
  static _Thread_local gemm_kernels narrow;
  narrow = widest_within(bits);
  ck_chosen = bits >= 512 ? NULL : &narrow;
  return narrow.bits;
}

int32_t ck_gemm_bits(void) { return kernels()->bits; }

int32_t ck_gemm_has_bf16(void) { return kernels()->pairs_from_rows != NULL; }

int64_t ck_gemm_panel_width(void) { return kernels()->columns; }

int64_t ck_gemm_tile_height(void) { return kernels()->rows; }

int64_t ck_gemm_packed_count(ck_precision precision, int64_t n, int64_t k) {
  return rounded_up(n, kernels()->columns) * elements(precision, k);
}

int64_t ck_gemm_depth(ck_precision precision) { return DEPTH * terms_each(precision); }

int64_t ck_gemm_row_stride(void) { return A_STRIDE; }

int64_t ck_gemm_left_count(int64_t m) { return rounded_up(m, kernels()->rows) * A_STRIDE; }

int64_t ck_gemm_scratch_count(int64_t m) { return ck_gemm_left_count(m) + MAX_ROWS * MAX_COLUMNS; }

// One tile of C at the border: computed whole beside C, then copied as far as C goes.
static void border_tile(micro_kernel kernel, int64_t depth, const float *a, const float *b, float alpha, int keep,
                        int64_t rows, int64_t columns, float *c, int64_t ldc, float *tile, const float *ahead,
                        int64_t step) {
  const size_t bytes = (size_t)columns * sizeof(float);
  if (keep) {
    for (int64_t i = 0; i < rows; i++) memcpy(tile + i * MAX_COLUMNS, c + i * ldc, bytes);
  }
  kernel(depth, a, b, alpha, keep, tile, MAX_COLUMNS, ahead, step);
  for (int64_t i = 0; i < rows; i++) memcpy(c + i * ldc, tile + i * MAX_COLUMNS, bytes);
}

static void scale_rows(int64_t m, int64_t n, float beta, float *c, int64_t ldc) {
  for (int64_t i = 0; i < m; i++) {
    for (int64_t j = 0; j < n; j++) c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
  }
}

// What is not yet prefetched of the panels that are read next: where it begins, and how many elements each has.
typedef struct {
  const float *at;
  int64_t depth;
} next_block;

// What is read after the columns before `end` of the stretch at `start`: further columns, or the next stretch's first.
// `k` elements make up op(B).
static next_block block_after(ck_gemm_shape shape, int64_t k, const float *packed, int64_t start, int64_t end) {
  const int64_t width = kernels()->columns, column = end < shape.n ? end : 0;
  if (end >= shape.n) start += DEPTH;
  if (start >= k) return (next_block){packed, 0};
  const int64_t depth = smaller(DEPTH, k - start), panels = rounded_up(shape.n - column, width) / width;
  return (next_block){packed + start * rounded_up(shape.columns, width) + (shape.first + column) * depth,
                      smaller(PANELS, panels) * depth};
}

static micro_kernel kernel_for(ck_precision precision, ck_gemm_layout layout) {
  if (are_pairs(precision)) {
    return layout == CK_COLUMNS ? kernels()->pairs_from_columns : kernels()->pairs_from_rows;
  }
  return layout == CK_COLUMNS ? kernels()->from_columns : kernels()->from_rows;
}

void ck_gemm_run(ck_gemm_shape shape, const float *a, const float *packed, float *c, float *scratch) {
  const ck_precision precision = shape.precision;
  const int64_t m = shape.m, n = shape.n, ldc = shape.ldc;
  const int64_t k = elements(precision, shape.k), each = terms_each(precision);
  const int64_t height = kernels()->rows, width = kernels()->columns, padded = rounded_up(shape.columns, width);
  const micro_kernel kernel = kernel_for(precision, shape.layout);
  float *tile = scratch + ck_gemm_left_count(m);
  if (k == 0 || (shape.beta != 0 && shape.beta != 1)) scale_rows(m, n, shape.beta, c, ldc);
  for (int64_t start = 0; start < k; start += DEPTH) {
    const int64_t depth = smaller(DEPTH, k - start), terms = smaller(DEPTH * each, shape.k - start * each);
    const int keep = start > 0 || shape.beta != 0;
    const float *left = scratch;
    switch (shape.layout) {
    case CK_ROWS: ck_pack_rows(precision, m, terms, a + start * each, shape.lda, scratch); break;
    case CK_COLUMNS: ck_pack_columns(precision, m, terms, a + start * each * shape.lda, shape.lda, scratch); break;
    case CK_PACKED: left = a + start / DEPTH * ck_gemm_left_count(m); break;
    }
    for (int64_t block = 0; block < n; block += PANELS * width) {
      const int64_t end = smaller(n, block + PANELS * width);
      next_block next = block_after(shape, k, packed, start, end);
      for (int64_t i = 0; i < m; i += height) {
        const float *rows = left + i * A_STRIDE;
        for (int64_t j = block; j < end; j += width) {
          const float *panel = packed + start * padded + (shape.first + j) * depth;
          float *out = c + i * ldc + j;
          const int64_t step = next.depth > 0 ? width : 0;
          if (i + height <= m && j + width <= n) {
            kernel(depth, rows, panel, shape.alpha, keep, out, ldc, next.at, step);
          } else {
            border_tile(kernel, depth, rows, panel, shape.alpha, keep, smaller(height, m - i), smaller(width, n - j),
                        out, ldc, tile, next.at, step);
          }
          next.at += depth / TURN * step;
          next.depth -= depth / TURN;
        }
      }
    }
  }
}
