// The bounds of a process that runs a plugin, and what it leaves when it dies.

#define _GNU_SOURCE
#include "isolation.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FIRST_FREE = 32 };  // numbers below are given to the worker

int iso_pipe(int ends[2]) {
  int low[2];
  if (pipe2(low, O_CLOEXEC) != 0) return -1;
  ends[0] = fcntl(low[0], F_DUPFD_CLOEXEC, FIRST_FREE);
  ends[1] = fcntl(low[1], F_DUPFD_CLOEXEC, FIRST_FREE);
  int reason = errno;
  close(low[0]);
  close(low[1]);
  if (ends[0] >= 0 && ends[1] >= 0) return 0;
  if (ends[0] >= 0) close(ends[0]);
  errno = reason;
  return -1;
}

/* This program's environment, without the backtracer: its pages of registers would hide what the plugin wrote last.
 * Whoever sets SWIFT_BACKTRACE wants it. */
static char **environment(void) {
  size_t count = 0;
  while (environ[count] != NULL) count++;
  char **copy = calloc(count + 2, sizeof *copy);
  if (copy == NULL) return environ;
  memcpy(copy, environ, count * sizeof *copy);
  if (getenv("SWIFT_BACKTRACE") == NULL) copy[count] = "SWIFT_BACKTRACE=enable=no";
  return copy;
}

pid_t iso_start(char *const arguments[], int shown, int shared, int report, int output) {
  posix_spawn_file_actions_t actions;
  if (posix_spawn_file_actions_init(&actions) != 0) return -1;
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_adddup2(&actions, output, 2);
  posix_spawn_file_actions_adddup2(&actions, shown, 3);
  posix_spawn_file_actions_adddup2(&actions, shared, 4);
  posix_spawn_file_actions_adddup2(&actions, report, 5);
  posix_spawn_file_actions_addclosefrom_np(&actions, 6);
  char **variables = environment();
  pid_t worker = -1;
  int reason = posix_spawn(&worker, "/proc/self/exe", &actions, NULL, arguments, variables);
  posix_spawn_file_actions_destroy(&actions);
  if (variables != environ) free(variables);
  if (reason == 0) return worker;
  errno = reason;
  return -1;
}

static void lower(int what, uint64_t bytes) {
  struct rlimit limit;
  if (getrlimit(what, &limit) != 0 || limit.rlim_max < bytes) return;
  limit.rlim_cur = limit.rlim_max = bytes;
  setrlimit(what, &limit);
}

int iso_confine(pid_t parent, uint64_t bytes) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) return -1;
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  lower(RLIMIT_CORE, 0);
  // Counts what the process has written or may write for itself alone; memory shared with the host is not among it.
  if (bytes > 0) lower(RLIMIT_DATA, bytes);
  int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (score >= 0) {
    ssize_t written = write(score, "1000", 4);
    (void)written;
    close(score);
  }
  // A terminal sends these to everybody; the host decides when the worker ends.
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  return 0;
}

static iso_doorbell *noted;

static void note(int number, siginfo_t *info, void *context) {
  (void)context;
  noted->signal = number;
  noted->code = info->si_code;
  noted->address = (uint64_t)info->si_addr;
  signal(number, SIG_DFL);
  raise(number);
}

void iso_note_signals(iso_doorbell *bell) {
  noted = bell;
  stack_t stack = {.ss_size = 64 * 1024};
  stack.ss_sp = malloc(stack.ss_size);
  if (stack.ss_sp != NULL) sigaltstack(&stack, NULL);
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
  action.sa_sigaction = note;
  sigemptyset(&action.sa_mask);
  const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
}
