// What this process says when a plugin that runs inside of it crashes, calls exit() or never returns. Only functions
// that are safe in a signal handler are used in one: write, sigaction, raise.

#define _GNU_SOURCE
#include "isolation.h"

#include "cprocesses.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
  OUTSIDE = 0,
  INSIDE = 1,
  GIVEN_UP = 2,
  UNAVAILABLE = 69,
};

typedef struct {
  const char *who, *function;
  int64_t step;
  uint64_t number;  // tells one call from the next
  int state;
} crumb_t;

// A call belongs to the thread that made it; what a plugin's parallel loop does on others belongs to the latest.
static _Thread_local crumb_t own;
static crumb_t *latest;
static struct sigaction before[NSIG];
static void (*save_before_giving_up)(void);
// Whoever sets SWIFT_BACKTRACE wants sixty lines about a plugin's crash, too; others have read what they need.
static int wants_backtrace;

static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE};
enum { SIGNALS = sizeof signals / sizeof *signals };

static void say(const char *text) {
  ssize_t written = write(STDERR_FILENO, text, strlen(text));
  (void)written;
}

static void say_number(uint64_t value) {
  char digits[24];
  int at = sizeof digits - 1;
  digits[at] = 0;
  do digits[--at] = (char)('0' + value % 10);
  while (value /= 10);
  say(digits + at);
}

static void say_signal(int number) {
  const char *name = cp_signal_name(number), *note = cp_signal_note(number);
  say(name != NULL ? name : "a signal");
  if (note == NULL) return;
  say(" (");
  say(note);
  say(")");
}

static void say_place(const char *kind, const crumb_t *crumb) {
  say("\n");
  say(kind);
  say(": plugin ");
  say(crumb->who);
  say(", ");
  say(crumb->function);
  if (crumb->step >= 0) {
    say(" at step ");
    say_number((uint64_t)crumb->step);
  }
  say(": ");
}

static const char advice[] =
    "  --isolate runs plugins in processes of their own: then the run survives this and loses no step. The last\n"
    "  checkpoint is whole; --resume goes on from it.\n";

static crumb_t *here(void) {
  if (own.state != OUTSIDE) return &own;
  crumb_t *crumb = __atomic_load_n(&latest, __ATOMIC_ACQUIRE);
  return crumb != NULL && __atomic_load_n(&crumb->state, __ATOMIC_ACQUIRE) != OUTSIDE ? crumb : NULL;
}

static void handle(int number, siginfo_t *info, void *context) {
  (void)context;
  crumb_t *crumb = here();
  if (crumb != NULL) {
    say_place("error", crumb);
    say_signal(number);
    say(" inside the plugin, which ends the whole program\n");
    say(advice);
    crumb->state = OUTSIDE;
  }
  const struct sigaction end = {.sa_handler = SIG_DFL};
  sigaction(number, crumb != NULL && !wants_backtrace ? &end : &before[number], NULL);
  // A fault happens again on the return from here and goes to whoever was in charge before; a signal that was sent does
  // not.
  if (info->si_code <= 0) raise(number);
}

static void at_exit(void) {
  if (own.state != INSIDE) return;
  say_place("error", &own);
  say("it ended the program with exit(), which no plugin may\n");
  say(advice);
  _exit(UNAVAILABLE);
}

void iso_guard(void) {
  static int is_installed;
  if (is_installed++) return;
  wants_backtrace = getenv("SWIFT_BACKTRACE") != NULL;
  stack_t stack = {.ss_size = 64 * 1024}, present;
  if (sigaltstack(NULL, &present) == 0 && (present.ss_flags & SS_DISABLE)) {
    stack.ss_sp = malloc(stack.ss_size);
    if (stack.ss_sp != NULL) sigaltstack(&stack, NULL);
  }
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
  action.sa_sigaction = handle;
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < SIGNALS; i++) sigaction(signals[i], &action, &before[signals[i]]);
  atexit(at_exit);
}

void iso_enter(const char *who, const char *function, int64_t step) {
  static uint64_t calls;
  own.who = who;
  own.function = function;
  own.step = step;
  __atomic_store_n(&own.number, __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
  __atomic_store_n(&own.state, INSIDE, __ATOMIC_RELEASE);
  __atomic_store_n(&latest, &own, __ATOMIC_RELEASE);
}

void iso_leave(void) {
  int expected = INSIDE;
  if (!__atomic_compare_exchange_n(&own.state, &expected, OUTSIDE, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    while (expected == GIVEN_UP) pause();
  crumb_t *mine = &own;
  __atomic_compare_exchange_n(&latest, &mine, NULL, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

iso_entry iso_suspend(void) {
  iso_entry entry = {own.who, own.function, own.step};
  iso_leave();
  return entry;
}

void iso_resume(iso_entry entry) { iso_enter(entry.who, entry.function, entry.step); }

// ---- calls that never return

static double limit_seconds;

static void give_up(crumb_t *crumb) {
  int expected = INSIDE;
  if (!__atomic_compare_exchange_n(&crumb->state, &expected, GIVEN_UP, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) return;
  say_place("error", crumb);
  say("it has not returned for ");
  say_number((uint64_t)(limit_seconds + 0.5));
  say(" seconds (--plugin-deadline); the program ends\n");
  if (save_before_giving_up != NULL) save_before_giving_up();
  say(advice);
  _exit(UNAVAILABLE);
}

/* Counts its own sleeps, not the clock, so that a program that was stopped for an hour is not taken for one that
 * hangs. */
static void *watch(void *argument) {
  (void)argument;
  const int64_t tick = 20 * 1000000;
  const int64_t most = (int64_t)(limit_seconds * 1e9 / (double)tick);
  uint64_t number = 0;
  int64_t ticks = 0;
  for (;;) {
    nanosleep(&(struct timespec){0, tick}, NULL);
    crumb_t *crumb = __atomic_load_n(&latest, __ATOMIC_ACQUIRE);
    const uint64_t present = crumb == NULL ? 0 : __atomic_load_n(&crumb->number, __ATOMIC_RELAXED);
    if (crumb == NULL || __atomic_load_n(&crumb->state, __ATOMIC_ACQUIRE) != INSIDE || present != number) {
      number = present;
      ticks = 0;
      continue;
    }
    ticks++;
    if (ticks == most / 2 + 1 && limit_seconds >= 10) {
      say_place("warning", crumb);
      say("it has not returned for ");
      say_number((uint64_t)(limit_seconds / 2 + 0.5));
      say(" seconds\n");
    }
    if (ticks > most) give_up(crumb);
  }
  return NULL;
}

void iso_watch(double seconds) {
  static int is_watching;
  if (seconds <= 0 || is_watching++) return;
  limit_seconds = seconds;
  // The user's wishes to stop are for the other threads; a backtracer's signals are for all.
  sigset_t wishes, old;
  sigemptyset(&wishes);
  sigaddset(&wishes, SIGINT);
  sigaddset(&wishes, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &wishes, &old);
  pthread_t thread;
  if (pthread_create(&thread, NULL, watch, NULL) == 0) pthread_detach(thread);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void iso_on_giving_up(void (*save)(void)) { save_before_giving_up = save; }
