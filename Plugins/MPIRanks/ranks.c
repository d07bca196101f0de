// Ranks over MPI: the functions of cse_ranks.h. Compiled with mpicc against the MPI of the machine or the cluster
// (`mixcse ranks build`), loaded by `mixcse train` where a launcher started it as one of several.
//
// MPI's own error handler ends the group where a message cannot be delivered, and a launcher where a process dies. What
// neither notices is a process that hangs: each rank has a thread that tells where it stands twice a second, and
// listens to the others.

#include "cse_ranks.h"

#include <limits.h>
#include <mpi.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

enum { broadcast_step = 1 << 28,
       beat_tag = 1,
       beat_milliseconds = 500,
       end_code = 75 };

static cse_ranks group;
static MPI_Comm work, beats, carried;
static double deadline;
static int *counts, *places, *other_counts, *other_places;

// Where this rank stands: how many collective calls it has entered and left, and when it entered the last one.
static _Atomic int64_t entered, left;
static _Atomic double entered_at;
// What is known of the others, by rank; only the thread below touches it.
static int64_t *seen_entered;
static double *seen_at;
static pthread_t listener;
static atomic_int is_closing;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void end_all(const char *reason, int32_t code) {
  fprintf(stderr, "error: rank %d on %s: %s\n", group.rank, group.names[group.rank], reason);
  fflush(stderr);
  MPI_Abort(MPI_COMM_WORLD, code);
  _exit(code);
}

static void enter(void) {
  atomic_store(&entered_at, now());
  atomic_fetch_add(&entered, 1);
}

static void leave(void) { atomic_store(&left, atomic_load(&entered)); }

// MARK: Ranks that hang

static void give_up(int rank, const char *what, double seconds) {
  char text[512];
  snprintf(text, sizeof text,
           "rank %d on %s %s for %.0f s (--rank-deadline); all ranks end here. The last checkpoint resumes with any "
           "number of ranks: --resume",
           rank, group.names[rank], what, seconds);
  fprintf(stderr, "error: %s\n", text);
  fflush(stderr);
  MPI_Abort(MPI_COMM_WORLD, end_code);
  _exit(end_code);
}

static void hear(void) {
  for (;;) {
    int has_message = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, beat_tag, beats, &has_message, &status);
    if (!has_message) return;
    int64_t count;
    MPI_Recv(&count, 1, MPI_INT64_T, status.MPI_SOURCE, beat_tag, beats, MPI_STATUS_IGNORE);
    seen_entered[status.MPI_SOURCE] = count;
    seen_at[status.MPI_SOURCE] = now();
  }
}

// Rank 0 looks at all others, these at rank 0. Rank 0 may take as long as it wants between two calls: plugins,
// evaluation and disk are its own. What the others do between two calls is alike on all ranks.
static void look(void) {
  double time = now();
  if (group.rank > 0) {
    // One message is enough: each waits a little longer than the one before.
    double limit = deadline + 2.0 * (group.rank - 1);
    if (time - seen_at[0] > limit) give_up(0, "has not been heard from", time - seen_at[0]);
    return;
  }
  int64_t place = atomic_load(&entered);
  double waited = place > atomic_load(&left) ? time - atomic_load(&entered_at) : 0;
  for (int rank = 1; rank < group.size; rank++) {
    if (time - seen_at[rank] > deadline) give_up(rank, "has not been heard from", time - seen_at[rank]);
    if (waited > deadline && seen_entered[rank] < place) give_up(rank, "has been waited for", waited);
  }
}

static void *listen(void *nothing) {
  MPI_Request *sending = malloc(sizeof *sending * (size_t)group.size);
  int64_t *told = malloc(sizeof *told * (size_t)group.size);
  for (int rank = 0; rank < group.size; rank++) {
    sending[rank] = MPI_REQUEST_NULL;
    seen_at[rank] = now();
  }
  while (!atomic_load(&is_closing)) {
    for (int rank = 0; rank < group.size; rank++) {
      if (rank == group.rank || (rank > 0 && group.rank > 0)) continue;
      int is_sent = 1;
      MPI_Test(&sending[rank], &is_sent, MPI_STATUS_IGNORE);
      if (!is_sent) continue;
      told[rank] = atomic_load(&entered);
      MPI_Isend(&told[rank], 1, MPI_INT64_T, rank, beat_tag, beats, &sending[rank]);
    }
    hear();
    look();
    for (int part = 0; part < 10 && !atomic_load(&is_closing); part++) usleep(beat_milliseconds * 100);
  }
  for (int rank = 0; rank < group.size; rank++) {
    if (sending[rank] != MPI_REQUEST_NULL) MPI_Request_free(&sending[rank]);
  }
  return nothing;
}

// MARK: Collective calls

static int countable(int64_t number) {
  if (number > INT_MAX) end_all("a tensor has more than 2^31 numbers, more than MPI can count", 65);
  return (int)number;
}

static void set_counts(const int64_t *starts) {
  for (int rank = 0; rank < group.size; rank++) {
    countable(starts[rank + 1]);
    counts[rank] = (int)(starts[rank + 1] - starts[rank]);
    places[rank] = (int)starts[rank];
  }
}

// A wait that leaves the processor to others once it takes longer: ranks may share one. What carries many bytes waits
// in MPI itself, which moves them meanwhile.
static void wait_for(MPI_Request *request) {
  double began = now();
  for (int tries = 0;; tries++) {
    int is_done = 0;
    MPI_Test(request, &is_done, MPI_STATUS_IGNORE);
    if (is_done) break;
    if (tries > 200 && now() - began > 0.002) usleep(100);
  }
}

static void finish(MPI_Request *request) {
  wait_for(request);
  leave();
}

static void meet(void) {
  MPI_Request request;
  MPI_Ibarrier(work, &request);
  wait_for(&request);
}

static void broadcast(void *bytes, int64_t count) {
  for (int64_t at = 0; at < count; at += broadcast_step) {
    int part = (int)(count - at < broadcast_step ? count - at : broadcast_step);
    MPI_Request request;
    enter();
    MPI_Ibcast((char *)bytes + at, part, MPI_BYTE, 0, work, &request);
    finish(&request);
  }
}

static void gather_values(const void *mine, void *all, const int64_t *starts, MPI_Datatype type) {
  set_counts(starts);
  MPI_Request request;
  enter();
  if (group.rank == 0) {
    MPI_Igatherv(MPI_IN_PLACE, 0, type, all, counts, places, type, 0, work, &request);
  } else {
    MPI_Igatherv(mine, counts[group.rank], type, NULL, NULL, NULL, type, 0, work, &request);
  }
  finish(&request);
}

static void gather(const float *mine, float *all, const int64_t *starts) {
  gather_values(mine, all, starts, MPI_FLOAT);
}

static void gather_doubles(const double *mine, double *all, const int64_t *starts) {
  gather_values(mine, all, starts, MPI_DOUBLE);
}

static void scatter(const float *all, float *mine, const int64_t *starts) {
  set_counts(starts);
  MPI_Request request;
  enter();
  if (group.rank == 0) {
    MPI_Iscatterv(all, counts, places, MPI_FLOAT, MPI_IN_PLACE, 0, MPI_FLOAT, 0, work, &request);
  } else {
    MPI_Iscatterv(NULL, NULL, NULL, MPI_FLOAT, mine, counts[group.rank], MPI_FLOAT, 0, work, &request);
  }
  finish(&request);
}

// Every rank's part of what this one receives is as long as its own.
static void set_exchange(const int64_t *starts) {
  set_counts(starts);
  for (int rank = 0; rank < group.size; rank++) {
    other_counts[rank] = counts[group.rank];
    other_places[rank] = countable((int64_t)rank * counts[group.rank]);
  }
}

static void exchange(const float *values, const int64_t *starts, float *received) {
  set_exchange(starts);
  enter();
  MPI_Alltoallv(values, counts, places, MPI_FLOAT, received, other_counts, other_places, MPI_FLOAT, work);
  leave();
}

static void collect(float *values, const int64_t *starts) {
  set_counts(starts);
  enter();
  MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_FLOAT, values, counts, places, MPI_FLOAT, work);
  leave();
}

// MARK: Exchanges that go on while the host computes

// What was begun: whoever holds the lock may ask MPI about it. MPI reads the counts until an exchange is done.
static pthread_mutex_t carrying = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_begun = PTHREAD_COND_INITIALIZER;
static MPI_Request *begun;
static int **begun_counts;
static int begun_count, begun_room;
static pthread_t carrier;

// MPI moves what was begun only while somebody calls it. A look every so often takes little of the processor from those
// who compute.
static void *carry(void *nothing) {
  pthread_mutex_lock(&carrying);
  while (!atomic_load(&is_closing)) {
    int is_done = 1;
    if (begun_count > 0) MPI_Testall(begun_count, begun, &is_done, MPI_STATUSES_IGNORE);
    if (is_done) {
      pthread_cond_wait(&has_begun, &carrying);
    } else {
      pthread_mutex_unlock(&carrying);
      usleep(100);
      pthread_mutex_lock(&carrying);
    }
  }
  pthread_mutex_unlock(&carrying);
  return nothing;
}

static void start_exchange(const float *values, const int64_t *starts, float *received) {
  const size_t size = (size_t)group.size;
  set_exchange(starts);
  pthread_mutex_lock(&carrying);
  if (begun_count == begun_room) {
    begun_room = 2 * begun_room + 16;
    begun = realloc(begun, sizeof *begun * (size_t)begun_room);
    begun_counts = realloc(begun_counts, sizeof *begun_counts * (size_t)begun_room);
  }
  int *own = begun == NULL || begun_counts == NULL ? NULL : malloc(4 * size * sizeof *own);
  if (own == NULL) end_all("there is no memory for an exchange", 69);
  memcpy(own, counts, size * sizeof *own);
  memcpy(own + size, places, size * sizeof *own);
  memcpy(own + 2 * size, other_counts, size * sizeof *own);
  memcpy(own + 3 * size, other_places, size * sizeof *own);
  MPI_Ialltoallv(values, own, own + size, MPI_FLOAT, received, own + 2 * size, own + 3 * size, MPI_FLOAT, carried,
                 &begun[begun_count]);
  begun_counts[begun_count++] = own;
  pthread_cond_signal(&has_begun);
  pthread_mutex_unlock(&carrying);
}

static void finish_exchanges(void) {
  pthread_mutex_lock(&carrying);
  enter();
  MPI_Waitall(begun_count, begun, MPI_STATUSES_IGNORE);
  leave();
  while (begun_count > 0) free(begun_counts[--begun_count]);
  pthread_mutex_unlock(&carrying);
}

static void close_carrier(void) {
  pthread_mutex_lock(&carrying);
  pthread_cond_signal(&has_begun);
  pthread_mutex_unlock(&carrying);
  pthread_join(carrier, NULL);
}

static void close_group(void) {
  if (group.notices_hanging) {
    // Nobody may stop listening while another is still at work.
    MPI_Request request;
    enter();
    MPI_Ibarrier(work, &request);
    finish(&request);
    atomic_store(&is_closing, 1);
    if (group.carries) close_carrier();
    pthread_join(listener, NULL);
    hear();
  }
  MPI_Finalize();
}

// MARK: Start

static int set_names(void) {
  char(*all)[MPI_MAX_PROCESSOR_NAME] = calloc((size_t)group.size, sizeof *all);
  char own[MPI_MAX_PROCESSOR_NAME] = "";
  const char **names = calloc((size_t)group.size, sizeof *names);
  int length = 0;
  if (all == NULL || names == NULL) return 0;
  MPI_Get_processor_name(own, &length);
  MPI_Allgather(own, sizeof own, MPI_BYTE, all, sizeof own, MPI_BYTE, work);
  for (int rank = 0; rank < group.size; rank++) {
    int is_new = 1;
    for (int before = 0; before < rank; before++) is_new = is_new && strcmp(all[before], all[rank]) != 0;
    group.hosts += is_new;
    names[rank] = all[rank];
  }
  group.names = names;
  return 1;
}

// On one host gradients are copied by the processors that compute, so there is nothing to gain from doing so early.
// CSE_RANKS_EARLY says otherwise. All ranks do the same.
// Returns whether the variable can be read.
static int set_carries(void) {
  const char *early = getenv("CSE_RANKS_EARLY");
  if (early != NULL && strcmp(early, "0") != 0 && strcmp(early, "1") != 0) return 0;
  int carries = group.notices_hanging && (early != NULL ? early[0] == '1' : group.hosts > 1);
  if (carries && pthread_create(&carrier, NULL, carry, NULL) != 0) carries = 0;
  int all_carry = 0;
  MPI_Allreduce(&carries, &all_carry, 1, MPI_INT, MPI_MIN, work);
  group.carries = all_carry;
  return 1;
}

static int allocate(void) {
  size_t size = (size_t)group.size;
  counts = calloc(size, sizeof *counts);
  places = calloc(size, sizeof *places);
  other_counts = calloc(size, sizeof *other_counts);
  other_places = calloc(size, sizeof *other_places);
  seen_entered = calloc(size, sizeof *seen_entered);
  seen_at = calloc(size, sizeof *seen_at);
  return counts && places && other_counts && other_places && seen_entered && seen_at;
}

EXPORTED const cse_ranks *cse_ranks_open(uint32_t abi, double seconds, char *problem, int64_t room) {
  static char library[MPI_MAX_LIBRARY_VERSION_STRING];
  if (abi != CSE_RANKS_ABI) {
    snprintf(problem, (size_t)room, "the program wants version %u of the interface, the library has %u", abi,
             CSE_RANKS_ABI);
    return NULL;
  }
  int level = MPI_THREAD_SINGLE, length = 0;
  if (MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &level) != MPI_SUCCESS) {
    snprintf(problem, (size_t)room, "MPI_Init failed");
    return NULL;
  }
  MPI_Comm_dup(MPI_COMM_WORLD, &work);
  MPI_Comm_dup(MPI_COMM_WORLD, &beats);
  MPI_Comm_dup(MPI_COMM_WORLD, &carried);
  MPI_Comm_rank(work, &group.rank);
  MPI_Comm_size(work, &group.size);
  MPI_Get_library_version(library, &length);
  library[strcspn(library, ",\n")] = 0;
  group.abi = CSE_RANKS_ABI;
  group.library = library;
  if (!allocate() || !set_names()) {
    snprintf(problem, (size_t)room, "there is no memory for %d ranks", group.size);
    return NULL;
  }
  MPI_Comm local;
  MPI_Comm_split_type(work, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &local);
  MPI_Comm_size(local, &group.local_size);
  MPI_Comm_free(&local);
  deadline = seconds;
  group.broadcast = broadcast;
  group.gather = gather;
  group.gather_doubles = gather_doubles;
  group.scatter = scatter;
  group.exchange = exchange;
  group.start_exchange = start_exchange;
  group.finish_exchanges = finish_exchanges;
  group.collect = collect;
  group.meet = meet;
  group.end_all = end_all;
  group.close = close_group;
  group.notices_hanging = level == MPI_THREAD_MULTIPLE && group.size > 1;
  if (group.notices_hanging && pthread_create(&listener, NULL, listen, NULL) != 0) group.notices_hanging = 0;
  if (!set_carries()) {
    snprintf(problem, (size_t)room, "CSE_RANKS_EARLY: expected 0 or 1, found %s", getenv("CSE_RANKS_EARLY"));
    return NULL;
  }
  return &group;
}
