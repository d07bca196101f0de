// Zeroed, aligned blocks: small ones from malloc, large ones mapped on huge pages.

#include "ckernels.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { CK_HUGE = 2 << 20 };

static size_t rounded(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

static void *map_huge(size_t bytes) {
  size_t size = rounded(bytes, CK_HUGE);
  char *raw = mmap(NULL, size + CK_HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) return NULL;
  size_t head = rounded((size_t)raw, CK_HUGE) - (size_t)raw;
  if (head > 0) munmap(raw, head);
  if (head < CK_HUGE) munmap(raw + head + size, CK_HUGE - head);
  madvise(raw + head, size, MADV_HUGEPAGE);  // a hint: refusal changes nothing but speed
  return raw + head;
}

void *ck_allocate(size_t bytes) {
  if (bytes >= CK_HUGE) return map_huge(bytes);
  void *memory = NULL;
  size_t size = rounded(bytes > 0 ? bytes : 1, 64);
  if (posix_memalign(&memory, 64, size) != 0) return NULL;
  return memset(memory, 0, size);
}

void ck_prefer_small_pages(void *memory, size_t bytes) {
  // A hint on whole huge pages, which only large blocks are aligned to.
  if (bytes >= CK_HUGE) madvise(memory, bytes / CK_HUGE * CK_HUGE, MADV_NOHUGEPAGE);
}

void ck_free(void *memory, size_t bytes) {
  if (memory == NULL) return;
  if (bytes >= CK_HUGE) {
    munmap(memory, rounded(bytes, CK_HUGE));
  } else {
    free(memory);
  }
}

void ck_claim(void *memory, size_t bytes) {
  enum { PAGE = 4096 };
  char *first = memory, *end = first + bytes;
  for (char *at = first; at < end; at = (char *)(((size_t)at / PAGE + 1) * PAGE))
    __atomic_fetch_or(at, 0, __ATOMIC_RELAXED);
}
