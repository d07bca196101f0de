// The names of the signals that end programs, in one table.

#include "cprocesses.h"

#include <signal.h>
#include <stddef.h>

static const struct {
  int number;
  const char *name, *note;
} signals[] = {
    {SIGSEGV, "SIGSEGV", NULL},
    {SIGBUS, "SIGBUS", NULL},
    {SIGILL, "SIGILL", "a trap"},
    {SIGTRAP, "SIGTRAP", "a trap"},
    {SIGABRT, "SIGABRT", NULL},
    {SIGFPE, "SIGFPE", NULL},
    {SIGKILL, "SIGKILL", NULL},
    {SIGALRM, "SIGALRM", NULL},
    {SIGINT, "SIGINT", NULL},
    {SIGTERM, "SIGTERM", NULL},
    {SIGHUP, "SIGHUP", NULL},
    {SIGPIPE, "SIGPIPE", NULL},
};

const char *cp_signal_name(int number) {
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
    if (signals[i].number == number) return signals[i].name;
  return NULL;
}

const char *cp_signal_note(int number) {
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
    if (signals[i].number == number) return signals[i].note;
  return NULL;
}
