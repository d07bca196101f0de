// Our matrix products against OpenBLAS on the shapes of a training step: GFLOP/s of one core, the best of seven runs
// each, interleaved; what packing op(B) costs (once for all tiles and threads here, in every call there); and the
// largest difference.
//
//   clang -O3 -ffp-contract=fast -fno-math-errno -I Sources/CKernels/include $(pkg-config --cflags openblas) \
//     Sources/CKernels/gemm.c Sources/CKernels/gemm_pack.c Benchmarks/gemm/compare.c \
//     $(pkg-config --libs openblas) -lm -o /tmp/compare
//   taskset -c 0 /tmp/compare
//
// OPENBLAS_CORETYPE in the environment may hold OpenBLAS to older kernels: the first line tells which it took.

#include "ckernels.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  timespec_get(&t, TIME_UTC);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *numbers(int64_t count) {
  float *x = aligned_alloc(64, ((size_t)count * sizeof(float) + 63) / 64 * 64);
  if (x == NULL) exit(1);
  for (int64_t i = 0; i < count; i++) x[i] = (float)(rand() % 2001 - 1000) / 1000;
  return x;
}

typedef struct {
  const char *name;
  int transposed_a, transposed_b, m, n, k;
} product;

static void compare(product p) {
  const int lda = p.transposed_a ? p.m : p.k, ldb = p.transposed_b ? p.k : p.n;
  const double flops = 2.0 * p.m * p.n * p.k;
  const int repeats = (int)(2e9 / flops) + 3;
  const int64_t panels = (p.n + ck_gemm_panel_width() - 1) / ck_gemm_panel_width();
  const ck_gemm_shape shape = {
      .m = p.m,
      .n = p.n,
      .k = p.k,
      .layout = p.transposed_a ? CK_COLUMNS : CK_ROWS,
      .precision = CK_FLOAT32,
      .alpha = 1,
      .lda = lda,
      .ldc = p.n,
      .columns = p.n,
  };
  float *a = numbers((int64_t)p.m * p.k), *b = numbers((int64_t)p.n * p.k);
  float *theirs = numbers((int64_t)p.m * p.n), *ours = numbers((int64_t)p.m * p.n);
  float *packed = numbers(ck_gemm_packed_count(CK_FLOAT32, p.n, p.k)), *scratch = numbers(ck_gemm_scratch_count(p.m));
  double best[3] = {1e9, 1e9, 1e9};
  for (int run = 0; run < 7; run++) {
    double t = now();
    for (int i = 0; i < repeats; i++) {
      cblas_sgemm(CblasRowMajor, p.transposed_a ? CblasTrans : CblasNoTrans, p.transposed_b ? CblasTrans : CblasNoTrans,
                  p.m, p.n, p.k, 1, a, lda, b, ldb, 0, theirs, p.n);
    }
    best[0] = fmin(best[0], (now() - t) / repeats);
    t = now();
    for (int i = 0; i < repeats; i++) {
      for (int64_t s = 0; s * ck_gemm_depth(CK_FLOAT32) < p.k; s++)
        ck_gemm_pack(CK_FLOAT32, s, 0, panels, p.transposed_b, p.n, p.k, b, ldb, packed);
    }
    best[1] = fmin(best[1], (now() - t) / repeats);
    t = now();
    for (int i = 0; i < repeats; i++) ck_gemm_run(shape, a, packed, ours, scratch);
    best[2] = fmin(best[2], (now() - t) / repeats);
  }
  double difference = 0, largest = 0;
  for (int64_t i = 0; i < (int64_t)p.m * p.n; i++) {
    difference = fmax(difference, fabs((double)theirs[i] - ours[i]));
    largest = fmax(largest, fabs((double)theirs[i]));
  }
  printf("%-26s %5d %5d %5d   %7.1f %7.1f   %5.2f   %5.1f %%   %.0e\n", p.name, p.m, p.n, p.k, flops / best[0] * 1e-9,
         flops / best[2] * 1e-9, best[0] / best[2], 100 * best[1] / best[2], difference / largest);
  free(a), free(b), free(theirs), free(ours), free(packed), free(scratch);
}

int main(void) {
  openblas_set_num_threads(1);
  printf("OpenBLAS %s against ours, GFLOP/s of one core\n", openblas_get_corename());
  printf("%-26s %5s %5s %5s   %7s %7s   %5s   %7s   %s\n", "product", "m", "n", "k", "theirs", "ours",
         "ratio", "packing",
         "difference");
  const product products[] = {
      {"q, k, v", 0, 1, 208, 1152, 384},
      {"feed-forward in", 0, 1, 208, 1536, 384},
      {"feed-forward out", 0, 1, 208, 384, 1536},
      {"attention out", 0, 1, 208, 384, 384},
      {"gradient of input, in", 0, 0, 208, 384, 1536},
      {"gradient of input, out", 0, 0, 208, 1536, 384},
      {"gradient of weight", 1, 0, 384, 384, 3300},
      {"base: feed-forward in", 0, 1, 208, 3072, 768},
      {"base: feed-forward out", 0, 1, 208, 768, 3072},
      {"similarities", 0, 1, 64, 64, 384},
  };
  for (size_t i = 0; i < sizeof products / sizeof *products; i++) compare(products[i]);
}
