// A bare sampler that crashes while a file exists; see faulty.c.
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

void bare_noise(const float *z2, int64_t n, int64_t d, uint64_t seed, int64_t step, int64_t from, const char *file, float *out) {
  if (step >= from && access(file, F_OK) == 0) abort();
  for (int64_t i = 0; i < n * d; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    out[i] = z2[i] + (float)(seed >> 40) / (float)(1 << 24);
  }
}
const char cse_functions[] = "sampler bare_noise(z2:f32[n,d], n:i64, d:i64, seed:u64, step:i64, from:i64=0, file:cstr=\"\", "
                             "out out:f32[n,d]) detached;";
