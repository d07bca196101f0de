// Single-precision matrix products. op(B) is packed once, into panels of columns, and may be shared by any number of
// threads that each compute rows of C; op(A) is packed a tile of rows at a time. The innermost kernel holds a tile of C
// in registers: 14 x 32 with AVX-512, 6 x 16 with AVX2, 3 x 16 otherwise. While rows are multiplied by some panels in
// the second cache, the panels that follow are prefetched.
//
// Source of the scheme: Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008. The order of
// summation depends on k and on the vector width only, so a row of C is the same however rows are shared out.

#include "ckernels.h"
#include "clones.h"
#include "vector.h"

#include <string.h>

enum {
  DEPTH = 384,            // terms of the sum that are packed together
  A_STRIDE = DEPTH + 16,  // floats between packed rows of A: lines of neighbouring rows fall into different sets
  TURN = 8,               // the prefetch distance: terms between two prefetches of the panels that follow
  PANELS = 3,             // of packed B in use at a time: these and the three being prefetched fit the second cache
  MAX_ROWS = 14,
  MAX_COLUMNS = 32,
};

#define STRING(x) #x
#define PRAGMA(x) _Pragma(STRING(x))

// clang-format off
// One term of the sum: a column of the tile of A times a row of the panel of B.
#define ADD_TERM(ROWS, VECTORS, ROW, TERM)                                                        \
  vf column[VECTORS];                                                                             \
  _Pragma("clang loop unroll(full)") for (int v = 0; v < (VECTORS); v++)                          \
    column[v] = VF_LOAD(b + LANES * v);                                                           \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < (ROWS); i++) {                           \
    _Pragma("clang loop unroll(full)") for (int v = 0; v < (VECTORS); v++)                        \
      sum[i][v] += a[i * (ROW)] * column[v];                                                      \
  }                                                                                               \
  a += (TERM);                                                                                    \
  b += LANES * (VECTORS);

// One packed tile of A times one packed panel of B. `row` and `term` are the distances between elements of A, `unroll`
// how many terms stand side by side in the code: on a core that two threads share, every instruction saved counts. With
// every TURN terms a line per vector of the following panels is prefetched, and the tile of C before it is needed.
#define MICRO_KERNEL(ROWS, VECTORS, UNROLL, ROW, TERM)                                            \
  vf sum[ROWS][VECTORS];                                                                          \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < (ROWS); i++) {                           \
    _Pragma("clang loop unroll(full)") for (int v = 0; v < (VECTORS); v++) sum[i][v] = VF_ZERO;   \
  }                                                                                               \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < (ROWS); i++)                             \
    __builtin_prefetch(c + i * ldc, 1, 3);                                                        \
  int64_t p = 0;                                                                                  \
  for (; p + TURN <= depth; p += TURN) {                                                          \
    _Pragma("clang loop unroll(full)") for (int v = 0; v < (VECTORS); v++)                        \
      __builtin_prefetch(ahead + LANES * v, 0, 2);                                                \
    ahead += step;                                                                                \
    PRAGMA(clang loop unroll_count(UNROLL)) for (int t = 0; t < TURN; t++) {                      \
      ADD_TERM(ROWS, VECTORS, ROW, TERM)                                                          \
    }                                                                                             \
  }                                                                                               \
  for (; p < depth; p++) {                                                                        \
    ADD_TERM(ROWS, VECTORS, ROW, TERM)                                                            \
  }                                                                                               \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < (ROWS); i++) {                           \
    _Pragma("clang loop unroll(full)") for (int v = 0; v < (VECTORS); v++) {                      \
      float *out = c + i * ldc + LANES * v;                                                       \
      if (keep) {                                                                                 \
        VF_STORE(out, VF_LOAD(out) + alpha * sum[i][v]);                                          \
      } else {                                                                                    \
        VF_STORE(out, alpha * sum[i][v]);                                                         \
      }                                                                                           \
    }                                                                                             \
  }

// `ahead`: what later calls will read, `step` floats from one turn to the next.
typedef void (*micro_kernel)(int64_t depth, const float *a, const float *b, float alpha, int keep, float *c,
                             int64_t ldc, const float *ahead, int64_t step);

#define MICRO_KERNELS(NAME, TARGET, ROWS, VECTORS, UNROLL)                                          \
  TARGET static void NAME##_rows(int64_t depth, const float *a, const float *b, float alpha,        \
                                 int keep, float *c, int64_t ldc, const float *ahead, int64_t step) {  \
    MICRO_KERNEL(ROWS, VECTORS, UNROLL, A_STRIDE, 1)                                                \
  }                                                                                                 \
  TARGET static void NAME##_columns(int64_t depth, const float *a, const float *b, float alpha,     \
                                    int keep, float *c, int64_t ldc, const float *ahead, int64_t step) { \
    MICRO_KERNEL(ROWS, VECTORS, UNROLL, 1, ROWS)                                                    \
  }
// clang-format on

typedef struct {
  int32_t bits;                          // of a vector
  int32_t rows, columns;                 // of the tile of C in registers
  micro_kernel from_rows, from_columns;  // A packed row by row, or term by term
} gemm_kernels;

MICRO_KERNELS(plain, , 3, 1, 1)
#if defined(__x86_64__) && defined(__linux__)
MICRO_KERNELS(avx2, __attribute__((target("arch=x86-64-v3"))), 6, 1, TURN)
MICRO_KERNELS(avx512, __attribute__((target("arch=x86-64-v4"), min_vector_width(512))), 14, 2, 1)
#endif

static gemm_kernels kernels = {128, 3, 16, plain_rows, plain_columns};

int32_t ck_gemm_select(int32_t bits) {
#if defined(__x86_64__) && defined(__linux__)
  __builtin_cpu_init();
  if (bits >= 512 && __builtin_cpu_supports("x86-64-v4")) {
    kernels = (gemm_kernels){512, 14, 32, avx512_rows, avx512_columns};
    return 512;
  }
  if (bits >= 256 && __builtin_cpu_supports("x86-64-v3")) {
    kernels = (gemm_kernels){256, 6, 16, avx2_rows, avx2_columns};
    return 256;
  }
#endif
  kernels = (gemm_kernels){128, 3, 16, plain_rows, plain_columns};
  return 128;
}

int32_t ck_gemm_bits(void) { return kernels.bits; }

__attribute__((constructor)) static void select_widest(void) { ck_gemm_select(512); }

static int64_t smaller(int64_t x, int64_t y) { return x < y ? x : y; }

static int64_t rounded_up(int64_t x, int64_t to) { return (x + to - 1) / to * to; }

int64_t ck_gemm_panel_width(void) { return kernels.columns; }

int64_t ck_gemm_tile_height(void) { return kernels.rows; }

int64_t ck_gemm_packed_count(int64_t n, int64_t k) { return rounded_up(n, kernels.columns) * k; }

int64_t ck_gemm_depth(void) { return DEPTH; }

int64_t ck_gemm_row_stride(void) { return A_STRIDE; }

// Terms [from, to) of a stretch, rows of the stored B: eight at a time pass all panels, so that lines are read in order
// and written eight by eight.
CK_INLINE void pack_stored(int64_t from, int64_t to, int64_t terms, int64_t panels, int64_t columns, const float *b,
                           int64_t ldb, int64_t width, float *packed) {
  for (int64_t p = from; p < to; p += 8) {
    const int64_t end = smaller(p + 8, to);
    for (int64_t panel = 0; panel < panels; panel++) {
      const int64_t at = panel * width, there = smaller(width, columns - at);
      for (int64_t q = p; q < end; q++) {
        float *out = packed + at * terms + q * width;
        const float *source = b + (q - from) * ldb + at;
        // Copies of fixed size where the whole panel is there.
        if (there == MAX_COLUMNS) {
          memcpy(out, source, MAX_COLUMNS * sizeof(float));
        } else if (there == LANES) {
          memcpy(out, source, LANES * sizeof(float));
        } else {
          memcpy(out, source, (size_t)there * sizeof(float));
        }
        if (there < width) memset(out + there, 0, (size_t)(width - there) * sizeof(float));
      }
    }
  }
}

// Columns of the stored B, eight terms at a time: blocks of eight columns where they are whole.
CK_INLINE void pack_transposed(int64_t panels, int64_t terms, int64_t columns, const float *b, int64_t ldb,
                               int64_t width,
                               float *packed) {
  for (int64_t at = 0; at < panels * width; at += width) {
    float *out = packed + at * terms;
    const int64_t there = smaller(width, columns - at);
    for (int64_t p = 0; p < terms; p += 8) {
      const int64_t count = smaller(8, terms - p), whole = count == 8 ? there / 8 * 8 : 0;
      for (int64_t j = 0; j < whole; j += 8) {
        vf8 block[8];
#pragma clang loop unroll(full)
        for (int r = 0; r < 8; r++) block[r] = *(const vf8 *)(b + (at + j + r) * ldb + p);
        transpose_eight(block);
#pragma clang loop unroll(full)
        for (int q = 0; q < 8; q++) *(vf8 *)(out + (p + q) * width + j) = block[q];
      }
      for (int64_t j = whole; j < there; j++) {
        const float *source = b + (at + j) * ldb + p;
        for (int64_t q = 0; q < count; q++) out[(p + q) * width + j] = source[q];
      }
      for (int64_t j = there; j < width; j++) {
        for (int64_t q = 0; q < count; q++) out[(p + q) * width + j] = 0;
      }
    }
  }
}

// Packed B: for each stretch of DEPTH terms all panels in turn, each `terms x columns`, columns beyond n zero.
CK_CLONES void ck_gemm_pack(int64_t stretch, int64_t first_panel, int64_t panels, int32_t transposed, int64_t n,
                            int64_t k, const float *b, int64_t ldb, float *packed) {
  const int64_t width = kernels.columns, padded = rounded_up(n, width), start = stretch * DEPTH;
  const int64_t at = first_panel * width;
  const int64_t terms = smaller(DEPTH, k - start), columns = n - at;
  float *out = packed + start * padded + at * terms;
  if (transposed) {
    pack_transposed(panels, terms, columns, b + at * ldb + start, ldb, width, out);
  } else {
    pack_stored(0, terms, terms, panels, columns, b + start * ldb + at, ldb, width, out);
  }
}

CK_CLONES void ck_gemm_pack_rows(int64_t first, int64_t count, int64_t n, int64_t k, const float *b, int64_t ldb,
                                 float *packed) {
  const int64_t width = kernels.columns, padded = rounded_up(n, width), end = first + count;
  for (int64_t at = first; at < end;) {
    const int64_t start = at / DEPTH * DEPTH, terms = smaller(DEPTH, k - start), stop = smaller(end, start + terms);
    pack_stored(at - start, stop - start, terms, padded / width, n, b + (at - first) * ldb, ldb, width,
                packed + start * padded);
    at = stop;
  }
}

int64_t ck_gemm_left_count(int64_t m) { return rounded_up(m, kernels.rows) * A_STRIDE; }

int64_t ck_gemm_scratch_count(int64_t m) { return ck_gemm_left_count(m) + MAX_ROWS * MAX_COLUMNS; }

// Rows of op(A) as they stand, A_STRIDE apart.
static void pack_rows(int64_t m, int64_t terms, const float *a, int64_t lda, float *packed) {
  const int64_t padded = rounded_up(m, kernels.rows);
  for (int64_t i = 0; i < m; i++) memcpy(packed + i * A_STRIDE, a + i * lda, (size_t)terms * sizeof(float));
  for (int64_t i = m; i < padded; i++) memset(packed + i * A_STRIDE, 0, (size_t)terms * sizeof(float));
}

void ck_gemm_pack_left(int64_t m, int64_t k, const float *a, int64_t lda, float *packed) {
  for (int64_t start = 0; start < k; start += DEPTH) {
    pack_rows(m, smaller(DEPTH, k - start), a + start, lda, packed);
    packed += ck_gemm_left_count(m);
  }
}

// Columns of the stored A, `rows` of them side by side for each term.
CK_CLONES static void pack_columns(int64_t m, int64_t terms, const float *a, int64_t lda, float *packed) {
  const int64_t rows = kernels.rows;
  for (int64_t i = 0; i < m; i += rows) {
    const int64_t count = smaller(rows, m - i);
    for (int64_t p = 0; p < terms; p++) {
      float *out = packed + i * A_STRIDE + p * rows;
      const float *source = a + p * lda + i;
      // Copies of fixed size where all rows are there; of six, eight are copied, and the next term overwrites two.
      if (count == MAX_ROWS) {
        memcpy(out, source, MAX_ROWS * sizeof(float));
        continue;
      }
      if (rows == 6 && i + 8 <= m) {
        memcpy(out, source, 8 * sizeof(float));
        continue;
      }
      for (int64_t r = 0; r < count; r++) out[r] = source[r];
      for (int64_t r = count; r < rows; r++) out[r] = 0;
    }
  }
}

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

// What is not yet prefetched of the panels that are read next: where it begins, and how many terms it has.
typedef struct {
  const float *at;
  int64_t terms;
} next_block;

// What is read after the columns before `end` of the stretch at `start`: further columns, or the next stretch's first.
static next_block block_after(ck_gemm_shape shape, const float *packed, int64_t start, int64_t end) {
  const int64_t width = kernels.columns, column = end < shape.n ? end : 0;
  if (end >= shape.n) start += DEPTH;
  if (start >= shape.k) return (next_block){packed, 0};
  const int64_t terms = smaller(DEPTH, shape.k - start), panels = rounded_up(shape.n - column, width) / width;
  return (next_block){packed + start * rounded_up(shape.columns, width) + (shape.first + column) * terms,
                      smaller(PANELS, panels) * terms};
}

void ck_gemm_run(ck_gemm_shape shape, const float *a, const float *packed, float *c, float *scratch) {
  const int64_t m = shape.m, n = shape.n, k = shape.k, ldc = shape.ldc;
  const int64_t height = kernels.rows, width = kernels.columns, padded = rounded_up(shape.columns, width);
  const micro_kernel kernel = shape.layout == CK_COLUMNS ? kernels.from_columns : kernels.from_rows;
  float *tile = scratch + ck_gemm_left_count(m);
  if (k == 0 || (shape.beta != 0 && shape.beta != 1)) scale_rows(m, n, shape.beta, c, ldc);
  for (int64_t start = 0; start < k; start += DEPTH) {
    const int64_t terms = smaller(DEPTH, k - start);
    const int keep = start > 0 || shape.beta != 0;
    const float *left = scratch;
    switch (shape.layout) {
    case CK_ROWS: pack_rows(m, terms, a + start, shape.lda, scratch); break;
    case CK_COLUMNS: pack_columns(m, terms, a + start * shape.lda, shape.lda, scratch); break;
    case CK_PACKED: left = a + start / DEPTH * ck_gemm_left_count(m); break;
    }
    for (int64_t block = 0; block < n; block += PANELS * width) {
      const int64_t end = smaller(n, block + PANELS * width);
      next_block next = block_after(shape, packed, start, end);
      for (int64_t i = 0; i < m; i += height) {
        const float *rows = left + i * A_STRIDE;
        for (int64_t j = block; j < end; j += width) {
          const float *panel = packed + start * padded + (shape.first + j) * terms;
          float *out = c + i * ldc + j;
          const int64_t step = next.terms > 0 ? width : 0;
          if (i + height <= m && j + width <= n) {
            kernel(terms, rows, panel, shape.alpha, keep, out, ldc, next.at, step);
          } else {
            border_tile(kernel, terms, rows, panel, shape.alpha, keep, smaller(height, m - i),
                        smaller(width, n - j), out,
                        ldc, tile, next.at, step);
          }
          next.at += terms / TURN * step;
          next.terms -= terms / TURN;
        }
      }
    }
  }
}
