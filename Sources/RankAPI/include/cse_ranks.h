/*
 * cse_ranks.h: what a library offers that lets several processes train one model.
 *
 * The host opens such a library at run time and calls cse_ranks_open once, from its main thread. All functions are
 * collective: every rank calls the same ones in the same order, with the same `starts`. They return when this rank's
 * part is done; a group that is broken ends the process, and with it all others, after one message on standard error
 * that names host and rank. Plugins/MPIRanks is the library over MPI.
 */
#ifndef CSE_RANKS_H
#define CSE_RANKS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CSE_RANKS_ABI 2u
/* The name of the entry function below. */
#define CSE_RANKS_ENTRY "cse_ranks_open"

/* The group as one of its processes sees it. Everything it points to lives until the process ends. */
typedef struct cse_ranks {
  uint32_t abi;             /* CSE_RANKS_ABI */
  int32_t rank;             /* 0 to size - 1 */
  int32_t size;             /* processes of the group */
  int32_t local_size;       /* those of them on this host */
  int32_t hosts;            /* how many hosts the group is on */
  int32_t notices_hanging;  /* 1: a rank that hangs ends the group after the deadline */
  int32_t carries;          /* 1: what start_exchange began goes on while the host computes, and that is worth it */
  const char *library;      /* name and version, for people */
  const char *const *names; /* by rank: the name of its host */

  /* Bytes of rank 0 to all. */
  void (*broadcast)(void *bytes, int64_t count);
  /* Rank r's floats starts[r] to starts[r + 1] to rank 0, where they lie in `all`; rank 0's own lie there already. */
  void (*gather)(const float *mine, float *all, const int64_t *starts);
  /* The same for doubles. */
  void (*gather_doubles)(const double *mine, double *all, const int64_t *starts);
  /* The other way round: rank 0's floats starts[r] to starts[r + 1] to rank r; rank 0's own stay in `all`. */
  void (*scatter)(const float *all, float *mine, const int64_t *starts);
  /* Floats starts[r] to starts[r + 1] of every rank to rank r: `received` has room for `size` times as many. */
  void (*exchange)(const float *values, const int64_t *starts, float *received);
  /* exchange, but it only begins: neither memory may be touched before finish_exchanges. Several may be under way; all
     ranks begin the same ones in the same order, and may call other functions meanwhile. */
  void (*start_exchange)(const float *values, const int64_t *starts, float *received);
  /* Returns when all that this rank began is done. */
  void (*finish_exchanges)(void);
  /* Rank r's floats starts[r] to starts[r + 1] to the same place of all others. */
  void (*collect)(float *values, const int64_t *starts);
  /* Returns when all ranks have called it, however long one takes: only one that is not heard from ends the group. */
  void (*meet)(void);

  /* Says why, with host and rank, and ends all processes of the group with this exit code. Any thread may call it. */
  void (*end_all)(const char *reason, int32_t code);
  /* Leaves the group; the last call of all. */
  void (*close)(void);
} cse_ranks;

/*
 * Joins the group that the launcher started this process in. `deadline`: seconds, above 0, after which a rank that is
 * not heard from, or does not come where rank 0 waits for it, ends the group.
 * Returns NULL where there is no group, with the reason in `problem` (`room` bytes, ends with a zero).
 */
const cse_ranks *cse_ranks_open(uint32_t abi, double deadline, char *problem, int64_t room);

#ifdef __cplusplus
}
#endif

#endif
