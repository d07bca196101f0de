// The hot loops behind the Kernels module: plain C on caller-owned buffers, one clone per vector width.
// Called by Kernels, Encoder, Objective and Ranks. Pointers are never kept beyond a call, except by the pool.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

// Memory ------------------------------------------------------------------------------------------

// Returns `bytes` of zeroed memory aligned to 64 bytes (large blocks lie on huge pages), or NULL.
void *ck_allocate(size_t bytes);
// Asks for small pages from the start of a large block on: for memory of which only some rows are ever written.
void ck_prefer_small_pages(void *memory, size_t bytes);
// Touches every page for writing, without changing a byte, so that memory which is about to be filled costs one page
// fault a page: one that is read first is mapped to a shared page of zeros, and its first write faults on all cores.
void ck_claim(void *memory, size_t bytes);
// Frees what ck_allocate returned; `bytes` must be the size asked for.
void ck_free(void *memory, size_t bytes);

// Thread pool -------------------------------------------------------------------------------------

typedef struct ck_pool ck_pool;
// Runs one chunk: [0, chunks) are handed out in ascending order; `worker` is in [0, threads).
typedef void (*ck_chunk_fn)(void *context, int64_t chunk, int32_t worker);

// Starts threads - 1 workers; NULL where the system refuses.
ck_pool *ck_pool_create(int32_t threads);
// Ends and joins the workers. No call may be in flight.
void ck_pool_destroy(ck_pool *pool);
// Runs every chunk once and returns when all are done; the caller works as worker 0. A call from inside
// a chunk of the same pool runs serially under that chunk's worker; calls from several threads take turns.
void ck_pool_run(ck_pool *pool, int64_t chunks, ck_chunk_fn run, void *context);
// For loops that the caller runs itself: takes its turn and says as which worker, 0. Inside of a chunk of the same pool
// nothing is taken and the chunk's worker is told; the result says whether ck_pool_leave has to follow.
int32_t ck_pool_enter(ck_pool *pool, int32_t *worker);
void ck_pool_leave(ck_pool *pool);
// How many processors this process may run on.
int32_t ck_available_threads(void);
// A clock that never jumps.
int64_t ck_nanoseconds(void);

// Random numbers: Philox4x32-10 -------------------------------------------------------------------

// One block: out[4] from counter[4] and key[2].
void ck_philox_block(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);
// Writes blocks [first, first + count) of a step as 4 * count words, counter = (block, step).
void ck_philox_words(uint64_t key, uint64_t step, uint64_t first, int64_t count, uint32_t *out);
// Words to [0, 1) with 24 bits.
void ck_words_to_uniform(const uint32_t *words, int64_t count, float *out);
// Words [start, start + count) to normal numbers; `words` starts at a block, pairs (2j, 2j + 1) belong together.
void ck_words_to_normal(const uint32_t *words, int64_t start, int64_t count, float *out);

// Optimiser and norms -----------------------------------------------------------------------------

typedef struct {
  float learning_rate;  // already divided by 1 - beta1^t
  float decay;          // factor of the old value: 1 - lr * weight decay
  float beta1, beta2, epsilon;
  float inverse_root_bias2;  // 1 / sqrt(1 - beta2^t)
  float gradient_scale;
} ck_adamw;

// One AdamW step over `count` values (Loshchilov and Hutter 2019, algorithm 2, as in PyTorch).
void ck_adamw_step(int64_t count, ck_adamw settings, float *value, const float *gradient, float *m, float *v);
// The sum of squares in double.
double ck_squared_norm(int64_t count, const float *values);

// Matrix products ---------------------------------------------------------------------------------

// What the operands of a product are rounded to; sums are float32.
typedef enum {
  CK_FLOAT32,
  CK_BF16,
} ck_precision;

// How op(A) lies: as rows of its own, as columns of the stored A [k, m], or as ck_gemm_pack_left left it.
typedef enum {
  CK_ROWS,
  CK_COLUMNS,
  CK_PACKED,
} ck_gemm_layout;

// C = alpha op(A) op(B) + beta C, row-major; op(A) is [m, k], C [m, n].
typedef struct {
  int64_t m, n, k;
  ck_gemm_layout layout;
  ck_precision precision;  // the one that op(B) was packed in
  float alpha, beta;       // with beta 0, C may hold anything before
  int64_t lda, ldc;        // floats between stored rows; a packed A has its own
  int64_t first, columns;  // op(B) is columns [first, first + n) of those that were packed; `first` begins a panel
} ck_gemm_shape;

// Holds the calling thread to the widest kernel of at most `bits` bits that this processor has and returns its width;
// what was packed before is void there. Without it, and after 512, a thread has the widest of all: this is for tests
// and comparisons.
int32_t ck_gemm_select(int32_t bits);
// The width of the calling thread's kernel.
int32_t ck_gemm_bits(void);
// Whether it has instructions for bfloat16; otherwise such products are made of rounded floats.
int32_t ck_gemm_has_bf16(void);
// Columns of a panel of packed B on this processor.
int64_t ck_gemm_panel_width(void);
// Rows of C that this processor computes at a time: heights that are multiples of it waste nothing.
int64_t ck_gemm_tile_height(void);
// Elements of four bytes that packed op(B) [k, n] takes.
int64_t ck_gemm_packed_count(ck_precision precision, int64_t n, int64_t k);
// Terms of a stretch: op(B) is packed stretch by stretch.
int64_t ck_gemm_depth(ck_precision precision);
// Packs panels [first, first + panels) of a stretch of op(B); `transposed`: B is stored as [n, k]. Panels and stretches
// are independent.
void ck_gemm_pack(ck_precision precision, int64_t stretch, int64_t first_panel, int64_t panels, int32_t transposed,
                  int64_t n, int64_t k, const float *b, int64_t ldb, float *packed);
// Packs terms [first, first + count) of B [k, n]: `count` rows as they are stored, from `b` on. `first` is even, and so
// is `count` but at the end.
void ck_gemm_pack_rows(ck_precision precision, int64_t first, int64_t count, int64_t n, int64_t k, const float *b,
                       int64_t ldb, float *packed);
// Elements between rows of packed op(A), and what a stretch of `m` rows takes.
int64_t ck_gemm_row_stride(void);
int64_t ck_gemm_left_count(int64_t m);
// Packs op(A) [m, k], stored as rows, for several products: stretch after stretch, each of ck_gemm_left_count(m)
// elements. In float32 a product may as well write its C there, as rows of the right distance: what lies beyond row m
// is read and not used.
void ck_gemm_pack_left(ck_precision precision, int64_t m, int64_t k, const float *a, int64_t lda, float *packed);
// Floats of scratch for `m` rows.
int64_t ck_gemm_scratch_count(int64_t m);
// Computes C on the calling thread; `scratch` is aligned like ck_allocate's memory.
void ck_gemm_run(ck_gemm_shape shape, const float *a, const float *packed, float *c, float *scratch);

// Embeddings as bytes -----------------------------------------------------------------------------

// dots[r] = sum of codes[r][i] * query[i], i < width. The caller sees to it that 32 bits are enough.
void ck_code_dots(int64_t rows, int64_t width, const int8_t *codes, const int16_t *query, int32_t *dots);
// How large a row's score may be: factor * scales[r] * dots[r] + slack + length * errors[r].
typedef struct {
  float factor, slack, length;
} ck_code_bounds;
// Writes the rows whose score may reach `limit`, in their order, and returns how many there are.
int64_t ck_code_select(int64_t rows, const int32_t *dots, const float *scales, const float *errors, ck_code_bounds by,
                       float limit, int32_t *chosen);
// Minus the product of two rows in bytes: each is a float, the step of its codes, and `*width` codes behind it. Takes
// untyped pointers as cse_graph.h wants them; `width` points to an int64_t, at most 131072.
float ck_code_distance(const void *a, const void *b, const void *width);

#include "ckernels_cells.h"
#include "ckernels_encoder.h"

#endif
