// What starting processes needs of the system and Swift's Glibc module leaves out, and the names of signals for those
// who may call nothing else. Called by Processes, and by the crash handlers of CIsolation.
#ifndef CPROCESSES_H
#define CPROCESSES_H

#include <stdint.h>
#include <sys/types.h>

// The name of a signal that ends programs ("SIGSEGV"), or NULL. Safe in a signal handler.
const char *cp_signal_name(int number);
// What is behind it in a word or two ("a trap"), or NULL where its name says it. Safe in a signal handler.
const char *cp_signal_note(int number);

// How a program is started.
typedef struct {
  const char *program;
  char *const *arguments, *const *variables;  // each ended by NULL
  const int32_t *descriptors;                 // what becomes descriptor 0, 1, ... of the child; -1 is /dev/null
  int32_t count;                              // of them, at least 3
  int32_t inherits_others;                    // whether it also gets those that are not closed on exec
  int32_t own_group;                          // whether it leads a process group of its own
} cp_start;

// Starts it. The process id, or -1 with errno.
pid_t cp_spawn(const cp_start *start);
// A pipe (read end, write end) that no child inherits by itself; 0, or -1 with errno.
int cp_pipe(int32_t ends[2]);

#endif
