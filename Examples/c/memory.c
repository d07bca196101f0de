/* A sampler in C: the positives of earlier batches as further negatives. Two states, a ring of vectors and a
 * counter. */
#include "cse_plugin.h"

#include <string.h>

enum {
  RING = 0,
  PUSHED = 1,
};

static cse_status plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  plan->n_states = 2;
  plan->states[RING] = (cse_tensor_decl){.name = "ring", .shape = {call->values[0].i, limits->dim}, .ndim = 2};
  plan->states[PUSHED] = (cse_tensor_decl){.name = "pushed", .shape = {1}, .ndim = 1, .dtype = {0, 64, 1}};
  plan->n_blocks = 1;
  plan->blocks[0] = (cse_block){
      .rows = CSE_ANCHOR, .cols = CSE_STATE(RING), .flags = CSE_DETACH_COLS, .label = "memory"};
  return CSE_OK;
}

/* While the ring fills, only the columns that were written take part. */
static cse_status sample(const cse_call *call, const cse_batch *batch, const cse_candidates *out) {
  const int64_t pushed = *(const int64_t *)call->states[PUSHED]->data, size = call->values[0].i;
  (void)batch;
  out->n_cols[out->first_own] = pushed < size ? pushed : size;
  call->metrics[0] = (double)out->n_cols[out->first_own];
  return CSE_OK;
}

/* The only function that may write states: once for each batch whose gradients were accepted. */
static cse_status commit(const cse_call *call, const cse_batch *batch) {
  int64_t *pushed = (int64_t *)call->states[PUSHED]->data;
  const int64_t size = call->values[0].i;
  for (int64_t i = 0; i < batch->rows; i++, (*pushed)++)
    memcpy(cse_row(call->states[RING], *pushed % size), cse_row(batch->z[CSE_POSITIVE], i),
           (size_t)batch->dim * sizeof(float));
  return CSE_OK;
}

static const cse_component memory = {
    CSE_COMPONENT(CSE_SAMPLER),
    .name = "memory",
    .doc = "positives of earlier batches as negatives (MoCo, CVPR 2020; no momentum encoder)",
    .params = "size: int = 64 in [1,] -- vectors kept\n",
    .metrics = "kept",
    .plan = plan,
    .sample = sample,
    .commit = commit,
};
CSE_LIBRARY("org.example.memory", "1.0.0", "MIT", NULL, &memory)
