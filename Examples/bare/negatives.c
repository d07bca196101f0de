/* Two samplers as bare functions: random directions, and a queue of earlier positives with a state. No header, no
 * table. */
#include <stdint.h>
#include <string.h>

const char cse_functions[] =
    "library org.example.negatives 1.0.0 ;\n"
    "sampler gaussian(d:i64, count:i64=32 in [1,4096] \"how many\", cb normal:f64, out noise:f32[count,d]) detached\n"
    "  \"random directions as negatives (gsInfoNCE, COLING 2022)\" ;\n"
    "sampler recent(size:i64=64 in [1,] \"vectors kept\", state ring:f32[size,d], state pushed:i64[1],"
    " out used:i64[1])\n"
    "  -> f64 metric(kept) cols(ring) commit(push) \"positives of earlier batches as negatives\" ;\n"
    "commit push(z2:f32[n,d], n:i64, d:i64, size:i64, inout ring:f32[size,d], inout pushed:i64[1]) ;\n";

void gaussian(int64_t d, int64_t count, double (*normal)(void), float *noise) {
  for (int64_t i = 0; i < count * d; i++) noise[i] = (float)normal();
}

/* While the ring fills, only the columns that were written take part. */
double recent(int64_t size, const float *ring, const int64_t *pushed, int64_t *used) {
  (void)ring;
  *used = *pushed < size ? *pushed : size;
  return (double)*used;
}

/* Once for each accepted batch; only here may a state change. */
void push(const float *z2, int64_t n, int64_t d, int64_t size, float *ring, int64_t *pushed) {
  for (int64_t i = 0; i < n; i++, (*pushed)++)
    memcpy(ring + *pushed % size * d, z2 + i * d, (size_t)d * sizeof(float));
}
