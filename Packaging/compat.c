/* Linked into what is installed, so that it starts with glibc 2.34: Swift's library asks for hypotf, and what is linked
 * where glibc 2.35 or later is asks for the version of it that came with 2.35. */

#include <math.h>

/* The length of (x, y), as C says: infinite where one of them is, whatever the other. In double precision the squares
 * of floats can neither overflow nor vanish. Hidden: other libraries keep the system's. */
__attribute__((visibility("hidden"))) float hypotf(float x, float y) {
  if (isinf(x) || isinf(y)) return INFINITY;
  return (float)sqrt((double)x * x + (double)y * y);
}
