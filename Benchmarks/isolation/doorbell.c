// What one question and its answer cost between two processes, without any plugin: right after one another, and with
// pauses in which both sides fall asleep, as between the calls of a training step.
//   cc -O2 -ISources/CIsolation/include Benchmarks/isolation/doorbell.c Sources/CIsolation/doorbell.c -o /tmp/doorbell
//   /tmp/doorbell
#include "isolation.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}
static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}
static void measure(iso_doorbell *bell, const char *name, int count, useconds_t pause) {
  double *times = malloc((size_t)count * sizeof *times);
  for (int i = 0; i < count; i++) {
    if (pause) usleep(pause);
    const double start = now();
    iso_ask(bell);
    while (!iso_await_answer(bell, 5)) {}
    times[i] = now() - start;
  }
  qsort(times, (size_t)count, sizeof *times, ascending);
  printf("%-18s p10 %6.1f  median %6.1f  p90 %6.1f microseconds (%d calls)\n", name, times[count / 10],
         times[count / 2],
         times[count * 9 / 10], count);
  free(times);
}
int main(void) {
  iso_doorbell *bell = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const pid_t worker = fork();
  if (worker == 0)
    for (;;)
      if (iso_await_question(bell, 1000)) iso_answer(bell);
  measure(bell, "one after another", 20000, 0);
  measure(bell, "20 ms apart", 200, 20000);
  kill(worker, SIGKILL);
  return 0;
}
