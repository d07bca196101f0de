/* Bare functions whose line does not say what the function is, or that break a rule of their own. -DCASE picks one. */
#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(WIDTH)
#define LINE "sampler f(z2:f32[n,d], n:i64, d:i64, out x:f64[n,d]) detached ;" /* it writes floats */
#elif defined(SENTINEL)
#define LINE "sampler f(z2:f32[n,d], n:i64, d:i64, out x:f32[n,d]) detached ;" /* leaves the last number */
#elif defined(GRADIENT)
#define LINE "loss f(u1:f32[n,d], u2:f32[n,d], n:i64, d:i64, out du1:f32[n,d]) -> f64 ;" /* forgets du2 */
#elif defined(PAST)
#define LINE "sampler f(z2:f32[n,d], n:i64, d:i64, out x:f32[n,d]) detached ;"
#endif
const char cse_functions[] = LINE;
#if defined(GRADIENT)
double f(const float *u1, const float *u2, int64_t n, int64_t d, float *du1) {
  double sum = 0;
  for (int64_t i = 0; i < n * d; i++) sum += u1[i] * u2[i] / (double)n, du1[i] = u2[i] / (float)n;
  return sum;
}
#else
void f(const float *z2, int64_t n, int64_t d, float *x) {
  int64_t count = n * d;
#if defined(SENTINEL)
  count--;
#elif defined(PAST)
  x[count + 100] = 1;
#endif
  memcpy(x, z2, sizeof(float) * (size_t)count);
}
#endif
