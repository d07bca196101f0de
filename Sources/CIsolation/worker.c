// The bounds of a process that runs a plugin, and what it leaves when it dies.

#define _GNU_SOURCE
#include "isolation.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

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
  // A terminal or a scheduler sends these to everybody; the host decides when the worker ends.
  const int wishes[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU, SIGPIPE};
  for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) signal(wishes[i], SIG_IGN);
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
