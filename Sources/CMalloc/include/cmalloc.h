/* How much of the heap is in use: glibc's mallinfo2, which its Swift module leaves out. For the leak tests of
 * PluginCheck. */
#ifndef CMALLOC_H
#define CMALLOC_H
#include <malloc.h>
static inline long cm_bytes_in_use(void) {
  struct mallinfo2 info = mallinfo2();
  return (long)(info.uordblks + info.hblkhd);
}
#endif
