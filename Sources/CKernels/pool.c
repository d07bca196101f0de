// A pool of threads that hands out chunks in ascending order. A short spin, then a futex: between two
// kernels of a step the workers stay awake, over a pause they sleep.

#define _GNU_SOURCE
#include "ckernels.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SPINS = 4000 };

typedef struct {
  ck_pool *pool;
  pthread_t thread;
  int32_t index;
} worker_t;

struct ck_pool {
  int32_t threads;
  worker_t *workers;
  pthread_mutex_t turn;  // one caller at a time
  // The job; written before `generation` moves, read after.
  ck_chunk_fn run;
  void *context;
  int64_t chunks;
  int32_t stopping;
  // What the thread that entered was in before.
  ck_pool *outer_pool;
  int32_t outer_worker;
  _Alignas(64) _Atomic uint32_t generation;
  _Alignas(64) _Atomic int64_t next;
  _Alignas(64) _Atomic uint32_t busy;  // workers that have not finished this generation
};

static _Thread_local ck_pool *current_pool;
static _Thread_local int32_t current_worker;

static void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

static void wait_while_equal(_Atomic uint32_t *word, uint32_t value) {
  for (int i = 0; i < SPINS; i++) {
    if (atomic_load_explicit(word, memory_order_acquire) != value) return;
    pause_briefly();
  }
  while (atomic_load_explicit(word, memory_order_acquire) == value) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
  }
}

static void wake_all(_Atomic uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0); }

static void take_chunks(ck_pool *pool, int32_t worker) {
  ck_pool *outer_pool = current_pool;
  int32_t outer_worker = current_worker;
  current_pool = pool;
  current_worker = worker;
  for (;;) {
    int64_t chunk = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
    if (chunk >= pool->chunks) break;
    pool->run(pool->context, chunk, worker);
  }
  current_pool = outer_pool;
  current_worker = outer_worker;
}

static void *work(void *argument) {
  worker_t *self = argument;
  ck_pool *pool = self->pool;
  uint32_t seen = 0;
  for (;;) {
    wait_while_equal(&pool->generation, seen);
    seen++;
    if (pool->stopping) return NULL;
    take_chunks(pool, self->index);
    if (atomic_fetch_sub_explicit(&pool->busy, 1, memory_order_acq_rel) == 1) wake_all(&pool->busy);
  }
}

static void start_generation(ck_pool *pool) {
  atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
  atomic_store_explicit(&pool->busy, (uint32_t)(pool->threads - 1), memory_order_relaxed);
  atomic_fetch_add_explicit(&pool->generation, 1, memory_order_release);
  wake_all(&pool->generation);
}

static void wait_for_workers(ck_pool *pool) {
  for (;;) {
    uint32_t busy = atomic_load_explicit(&pool->busy, memory_order_acquire);
    if (busy == 0) return;
    wait_while_equal(&pool->busy, busy);
  }
}

ck_pool *ck_pool_create(int32_t threads) {
  ck_pool *pool = aligned_alloc(64, (sizeof(ck_pool) + 63) / 64 * 64);
  if (pool == NULL) return NULL;
  *pool = (ck_pool){.threads = 1};
  pool->workers = calloc((size_t)threads, sizeof(worker_t));
  if (pool->workers == NULL) {
    free(pool);
    return NULL;
  }
  pthread_mutex_init(&pool->turn, NULL);
  for (int32_t i = 1; i < threads; i++) {
    pool->workers[i] = (worker_t){.pool = pool, .index = i};
    if (pthread_create(&pool->workers[i].thread, NULL, work, &pool->workers[i]) != 0) {
      ck_pool_destroy(pool);
      return NULL;
    }
    pool->threads = i + 1;
  }
  return pool;
}

void ck_pool_destroy(ck_pool *pool) {
  pool->stopping = 1;
  start_generation(pool);
  for (int32_t i = 1; i < pool->threads; i++) pthread_join(pool->workers[i].thread, NULL);
  pthread_mutex_destroy(&pool->turn);
  free(pool->workers);
  free(pool);
}

static void run_serially(int64_t chunks, ck_chunk_fn run, void *context) {
  for (int64_t chunk = 0; chunk < chunks; chunk++) run(context, chunk, current_worker);
}

void ck_pool_run(ck_pool *pool, int64_t chunks, ck_chunk_fn run, void *context) {
  if (chunks <= 0) return;
  if (current_pool == pool) {
    run_serially(chunks, run, context);
    return;
  }
  pthread_mutex_lock(&pool->turn);
  pool->run = run;
  pool->context = context;
  pool->chunks = chunks;
  if (chunks == 1 || pool->threads == 1) {
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    take_chunks(pool, 0);
  } else {
    start_generation(pool);
    take_chunks(pool, 0);
    wait_for_workers(pool);
  }
  pthread_mutex_unlock(&pool->turn);
}

int32_t ck_pool_enter(ck_pool *pool, int32_t *worker) {
  if (current_pool == pool) {
    *worker = current_worker;
    return 0;
  }
  pthread_mutex_lock(&pool->turn);
  pool->outer_pool = current_pool;
  pool->outer_worker = current_worker;
  current_pool = pool;
  current_worker = 0;
  *worker = 0;
  return 1;
}

void ck_pool_leave(ck_pool *pool) {
  current_pool = pool->outer_pool;
  current_worker = pool->outer_worker;
  pthread_mutex_unlock(&pool->turn);
}

int32_t ck_available_threads(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int32_t)online : 1;
}

int64_t ck_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
