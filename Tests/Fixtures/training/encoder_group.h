// Fixtures of several processes on one machine that add up their gradients in a file of /dev/shm, as devices do among
// themselves. What encoder.c is asked to compute on decides whether they do:
//   group     they do                       deaf      the second one cannot
//   late      the second one fails to join  broken    the second one fails in the third sum
// On all other devices none can.
#pragma once
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { SHARED_FLOATS = 1 << 20 };

typedef struct {
  _Atomic int64_t arrived;
  float values[][SHARED_FLOATS];
} shared_memory;

struct group {
  shared_memory *shared;
  size_t bytes;
  int32_t rank, size, sums;
  double seconds;
  int64_t meetings;
};

static int is_on(const cse_encoder *e, const char *device) { return strcmp(e->device, device) == 0; }

static cse_status check_group(cse_encoder *e, char *message) {
  if (is_on(e, "deaf") && e->rank == 1) return say(message, CSE_E_UNSUPPORTED, "expected ears, found none");
  if (is_on(e, "group") || is_on(e, "deaf") || is_on(e, "late") || is_on(e, "broken")) return CSE_OK;
  return say(message, CSE_E_UNSUPPORTED, "this device adds up nothing");
}

static cse_status make_id(cse_encoder *e, uint8_t *id, char *message) {
  (void)e;
  snprintf((char *)id, CSE_GROUP_ID_BYTES, "/dev/shm/cse-group-%d", (int)getpid());
  int file = open((const char *)id, O_CREAT | O_EXCL | O_RDWR, 0600);
  if (file < 0) return say(message, CSE_E_INTERNAL, "no file");
  close(file);
  return CSE_OK;
}

// Returns whether all came.
static int meet_all(group *g) {
  int64_t wanted = ++g->meetings * g->size;
  time_t until = time(NULL) + (time_t)g->seconds + 1;
  atomic_fetch_add(&g->shared->arrived, 1);
  while (atomic_load(&g->shared->arrived) < wanted) {
    if (time(NULL) > until) return 0;
    sched_yield();
  }
  return 1;
}

static cse_status join(cse_encoder *e, const uint8_t *id, int32_t rank, int32_t size, double seconds, char *message) {
  if (is_on(e, "late") && rank == 1) return say(message, CSE_E_INTERNAL, "expected an open door, found none");
  group *g = calloc(1, sizeof *g);
  g->rank = rank;
  g->size = size;
  g->seconds = seconds;
  g->bytes = 64 + (size_t)size * SHARED_FLOATS * sizeof(float);
  int file = open((const char *)id, O_RDWR);
  if (file < 0 || ftruncate(file, (off_t)g->bytes) != 0) return say(message, CSE_E_INTERNAL, "no file");
  g->shared = mmap(NULL, g->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  e->group = g;
  int all_came = meet_all(g);
  if (rank == 0) unlink((const char *)id);
  return all_came ? CSE_OK : say(message, CSE_E_INTERNAL, "expected all to join, found some missing");
}

static cse_status wait_group(cse_encoder *e, char *message) {
  (void)e;
  (void)message;
  return CSE_OK;
}

static cse_status sum_gradients(cse_encoder *e, char *message) {
  group *g = e->group;
  if (is_on(e, "broken") && e->rank == 1 && ++g->sums == 3) {
    meet_all(g);
    return say(message, CSE_E_INTERNAL, "expected a whole sum, found half of one");
  }
  float *mine = g->shared->values[g->rank];
  for (uint32_t i = 0; i < e->count; mine += e->sizes[i++])
    memcpy(mine, e->parts[CSE_GRADIENT][i], (size_t)e->sizes[i] * sizeof(float));
  if (!meet_all(g)) return say(message, CSE_E_INTERNAL, "expected all in a sum, found some missing");
  int64_t at = 0;
  for (uint32_t i = 0; i < e->count; i++)
    for (int64_t j = 0; j < e->sizes[i]; j++, at++) {
      float sum = 0;
      for (int32_t rank = 0; rank < g->size; rank++) sum += g->shared->values[rank][at];
      e->parts[CSE_GRADIENT][i][j] = sum;
    }
  // Nobody writes what another still reads.
  if (is_on(e, "broken")) return CSE_OK;
  return meet_all(g) ? CSE_OK : say(message, CSE_E_INTERNAL, "expected all in a sum, found some missing");
}

static void leave(cse_encoder *e) {
  if (e->group != NULL) munmap(e->group->shared, e->group->bytes);
  free(e->group);
  e->group = NULL;
}

static const char *connection(cse_encoder *e) {
  (void)e;
  return "a file of this machine";
}

static const cse_encoder_group_1 group_functions = {sizeof group_functions, 0, check_group, make_id, join, wait_group,
                                                    sum_gradients, leave, connection};
