// What the cores can do at most, and what our matrix products reach of it on every shape of a training step.
//
//   clang -O3 -ffp-contract=fast -fno-math-errno -pthread -I Sources/CKernels/include \
//     Sources/CKernels/gemm.c Sources/CKernels/gemm_pack.c Benchmarks/gemm/rates.c -lm -o /tmp/rates
//   /tmp/rates THREADS [--peaks]
//
// Prints JSON: GFLOP/s of all threads at once. `peak` is the best of independent accumulators that never leave their
// registers, with the widest vectors of the processor; `bf16` is there where it multiplies pairs of bfloat16. A shape
// is a list of [what, m, n, k, float32, bf16], the medians of several runs; op(B) is packed beforehand, once for all
// rows, as in a step. Rows are shared out in halves, op(A) is packed as part of the product.

#include "ckernels.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// Peaks -------------------------------------------------------------------------------------------

enum { SUMS = 14,
       TURNS = 24000000 };

// Operations of `TURNS` rounds. What the sums begin with is hidden from the compiler, which would find them all equal,
// and they are looked at, so that none is left out.
#define HIDE(x) __asm__ volatile("" \
                                 : "+v"(x))
// clang-format off
#define PEAK(NAME, TARGET, VECTOR, FIRST, SECOND, STEP, OPERATIONS)                 \
  TARGET static double NAME(void) {                                                 \
    VECTOR sums[SUMS], x = FIRST, y = SECOND;                                       \
    HIDE(x);                                                                        \
    HIDE(y);                                                                        \
    for (int i = 0; i < SUMS; i++) {                                                \
      sums[i] = x;                                                                  \
      HIDE(sums[i]);                                                                \
    }                                                                               \
    for (long turn = 0; turn < TURNS; turn++) {                                     \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < SUMS; i++) STEP;       \
    }                                                                               \
    for (int i = 0; i < SUMS; i++) HIDE(sums[i]);                                   \
    return (double)TURNS * SUMS * OPERATIONS;                                       \
  }
// clang-format on

#if defined(__x86_64__)
PEAK(peak_avx2, __attribute__((target("avx2,fma"))), __m256, _mm256_set1_ps(1.0001f), _mm256_set1_ps(0.9999f),
     sums[i] = _mm256_fmadd_ps(x, y, sums[i]), 16)
PEAK(peak_avx512, __attribute__((target("avx512f"))), __m512, _mm512_set1_ps(1.0001f), _mm512_set1_ps(0.9999f),
     sums[i] = _mm512_fmadd_ps(x, y, sums[i]), 32)
PEAK(peak_bf16, __attribute__((target("avx512f,avx512bf16"))), __m512, (__m512)_mm512_set1_epi16(0x3f80),
     (__m512)_mm512_set1_epi16(0x3f81), sums[i] = _mm512_dpbf16_ps(sums[i], (__m512bh)x, (__m512bh)y), 64)
#endif

typedef double (*peak)(void);

static peak float_peak(void) {
#if defined(__x86_64__)
  if (ck_gemm_bits() == 512) return peak_avx512;
  if (ck_gemm_bits() == 256) return peak_avx2;
#endif
  return NULL;
}

static peak bf16_peak(void) {
#if defined(__x86_64__)
  if (ck_gemm_has_bf16()) return peak_bf16;
#endif
  return NULL;
}

// All threads at once -----------------------------------------------------------------------------

typedef struct {
  const char *name;
  int transposed_a, transposed_b;
  int64_t m, n, k;
} product;

typedef struct {
  pthread_t thread;
  int number, threads;
  pthread_barrier_t *barrier;
  double (*work)(int number, int threads, void *context);
  void *context;
  double operations, began, ended;
} worker;

static void *start(void *of) {
  worker *w = of;
  pthread_barrier_wait(w->barrier);
  w->began = now();
  w->operations = w->work(w->number, w->threads, w->context);
  w->ended = now();
  return NULL;
}

// Operations a second x 1e-9 of all threads together, from the first one's start to the last one's end.
static double rate(int threads, double (*work)(int, int, void *), void *context) {
  worker workers[64];
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, NULL, (unsigned)threads);
  for (int i = 0; i < threads; i++) {
    workers[i] = (worker){.number = i, .threads = threads, .barrier = &barrier, .work = work, .context = context};
    pthread_create(&workers[i].thread, NULL, start, &workers[i]);
  }
  double operations = 0, began = 0, ended = 0;
  for (int i = 0; i < threads; i++) {
    pthread_join(workers[i].thread, NULL);
    operations += workers[i].operations;
    if (i == 0 || workers[i].began < began) began = workers[i].began;
    if (i == 0 || workers[i].ended > ended) ended = workers[i].ended;
  }
  return operations / (ended - began) * 1e-9;
}

static double peak_work(int number, int threads, void *context) {
  (void)number, (void)threads;
  return ((peak)context)();
}

static int by_size(const void *x, const void *y) {
  return (*(const double *)x > *(const double *)y) - (*(const double *)x < *(const double *)y);
}

// Products ----------------------------------------------------------------------------------------

typedef struct {
  product p;
  ck_precision precision;
  int repeats;
  const float *a, *packed;
  float *c, *scratch[64];
} job;

static float *numbers(int64_t count) {
  float *x = aligned_alloc(64, ((size_t)count * sizeof(float) + 63) / 64 * 64);
  if (x == NULL) exit(1);
  for (int64_t i = 0; i < count; i++) x[i] = (float)(rand() % 2001 - 1000) / 1000;
  return x;
}

enum { TILE = 126 };

static double product_work(int number, int threads, void *context) {
  const job *j = context;
  const product p = j->p;
  const int64_t share = (p.m / threads + 13) / 14 * 14, first = number * share;
  const int64_t last = number == threads - 1 ? p.m : first + share;
  for (int r = 0; r < j->repeats; r++) {
    const int64_t height = TILE;
    for (int64_t i = first; i < last; i += height) {
      const ck_gemm_shape shape = {
          .m = last - i < height ? last - i : height,
          .n = p.n,
          .k = p.k,
          .layout = p.transposed_a ? CK_COLUMNS : CK_ROWS,
          .precision = j->precision,
          .alpha = 1,
          .lda = p.transposed_a ? p.m : p.k,
          .ldc = p.n,
          .columns = p.n,
      };
      ck_gemm_run(shape, j->a + (p.transposed_a ? i : i * p.k), j->packed, j->c + i * p.n, j->scratch[number]);
    }
  }
  return 2.0 * (double)(last - first) * (double)p.n * (double)p.k * j->repeats;
}

static double measure(product p, ck_precision precision, int threads) {
  job j = {.p = p, .precision = precision, .repeats = (int)(4e10 / (2.0 * (double)(p.m * p.n * p.k))) + 1};
  float *a = numbers(p.m * p.k), *b = numbers(p.n * p.k), *packed = numbers(ck_gemm_packed_count(precision, p.n, p.k));
  const int64_t panels = (p.n + ck_gemm_panel_width() - 1) / ck_gemm_panel_width();
  for (int64_t s = 0; s * ck_gemm_depth(precision) < p.k; s++) {
    ck_gemm_pack(precision, s, 0, panels, p.transposed_b, p.n, p.k, b, p.transposed_b ? p.k : p.n, packed);
  }
  j.a = a, j.packed = packed, j.c = numbers(p.m * p.n);
  for (int i = 0; i < threads; i++) j.scratch[i] = numbers(ck_gemm_scratch_count(p.m));
  double rates[5];
  for (int i = 0; i < 5; i++) rates[i] = rate(threads, product_work, &j);
  qsort(rates, 5, sizeof *rates, by_size);
  for (int i = 0; i < threads; i++) free(j.scratch[i]);
  free(a), free(b), free(packed), free(j.c);
  return rates[2];
}

int main(int count, char **arguments) {
  const int threads = count > 1 ? atoi(arguments[1]) : 1;
  if (threads < 1 || threads > 64) return fprintf(stderr, "expected 1 to 64 threads\n"), 64;
  const peak peaks[] = {float_peak(), bf16_peak()};
  double best[2] = {0, 0};
  for (int i = 0; i < 10; i++) {
    const double found = peaks[i % 2] == NULL ? 0 : rate(threads, peak_work, (void *)peaks[i % 2]);
    if (found > best[i % 2]) best[i % 2] = found;
  }
  printf("{\"bits\": %d, \"threads\": %d, \"peak\": {\"float32\": %.1f", ck_gemm_bits(), threads, best[0]);
  if (best[1] > 0) printf(", \"bf16\": %.1f", best[1]);
  if (count > 2 && strcmp(arguments[2], "--peaks") == 0) return puts("}}"), 0;
  printf("}, \"shapes\": [");
  const product products[] = {
      {"MiniLM query, key, value", 0, 1, 3276, 1152, 384},
      {"MiniLM attention out", 0, 1, 3276, 384, 384},
      {"MiniLM feed-forward in", 0, 1, 3276, 1536, 384},
      {"MiniLM feed-forward out", 0, 1, 3276, 384, 1536},
      {"MiniLM d query, key, value", 0, 0, 3276, 384, 1152},
      {"MiniLM d feed-forward in", 0, 0, 3276, 384, 1536},
      {"MiniLM d feed-forward out", 0, 0, 3276, 1536, 384},
      {"MiniLM d W query, key, value", 1, 0, 1152, 384, 3276},
      {"MiniLM d W feed-forward in", 1, 0, 1536, 384, 3276},
      {"MiniLM d W feed-forward out", 1, 0, 384, 1536, 3276},
      {"base query, key, value", 0, 1, 3276, 2304, 768},
      {"base attention out", 0, 1, 3276, 768, 768},
      {"base feed-forward in", 0, 1, 3276, 3072, 768},
      {"base feed-forward out", 0, 1, 3276, 768, 3072},
      {"base d query, key, value", 0, 0, 3276, 768, 2304},
      {"base d feed-forward in", 0, 0, 3276, 768, 3072},
      {"base d feed-forward out", 0, 0, 3276, 3072, 768},
      {"base d W query, key, value", 1, 0, 2304, 768, 3276},
      {"base d W feed-forward in", 1, 0, 3072, 768, 3276},
      {"base d W feed-forward out", 1, 0, 768, 3072, 3276},
  };
  for (size_t i = 0; i < sizeof products / sizeof *products; i++) {
    const product p = products[i];
    const double found = measure(p, CK_FLOAT32, threads), rounded = measure(p, CK_BF16, threads);
    printf("%s[\"%s\", %ld, %ld, %ld, %.1f, %.1f]", i == 0 ? "" : ", ", p.name, (long)p.m, (long)p.n, (long)p.k, found,
           rounded);
  }
  printf("]}\n");
  return 0;
}
