// Counts what a thread asks the C library's allocator for. Linked into the tests only: a program's own malloc takes the
// place of glibc's in every library it loads, the Swift runtime among them.

#include "allocation_counter.h"

#include <errno.h>
#include <execinfo.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static _Thread_local int64_t calls, largest;
static _Thread_local int counting, tracing;

void ac_start(int traces) {
  calls = 0;
  largest = 0;
  tracing = traces;
  counting = 1;
}

int64_t ac_stop(void) {
  counting = 0;
  return calls;
}

int64_t ac_largest(void) { return largest; }

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif

// A sanitizer puts its own allocator in the place of glibc's, and starts before this one could.
#ifdef SANITIZED
int ac_counts(void) { return 0; }
#else
int ac_counts(void) { return 1; }

static void note(size_t size) {
  if (!counting) return;
  calls++;
  if ((int64_t)size > largest) largest = (int64_t)size;
  if (!tracing) return;
  counting = 0;  // the trace itself allocates
  void *frames[24];
  const int count = backtrace(frames, 24);
  backtrace_symbols_fd(frames + 2, count > 2 ? count - 2 : 0, STDERR_FILENO);
  if (write(STDERR_FILENO, "\n", 1) != 1) tracing = 0;
  counting = 1;
}

void *malloc(size_t size) {
  note(size);
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  note(count * size);
  return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
  note(size);
  return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
  note(size);
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **result, size_t alignment, size_t size) {
  void *memory = memalign(alignment, size);
  if (memory == NULL) return ENOMEM;
  *result = memory;
  return 0;
}
#endif
