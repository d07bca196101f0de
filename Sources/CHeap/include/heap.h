/* How much of the heap is in use: glibc's mallinfo2, which its Swift module leaves out. Used by the leak tests of
 * PluginCheck. */
#ifndef CSE_HEAP_H
#define CSE_HEAP_H
#include <malloc.h>
static inline long cse_heap_in_use(void) {
  struct mallinfo2 info = mallinfo2();
  return (long)(info.uordblks + info.hblkhd);
}
#endif
