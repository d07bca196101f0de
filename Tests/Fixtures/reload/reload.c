// A library that is built again and again while a run goes on: each macro is one thing that a rebuild may bring.
// Built by the tests with: cc -O2 -shared -fPIC -I Sources/PluginAPI/include -DSHIFT=0.5f reload.c
#include "cse_plugin.h"
#include <math.h>
#include <signal.h>
#include <unistd.h>

#ifndef VERSION
#define VERSION "1.0"
#endif
#ifndef SHIFT
#define SHIFT 0.0f
#endif
#ifndef PARAMETERS
#define PARAMETERS "lambda: float = 0.2 in [0, 1]\nplain: int = 1\n"
#endif
#ifndef STATE_SIZE
#define STATE_SIZE 1
#endif
#ifndef NARROWER
#define NARROWER 0
#endif
#ifndef MAJOR
#define MAJOR CSE_ABI_MAJOR
#endif

#ifdef CRASH
__attribute__((constructor)) static void crash(void) { raise(SIGSEGV); }
#endif
#ifdef LEAVE
__attribute__((constructor)) static void leave(void) { _exit(0); }
#endif

// Mixtures with the next row; counts its batches in a state.
static cse_status plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)call; (void)limits;
  plan->blocks[0].rows = CSE_ANCHOR;
  plan->blocks[0].cols = CSE_NEW(0);
  plan->blocks[0].flags = CSE_DETACH_COLS;
  plan->blocks[0].label = "mix";
  plan->n_blocks = 1;
  plan->states[0].name = "count";
  plan->states[0].shape[0] = STATE_SIZE;
  plan->states[0].ndim = 1;
  plan->n_states = 1;
  return CSE_OK;
}
static cse_status sample(const cse_call *call, const cse_batch *batch, const cse_candidates *out) {
#ifdef HANG
  for (volatile int i = 0;; i++) {}
#endif
#ifdef FAIL_IN_RUNS  // total_steps is unknown in the check
  if (call->total_steps > 0) return cse_fail(call, CSE_E_INTERNAL, "not in a real run");
#endif
  float lambda = (float)call->values[0].f;
  for (int64_t i = 0; i < batch->rows; i++) {
    const float *a = cse_row(batch->z[1], i), *b = cse_row(batch->z[1], (i + 1) % batch->rows);
    float *to = cse_row(out->vectors[0], i);
    for (int64_t k = 0; k < batch->dim; k++) to[k] = lambda * a[k] + (1 - lambda) * b[k] + SHIFT;
#ifdef BROKEN
    to[0] = NAN;
#endif
  }
  return CSE_OK;
}
static cse_status commit(const cse_call *call, const cse_batch *batch) {
  (void)batch;
  call->metrics[0] = ++((float *)call->states[0]->data)[0];
  return CSE_OK;
}

// The first token, times a learned weight.
static cse_status pool_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)call;
  plan->out_dim = limits->dim - NARROWER;
  plan->weights[0].name = "scale";
  plan->weights[0].shape[0] = 1;
  plan->weights[0].ndim = 1;
  plan->weights[0].init = CSE_INIT_CONST;
  plan->weights[0].a = 1;
  plan->n_weights = 1;
  return CSE_OK;
}
static cse_status pool(const cse_call *call, const cse_tokens *x, DLTensor *out) {
  float scale = *(float *)call->weights[0]->data;
  for (int64_t s = 0; s < x->n_seqs; s++)
    for (int64_t k = 0; k < out->shape[1]; k++) cse_row(out, s)[k] = scale * cse_row(x->layers[0], x->offsets[s])[k];
  call->metrics[0] = scale;
  return CSE_OK;
}
static cse_status pool_backward(const cse_call *call, const cse_tokens *x, const DLTensor *out, const DLTensor *dout) {
  float scale = *(float *)call->weights[0]->data;
  for (int64_t s = 0; s < x->n_seqs; s++)
    for (int64_t k = 0; k < out->shape[1]; k++) {
      float d = cse_row(dout, s)[k];
      cse_row(x->dlayers[0], x->offsets[s])[k] += scale * d;
      if (call->dweights) *(float *)call->dweights[0]->data += d * cse_row(x->layers[0], x->offsets[s])[k];
    }
  return CSE_OK;
}

static const cse_component mix = {CSE_COMPONENT(CSE_SAMPLER), .name = "mix", .doc = "mixes with the next row",
  .params = PARAMETERS, .metrics = "count", .plan = plan, .commit = commit, .sample = sample};
static const cse_component scaled = {CSE_COMPONENT(CSE_POOLER), .name = "scaled", .doc = "first token, scaled",
  .metrics = "scale", .plan = pool_plan, .pool = pool, .pool_backward = pool_backward};
static const cse_component *const components[] = {&scaled,
#ifndef WITHOUT_SAMPLER
  &mix,
#endif
};
static const cse_library library = {sizeof(cse_library), MAJOR, CSE_ABI_MINOR, 0, sizeof components / sizeof *components,
  components, "test.reload", VERSION, "MIT", NULL};
const cse_library *cse_library_entry_v1(const cse_host *host) { (void)host; (void)mix; return &library; }
