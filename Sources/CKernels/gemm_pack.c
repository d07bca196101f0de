// The operands of matrix products, packed as their kernels read them: op(B) into panels of columns, op(A) into tiles of
// rows; as floats, as floats rounded to bfloat16, or as pairs of bfloat16 (gemm.h). Rounding is to the nearest, ties to
// even, as VCVTNE2PS2BF16 rounds; what is no number stays none.

#include "gemm.h"
#include "vector.h"

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>
#endif

enum { ROWS_AHEAD = 8 };  // the prefetch distance: rows of the stored A

// Rounds floats that were packed as they are.
CK_INLINE void round_to_bf16(float *x, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    const uint32_t nearest = bits + 0x7fffu + ((bits >> 16) & 1u);
    const uint32_t kept = x[i] == x[i] ? nearest : bits | 0x400000u;
    const uint32_t rounded = kept & 0xffff0000u;
    memcpy(x + i, &rounded, sizeof rounded);
  }
}

// Terms [from, to) of a stretch, rows of the stored B: eight at a time pass all panels, so that lines are read in order
// and written eight by eight.
CK_INLINE void pack_stored(int rounds, int64_t from, int64_t to, int64_t terms, int64_t panels, int64_t columns,
                           const float *b, int64_t ldb, int64_t width, float *packed) {
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
        if (rounds) round_to_bf16(out, width);
      }
    }
  }
}

// Columns of the stored B, eight terms at a time: blocks of eight columns where they are whole.
CK_INLINE void pack_transposed(int rounds, int64_t panels, int64_t terms, int64_t columns, const float *b, int64_t ldb,
                               int64_t width, float *packed) {
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
      if (rounds) round_to_bf16(out + p * width, count * width);
    }
  }
}

CK_CLONES static void pack_panels(int rounds, int transposed, int64_t panels, int64_t terms, int64_t columns,
                                  const float *b, int64_t ldb, int64_t width, float *packed) {
  if (transposed) {
    pack_transposed(rounds, panels, terms, columns, b, ldb, width, packed);
  } else {
    pack_stored(rounds, 0, terms, terms, panels, columns, b, ldb, width, packed);
  }
}

CK_CLONES static void pack_some_rows(int rounds, int64_t from, int64_t to, int64_t terms, int64_t panels,
                                     int64_t columns, const float *b, int64_t ldb, int64_t width, float *packed) {
  pack_stored(rounds, from, to, terms, panels, columns, b, ldb, width, packed);
}

CK_CLONES static void pack_float_rows(int rounds, int64_t m, int64_t terms, const float *a, int64_t lda,
                                      float *packed) {
  for (int64_t i = 0; i < m; i++) {
    memcpy(packed + i * A_STRIDE, a + i * lda, (size_t)terms * sizeof(float));
    if (rounds) round_to_bf16(packed + i * A_STRIDE, terms);
  }
}

// Asks for a row of the stored A some rows ahead: rows are too far apart for the processor to guess.
CK_INLINE void fetch_ahead(int64_t m, const float *row, int64_t lda) {
  for (int64_t i = 0; i < m; i += LANES) __builtin_prefetch(row + ROWS_AHEAD * lda + i);
}

// Row by row of the stored A, so that each of its lines is read once. Where more follow in the row, a copy takes more
// than the tile's own, in one instruction: the next term overwrites these, and behind the last lies room.
CK_CLONES static void pack_float_columns(int rounds, int64_t m, int64_t terms, const float *a, int64_t lda,
                                         float *packed) {
  const int64_t rows = kernels()->rows;
  for (int64_t p = 0; p < terms; p++, a += lda) {
    float *out = packed + p * rows;
    fetch_ahead(m, a, lda);
    int64_t i = 0;
    if (rows == MAX_ROWS) {
      for (; i + LANES <= m; i += MAX_ROWS) memcpy(out + i * A_STRIDE, a + i, LANES * sizeof(float));
    } else if (rows == 6) {
      for (; i + 8 <= m; i += 6) memcpy(out + i * A_STRIDE, a + i, 8 * sizeof(float));
    }
    for (; i < m; i += rows) {
      const int64_t count = smaller(rows, m - i);
      for (int64_t r = 0; r < count; r++) out[i * A_STRIDE + r] = a[i + r];
      for (int64_t r = count; r < rows; r++) out[i * A_STRIDE + r] = 0;
    }
  }
  if (!rounds) return;
  for (int64_t i = 0; i < m; i += rows) round_to_bf16(packed + i * A_STRIDE, terms * rows);
}

// Pairs -------------------------------------------------------------------------------------------

#if defined(__x86_64__) && defined(__linux__)
#define PAIRS CK_PAIRS_TARGET static
#define PAIRS_INLINE CK_PAIRS_TARGET CK_INLINE

// The first `count` of sixteen floats; the others are zero.
PAIRS_INLINE __m512 load_some(const float *x, int64_t count) {
  return _mm512_maskz_loadu_ps((__mmask16)(count >= LANES ? 0xffff : (1u << (count < 0 ? 0 : count)) - 1), x);
}

// Sixteen pairs of the same places of two rows.
PAIRS_INLINE __m512i zip(__m512 first, __m512 second) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                         5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(second, first));
}

// Rows [from, to) of elements: each holds two rows of the stored B, of which there are `terms`.
PAIRS void pack_stored_pairs(int64_t from, int64_t to, int64_t terms, int64_t depth, int64_t panels, int64_t columns,
                             const float *b, int64_t ldb, float *packed) {
  for (int64_t p = from; p < to; p += 8) {
    const int64_t end = smaller(p + 8, to);
    for (int64_t at = 0; at < panels * MAX_COLUMNS; at += MAX_COLUMNS) {
      const int64_t there = smaller(MAX_COLUMNS, columns - at);
      for (int64_t q = p; q < end; q++) {
        float *out = packed + at * depth + q * MAX_COLUMNS;
        const float *row = b + 2 * (q - from) * ldb + at;
        const int64_t next = 2 * (q - from) + 1 < terms ? there : 0;
        for (int64_t j = 0; j < MAX_COLUMNS; j += LANES) {
          const __m512 first = load_some(row + j, there - j), second = load_some(row + ldb + j, next - j);
          _mm512_storeu_si512(out + j, zip(first, second));
        }
      }
    }
  }
}

// Sixteen terms of a column, which are stored side by side, make eight elements.
PAIRS void pack_transposed_pairs(int64_t panels, int64_t terms, int64_t columns, const float *b, int64_t ldb,
                                 float *packed) {
  const int64_t depth = (terms + 1) / 2;
  for (int64_t at = 0; at < panels * MAX_COLUMNS; at += MAX_COLUMNS) {
    float *out = packed + at * depth;
    for (int64_t p = 0; p < depth; p += 8) {
      const int64_t count = smaller(8, depth - p);
      for (int64_t j = 0; j < MAX_COLUMNS; j += 8) {
        vf8 block[8];
        for (int r = 0; r < 8; r++) {
          const int64_t column = at + j + r, there = column < columns ? terms - 2 * p : 0;
          block[r] = (vf8)(__m256i)_mm512_cvtneps_pbh(load_some(b + column * ldb + 2 * p, there));
        }
        transpose_eight(block);
        for (int64_t q = 0; q < count; q++) *(vf8 *)(out + (p + q) * MAX_COLUMNS + j) = block[q];
      }
    }
  }
}

PAIRS void pack_pair_row(int64_t terms, const float *a, float *packed) {
  int64_t p = 0;
  for (; p + 2 * LANES <= terms; p += 2 * LANES) {
    const __m512bh pairs = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(a + p + LANES), _mm512_loadu_ps(a + p));
    _mm512_storeu_si512(packed + p / 2, (__m512i)pairs);
  }
  if (p == terms) return;
  const __m512 low = load_some(a + p, terms - p), high = load_some(a + p + LANES, terms - p - LANES);
  const int64_t left = (terms - p + 1) / 2;
  _mm512_mask_storeu_epi32(packed + p / 2, (__mmask16)((1u << left) - 1), (__m512i)_mm512_cvtne2ps_pbh(high, low));
}

// As pack_float_columns, two rows of the stored A at a time.
PAIRS void pack_pair_columns(int64_t m, int64_t terms, const float *a, int64_t lda, float *packed) {
  for (int64_t p = 0; p < terms; p += 2, a += 2 * lda) {
    float *out = packed + p / 2 * MAX_ROWS;
    const int has_second = p + 1 < terms;
    fetch_ahead(m, a, lda);
    fetch_ahead(m, a + lda, lda);
    int64_t i = 0;
    for (; has_second && i + LANES <= m; i += MAX_ROWS) {
      const __m512 first = _mm512_loadu_ps(a + i), second = _mm512_loadu_ps(a + lda + i);
      _mm512_storeu_si512(out + i * A_STRIDE, zip(first, second));
    }
    for (; i < m; i += MAX_ROWS) {
      const int64_t count = smaller(MAX_ROWS, m - i);
      const __m512 first = load_some(a + i, count), second = load_some(a + lda + i, has_second ? count : 0);
      _mm512_mask_storeu_epi32(out + i * A_STRIDE, (1u << MAX_ROWS) - 1, zip(first, second));
    }
  }
}
#else
// Never called: no kernel reads pairs here.
static void pack_stored_pairs(int64_t from, int64_t to, int64_t terms, int64_t depth, int64_t panels, int64_t columns,
                              const float *b, int64_t ldb, float *packed) {}
static void pack_transposed_pairs(int64_t panels, int64_t terms, int64_t columns, const float *b, int64_t ldb,
                                  float *packed) {}
static void pack_pair_row(int64_t terms, const float *a, float *packed) {}
static void pack_pair_columns(int64_t m, int64_t terms, const float *a, int64_t lda, float *packed) {}
#endif

// Both precisions ---------------------------------------------------------------------------------

// Packed B: for each stretch all panels in turn, each `elements x columns`, columns beyond n zero.
void ck_gemm_pack(ck_precision precision, int64_t stretch, int64_t first_panel, int64_t panels, int32_t transposed,
                  int64_t n, int64_t k, const float *b, int64_t ldb, float *packed) {
  const int64_t width = kernels()->columns, padded = rounded_up(n, width), each = terms_each(precision);
  const int64_t start = stretch * DEPTH * each, at = first_panel * width, columns = n - at;
  const int64_t terms = smaller(DEPTH * each, k - start), depth = elements(precision, terms);
  float *out = packed + stretch * DEPTH * padded + at * depth;
  const float *source = transposed ? b + at * ldb + start : b + start * ldb + at;
  if (each == 1) {
    pack_panels(precision == CK_BF16, transposed != 0, panels, terms, columns, source, ldb, width, out);
  } else if (transposed) {
    pack_transposed_pairs(panels, terms, columns, source, ldb, out);
  } else {
    pack_stored_pairs(0, depth, terms, depth, panels, columns, source, ldb, out);
  }
}

void ck_gemm_pack_rows(ck_precision precision, int64_t first, int64_t count, int64_t n, int64_t k, const float *b,
                       int64_t ldb, float *packed) {
  const int64_t width = kernels()->columns, padded = rounded_up(n, width), panels = padded / width;
  const int64_t each = terms_each(precision), whole = DEPTH * each, end = first + count;
  for (int64_t at = first; at < end;) {
    const int64_t stretch = at / whole, start = stretch * whole, terms = smaller(whole, k - start);
    const int64_t stop = smaller(end, start + terms);
    float *out = packed + stretch * DEPTH * padded;
    const float *source = b + (at - first) * ldb;
    if (each == 1) {
      pack_some_rows(precision == CK_BF16, at - start, stop - start, terms, panels, n, source, ldb, width, out);
    } else {
      pack_stored_pairs((at - start) / 2, (stop - start + 1) / 2, stop - at, elements(precision, terms), panels, n,
                        source, ldb, out);
    }
    at = stop;
  }
}

void ck_pack_rows(ck_precision precision, int64_t m, int64_t terms, const float *a, int64_t lda, float *packed) {
  if (are_pairs(precision)) {
    for (int64_t i = 0; i < m; i++) pack_pair_row(terms, a + i * lda, packed + i * A_STRIDE);
  } else {
    pack_float_rows(precision == CK_BF16, m, terms, a, lda, packed);
  }
  const size_t bytes = (size_t)elements(precision, terms) * sizeof(float);
  for (int64_t i = m; i < rounded_up(m, kernels()->rows); i++) memset(packed + i * A_STRIDE, 0, bytes);
}

void ck_pack_columns(ck_precision precision, int64_t m, int64_t terms, const float *a, int64_t lda, float *packed) {
  if (are_pairs(precision)) {
    pack_pair_columns(m, terms, a, lda, packed);
  } else {
    pack_float_columns(precision == CK_BF16, m, terms, a, lda, packed);
  }
}

void ck_gemm_pack_left(ck_precision precision, int64_t m, int64_t k, const float *a, int64_t lda, float *packed) {
  const int64_t whole = ck_gemm_depth(precision);
  for (int64_t start = 0; start < k; start += whole) {
    ck_pack_rows(precision, m, smaller(whole, k - start), a + start, lda, packed);
    packed += ck_gemm_left_count(m);
  }
}
