// Memory that is mapped at one address in two processes, so that pointers into it mean the same in both.

#define _GNU_SOURCE
#include "isolation.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

int iso_memory(const char *name, size_t bytes) {
  int low = memfd_create(name, MFD_CLOEXEC);
  if (low < 0) return -1;
  int memory = fcntl(low, F_DUPFD_CLOEXEC, 32);  // clear of the numbers a worker is given
  close(low);
  if (memory < 0) return -1;
  if (ftruncate(memory, (off_t)bytes) == 0) return memory;
  int reason = errno;
  close(memory);
  errno = reason;
  return -1;
}

int iso_map(int memory, void *address, size_t bytes, int writable) {
  int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  void *found = mmap(address, bytes, protection, MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE, memory, 0);
  if (found == address) return 0;
  // A kernel before 4.17 takes the address as a hint only.
  if (found != MAP_FAILED) {
    munmap(found, bytes);
    errno = EEXIST;
  }
  return -1;
}
