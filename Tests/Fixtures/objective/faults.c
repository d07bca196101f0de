// Plugins that break the rules, one way for each value of `mode`; the tests check what the user then reads.
// Built by the tests with: cc -O2 -shared -fPIC -I Sources/PluginAPI/include faults.c -lm
#include "cse_plugin.h"
#include <math.h>
#include <string.h>
#include <unistd.h>

// ---- a sampler that fails while it runs
enum { STATUS, SILENT, UNTERMINATED, NAN_VECTOR, OVERFLOW_TAPE, UNDERFLOW_VECTOR, RAISE_COLUMNS, FOREIGN_COLUMNS,
       EXCLUDE_POSITIVE, NAN_BIAS, COMMIT_FAILS, COMMIT_NAN, CANCEL, LONG_LOOP, DEAF_LOOP };
static cse_status fault_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)call;
  plan->flags = CSE_EDIT_CELLS;
  plan->tape_bytes = 10;
  plan->blocks[0].rows = CSE_ANCHOR;
  plan->blocks[0].cols = CSE_NEW(0);
  plan->blocks[0].flags = CSE_DETACH_COLS;
  plan->blocks[0].label = "fault";
  plan->n_blocks = 1;
  plan->states[0].name = "memory";
  plan->states[0].ndim = 1;
  plan->states[0].shape[0] = 3;
  plan->n_states = 1;
  (void)limits;
  return CSE_OK;
}
static void nothing(void *user, int64_t begin, int64_t end, int32_t worker) { (void)user; (void)begin; (void)end; (void)worker; }
static void nap(void *user, int64_t begin, int64_t end, int32_t worker) {
  (void)user; (void)begin; (void)end; (void)worker;
  usleep(1000);
}
static cse_status fault_sample(const cse_call *call, const cse_batch *batch, const cse_candidates *out) {
  for (int64_t i = 0; i < batch->rows; i++)
    for (int64_t k = 0; k < batch->dim; k++) cse_row(out->vectors[0], i)[k] = 0.1f * (float)(i + k + 1);
  switch (call->values[0].i) {
    case STATUS: return cse_fail(call, CSE_E_INVALID, "needs a third view");
    case SILENT: return 42;
    case UNTERMINATED: memset(call->message, 'x', CSE_MESSAGE_BYTES); return CSE_E_NUMERIC;
    case NAN_VECTOR: cse_row(out->vectors[0], 1)[2] = NAN; break;
    case OVERFLOW_TAPE: ((char *)call->tape)[10] = 1; break;
    case UNDERFLOW_VECTOR: cse_row(out->vectors[0], 0)[-1] = 1; break;
    case RAISE_COLUMNS: out->n_cols[out->first_own]++; break;
    case FOREIGN_COLUMNS: out->n_cols[0] = 1; break;
    case EXCLUDE_POSITIVE: cse_row(out->bias[0], 1)[1] = -INFINITY; break;
    case NAN_BIAS: cse_row(out->bias[0], 2)[0] = NAN; break;
    case CANCEL: return call->host->parallel_for(call, 10, 1, nothing, NULL);
    case LONG_LOOP: return call->host->parallel_for(call, 10000000, 1, nap, NULL);
    case DEAF_LOOP: call->host->parallel_for(call, 10000000, 1, nap, NULL); break;
    default: break;
  }
  return CSE_OK;
}
static cse_status fault_commit(const cse_call *call, const cse_batch *batch) {
  (void)batch;
  float *memory = call->states[0]->data;
  memory[0] += 1;
  if (call->values[0].i == COMMIT_FAILS) return cse_fail(call, CSE_E_INTERNAL, "the memory is full");
  if (call->values[0].i == COMMIT_NAN) memory[1] = NAN;
  return CSE_OK;
}
static const cse_component fault = {CSE_COMPONENT(CSE_SAMPLER), .name = "fault", .doc = "fails",
  .params = "mode: status|silent|unterminated|nan-vector|overflow-tape|underflow-vector|raise-columns|foreign-columns|"
            "exclude-positive|nan-bias|commit-fails|commit-nan|cancel|long-loop|deaf-loop|none = none\nshare: float = 0.25\n",
  .plan = fault_plan, .sample = fault_sample, .commit = fault_commit};

// ---- a sampler whose plan is wrong
static cse_status badplan_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  cse_block *b = plan->blocks;
  b->cols = CSE_POSITIVE;
  b->label = "bad";
  plan->n_blocks = 1;
  cse_tensor_decl *s = plan->states;
  s->name = "memory"; s->ndim = 2; s->shape[0] = 64; s->shape[1] = limits->dim;
  plan->n_states = 1;
  switch (call->values[0].i) {
    case 0: plan->flags = 1u << 20; break;
    case 1: b->flags = 1u << 9; break;
    case 2: b->rows = -3; break;
    case 3: b->cols = CSE_HARD; break;
    case 4: b->cols = CSE_STATE(1); break;
    case 5: b->cols = CSE_STATE(0); s->shape[1]++; break;
    case 6: plan->n_blocks = 9; break;
    case 7: b->group = 1; break;
    case 8: b->cols = CSE_NEW(0); break;
    case 9: b->cols = CSE_NEW(1); b->flags = CSE_DETACH_COLS; break;
    case 10: b->flags = CSE_PRIVATE; b->cols = CSE_NEW(0); break;
    case 11: b->flags = CSE_BASE; b->cols = CSE_STATE(0); break;
    case 12: s->ndim = 5; break;
    case 13: s->shape[0] = 0; break;
    case 14: s->name = NULL; break;
    case 15: plan->scratch_bytes = ~0ull; break;
    case 16: plan->n_layers = 1; break;
    case 17: s->dtype = (DLDataType){1, 8, 1}; break;
    case 18: s[1] = s[0]; plan->n_states = 2; break;
    case 19: b->fixed = 100; b->cols = CSE_STATE(0); break;
    case 20: plan->weights = 0; break;
    case 21: return cse_fail(call, CSE_E_UNSUPPORTED, "needs more than 1000 dimensions");
    case 22: s->init = 77; break;
    default: break;
  }
  return CSE_OK;
}
static const cse_component badplan = {CSE_COMPONENT(CSE_SAMPLER), .name = "badplan", .doc = "wrong plans",
  .params = "mode: int = 0\n", .plan = badplan_plan};

// ---- a loss that fails
static cse_status badloss_score(const cse_call *call, const cse_logits *x, double *loss) {
  *loss = 1;
  switch (call->values[0].i) {
    case 0: *loss = NAN; break;
    case 1: if (x->dlogits) cse_row(x->dlogits, 1)[3] = INFINITY; break;
    case 2: if (x->dsim) cse_row(x->dsim, 0)[1] = NAN; break;
    case 3: return cse_fail(call, CSE_E_NOMEM, "");
    default: break;
  }
  return CSE_OK;
}
static const cse_component badloss = {CSE_COMPONENT(CSE_LOSS), .name = "badloss", .doc = "fails",
  .params = "mode: int = 0\n", .on_logits = badloss_score};

// ---- a loss that is refused at once
static cse_status nocreate_create(const cse_call *call, void **self) {
  (void)self;
  return cse_fail(call, CSE_E_NOMEM, "no device is free");
}
static const cse_component nocreate = {CSE_COMPONENT(CSE_LOSS), .name = "nocreate", .doc = "fails",
  .create = nocreate_create, .on_logits = badloss_score};

// ---- a pooler that gives NaN, and one without a backward
static cse_status nanpool_pool(const cse_call *call, const cse_tokens *t, DLTensor *out) {
  (void)call;
  for (int64_t s = 0; s < t->n_seqs; s++)
    for (int64_t k = 0; k < t->dim; k++) cse_row(out, s)[k] = s == 2 && k == 1 ? NAN : 1;
  return CSE_OK;
}
static cse_status nanpool_backward(const cse_call *call, const cse_tokens *t, const DLTensor *o, const DLTensor *d) {
  (void)call; (void)t; (void)o; (void)d;
  return CSE_OK;
}
static const cse_component nanpool = {CSE_COMPONENT(CSE_POOLER), .name = "nanpool", .doc = "fails",
  .pool = nanpool_pool, .pool_backward = nanpool_backward};

CSE_LIBRARY("test.faults", "1.0", "MIT", NULL, &fault, &badplan, &badloss, &nocreate, &nanpool)
