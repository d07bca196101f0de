// Starting a program with exactly the descriptors it is meant to have.

#define _GNU_SOURCE
#include "cprocesses.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

int cp_pipe(int32_t ends[2]) {
  int pair[2];
  if (pipe2(pair, O_CLOEXEC) != 0) return -1;
  ends[0] = pair[0];
  ends[1] = pair[1];
  return 0;
}

// Descriptors are moved above those of the child first: otherwise one that is put in place could cover another.
static int add_descriptors(posix_spawn_file_actions_t *actions, const cp_start *start, int *copies) {
  for (int32_t i = 0; i < start->count; i++) {
    if (start->descriptors[i] < 0) {
      int reason = posix_spawn_file_actions_addopen(actions, i, "/dev/null", i == 0 ? O_RDONLY : O_WRONLY, 0);
      if (reason != 0) return reason;
      continue;
    }
    copies[i] = fcntl(start->descriptors[i], F_DUPFD_CLOEXEC, start->count);
    if (copies[i] < 0) return errno;
    int reason = posix_spawn_file_actions_adddup2(actions, copies[i], i);
    if (reason != 0) return reason;
  }
  return start->inherits_others ? 0 : posix_spawn_file_actions_addclosefrom_np(actions, start->count);
}

pid_t cp_spawn(const cp_start *start) {
  int *copies = malloc((size_t)start->count * sizeof *copies);
  if (copies == NULL) return -1;
  for (int32_t i = 0; i < start->count; i++) copies[i] = -1;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  if (start->own_group) {
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  }
  pid_t child = -1;
  int reason = add_descriptors(&actions, start, copies);
  if (reason == 0)
    reason = posix_spawn(&child, start->program, &actions, &attributes, start->arguments, start->variables);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  for (int32_t i = 0; i < start->count; i++)
    if (copies[i] >= 0) close(copies[i]);
  free(copies);
  if (reason == 0) return child;
  errno = reason;
  return -1;
}
