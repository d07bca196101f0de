// Stands before the C library (LD_PRELOAD) and makes one call of one function fail, or ends the process there: the
// call number INTERPOSE_NUMBER of INTERPOSE_CALL fails with the error INTERPOSE_ERROR, 0 is SIGKILL. With
// INTERPOSE_COUNTS, how often each function was called is written to that file at the end.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RENAME, RENAMEAT2, LINK, UNLINK, RMDIR, MKDIR, FSYNC, FTRUNCATE, UNLINKAT, WRITE, PWRITE, CALLS };

static const char *const names[CALLS] = {"rename", "renameat2", "link",     "unlink", "rmdir", "mkdir",
                                         "fsync",  "ftruncate", "unlinkat", "write",  "pwrite"};
static long counts[CALLS], number;
static int wanted = -1, error;

__attribute__((constructor)) static void begin(void) {
  const char *call = getenv("INTERPOSE_CALL"), *place = getenv("INTERPOSE_NUMBER"), *code = getenv("INTERPOSE_ERROR");
  if (call == NULL || place == NULL || code == NULL) return;
  for (int i = 0; i < CALLS; i++)
    if (strcmp(call, names[i]) == 0) wanted = i;
  number = atol(place);
  error = atoi(code);
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("INTERPOSE_COUNTS");
  FILE *file = path == NULL ? NULL : fopen(path, "w");
  if (file == NULL) return;
  for (int i = 0; i < CALLS; i++) fprintf(file, "%s %ld\n", names[i], counts[i]);
  fclose(file);
}

static int fails(int call) {
  const long count = __atomic_add_fetch(&counts[call], 1, __ATOMIC_RELAXED);
  if (call != wanted || count != number) return 0;
  if (error == 0) kill(getpid(), SIGKILL);
  errno = error;
  return 1;
}

#define INSTEAD(call, result, name, parameters, arguments) \
  result name parameters { \
    static result(*real) parameters; \
    if (real == NULL) real = (result(*) parameters)dlsym(RTLD_NEXT, #name); \
    return fails(call) ? -1 : real arguments; \
  }

INSTEAD(RENAME, int, rename, (const char *from, const char *to), (from, to))
INSTEAD(RENAMEAT2, int, renameat2, (int a, const char *from, int b, const char *to, unsigned flags),
        (a, from, b, to, flags))
INSTEAD(LINK, int, link, (const char *from, const char *to), (from, to))
INSTEAD(UNLINK, int, unlink, (const char *path), (path))
INSTEAD(RMDIR, int, rmdir, (const char *path), (path))
INSTEAD(MKDIR, int, mkdir, (const char *path, mode_t mode), (path, mode))
INSTEAD(FSYNC, int, fsync, (int file), (file))
INSTEAD(FTRUNCATE, int, ftruncate, (int file, off_t size), (file, size))
INSTEAD(FTRUNCATE, int, ftruncate64, (int file, off64_t size), (file, size))
INSTEAD(UNLINKAT, int, unlinkat, (int folder, const char *path, int flags), (folder, path, flags))
/* What is said on the terminal, and how often threads wake each other, depends on how fast the machine is: only writes
 * to files are counted and fail. */
static int is_file(int file) {
  struct stat status;
  return file > STDERR_FILENO && fstat(file, &status) == 0 && S_ISREG(status.st_mode);
}
ssize_t write(int file, const void *bytes, size_t count) {
  static ssize_t (*real)(int, const void *, size_t);
  if (real == NULL) real = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
  return is_file(file) && fails(WRITE) ? -1 : real(file, bytes, count);
}
INSTEAD(PWRITE, ssize_t, pwrite, (int file, const void *bytes, size_t count, off_t place), (file, bytes, count, place))
INSTEAD(PWRITE, ssize_t, pwrite64, (int file, const void *bytes, size_t count, off64_t place),
        (file, bytes, count, place))
