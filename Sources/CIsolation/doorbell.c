// A question and its answer between two processes: a short spin, for calls that take microseconds, then a futex.

#define _GNU_SOURCE
#include "isolation.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SPIN_NANOSECONDS = 20000 };

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/* Waits until *word differs from `value`. */
static int wait_while_equal(uint32_t *word, uint32_t value, int milliseconds) {
  const int64_t start = now();
  while (now() - start < SPIN_NANOSECONDS) {
    for (int i = 0; i < 16; i++) {
      if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value) return 1;
      pause_briefly();
    }
  }
  struct timespec limit = {milliseconds / 1000, (milliseconds % 1000) * 1000000L};
  syscall(SYS_futex, word, FUTEX_WAIT, value, &limit, NULL, 0);
  return __atomic_load_n(word, __ATOMIC_ACQUIRE) != value;
}

static void move_on(uint32_t *word) {
  __atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void iso_ask(iso_doorbell *bell) { move_on(&bell->asked); }

int iso_await_answer(iso_doorbell *bell, int milliseconds) {
  return wait_while_equal(&bell->answered, bell->asked - 1, milliseconds);
}

int iso_await_question(iso_doorbell *bell, int milliseconds) {
  return wait_while_equal(&bell->asked, bell->answered, milliseconds);
}

void iso_answer(iso_doorbell *bell) { move_on(&bell->answered); }

void iso_set_cancelled(uint32_t *word, uint32_t value) { __atomic_store_n(word, value, __ATOMIC_RELAXED); }

uint32_t iso_is_cancelled(const uint32_t *word) { return __atomic_load_n(word, __ATOMIC_RELAXED); }
