// A sampler, a pooler and a loss that go wrong in a chosen way from a given step on, as long as a file exists: the tests take the file away
// and resume. Built by the tests with: cc -O1 -shared -fPIC -I Sources/PluginAPI/include faulty.c
#include "cse_plugin.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef SWIFT
extern void trap_in_swift(int64_t index);
#endif
#ifdef MISSING_SYMBOL
extern void nobody_defines_this(void);
#endif
#ifdef MISSING_DEPENDENCY
extern int helper(void);
#endif

enum { NONE, ERROR, NOT_A_NUMBER, PAST_END, SEGV, TRAP, SWIFT_TRAP, ABORT, EXIT, LOOP, SLEEP, HOG, PRINT, INPUT, WILD,
       LONG_LOOP, DEAF_LOOP };
enum { FAULT, FROM, FILE_NAME, SECONDS, PLACE };
#define PARAMETERS                                                                                                                    \
  "fault: none|error|nan|past_end|segv|trap|swift_trap|abort|exit|loop|sleep|hog|print|input|wild|long_loop|deaf_loop = none\n"       \
  "from: int = 0\nfile: string = \"\"\nseconds: float = 0\nplace: first|commit|backward = first\n"

static int is_due(const cse_call *call, int64_t place) {
  const cse_value *v = call->values;
  return (call->flags & CSE_TRAINING) && v[PLACE].i == place && call->step >= v[FROM].i && access(v[FILE_NAME].s, F_OK) == 0;
}
static int64_t present(const cse_call *call, int64_t place) { return is_due(call, place) ? call->values[FAULT].i : NONE; }

static void nap(void *user, int64_t begin, int64_t end, int32_t worker) {
  (void)user, (void)begin, (void)end, (void)worker;
  usleep(1000);
}

/* A parallel loop of hours; a file beside the trigger says that it has begun. */
static cse_status loop_for_hours(const cse_call *call) {
  char name[4096];
  snprintf(name, sizeof name, "%s.inside", call->values[FILE_NAME].s);
  FILE *file = fopen(name, "w");
  if (file != NULL) fclose(file);
  return call->host->parallel_for(call, 10000000, 1, nap, NULL);
}

/* Everything that does not need to know what it was called for. */
static cse_status go_wrong(const cse_call *call, int64_t fault, float *output, int64_t count, const float *input) {
  switch (fault) {
  case ERROR: return cse_fail(call, CSE_E_INTERNAL, "told to fail");
  case NOT_A_NUMBER: output[1] = NAN; break;
  case PAST_END: output[count] = 1; break;
  case SEGV: *(volatile int *)16 = 1; break;
  case WILD: memset((char *)output - (1 << 20), 1, 2 << 20); break;
  case TRAP: __builtin_trap();
#ifdef SWIFT
  case SWIFT_TRAP: trap_in_swift(count); break;
#endif
  case ABORT: abort();
  case EXIT: exit(0);
  case LOOP: for (volatile int64_t turns = 0;; turns++) {}
  case SLEEP: usleep((useconds_t)(call->values[SECONDS].f * 1e6)); break;
  case LONG_LOOP: return loop_for_hours(call);
  case DEAF_LOOP: loop_for_hours(call); break;  // takes no notice of CSE_E_CANCELLED
  case HOG: for (;;) memset(malloc(16 << 20), 1, 16 << 20);
  case PRINT: printf("a line for standard output\n"); fflush(stdout); break;
  case INPUT: *(volatile float *)input = *input + 1; break;
  }
  return CSE_OK;
}

static cse_status sampler_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)call, (void)limits;
  plan->blocks[0] = (cse_block){.rows = CSE_ANCHOR, .cols = CSE_NEW(0), .flags = CSE_DETACH_COLS, .label = "noise"};
  plan->n_blocks = 1;
  plan->states[0] = (cse_tensor_decl){.name = "seen", .ndim = 1, .shape = {1}, .dtype = {0, 64, 1}};
  plan->n_states = 1;
  return CSE_OK;
}
static cse_status sample(const cse_call *call, const cse_batch *batch, const cse_candidates *out) {
  const DLTensor *to = out->vectors[0];
  for (int64_t i = 0; i < batch->rows; i++)
    call->host->random(call, CSE_NORMAL, (uint64_t)(i * batch->dim), cse_row(to, i), batch->dim);
  *cse_row(to, 0) += (float)*(int64_t *)call->states[0]->data;
  call->metrics[0] = (double)*(int64_t *)call->states[0]->data;
  return go_wrong(call, present(call, 0), to->data, batch->rows * to->strides[0], batch->z[0]->data);
}
static cse_status commit(const cse_call *call, const cse_batch *batch) {
  *(int64_t *)call->states[0]->data += batch->rows;
  return go_wrong(call, present(call, 1), NULL, 0, batch->z[0]->data);
}
static const cse_component sampler = {CSE_COMPONENT(CSE_SAMPLER), .name = "faulty", .doc = "noise, and a fault", .params = PARAMETERS,
  .metrics = "seen", .plan = sampler_plan, .sample = sample, .commit = commit};

static cse_status pool(const cse_call *call, const cse_tokens *x, DLTensor *out) {
  for (int64_t s = 0; s < x->n_seqs; s++)
    memcpy(cse_row(out, s), cse_row(x->layers[0], x->offsets[s]), (size_t)x->dim * sizeof(float));
  return go_wrong(call, present(call, 0), out->data, x->n_seqs * out->strides[0], x->layers[0]->data);
}
static cse_status pool_backward(const cse_call *call, const cse_tokens *x, const DLTensor *out, const DLTensor *dout) {
  (void)out;
  for (int64_t s = 0; s < x->n_seqs; s++)
    for (int64_t k = 0; k < x->dim; k++) cse_row(x->dlayers[0], x->offsets[s])[k] += cse_row(dout, s)[k];
  return go_wrong(call, present(call, 2), x->dlayers[0]->data, 0, x->layers[0]->data);
}
static const cse_component pooler = {CSE_COMPONENT(CSE_POOLER), .name = "faulty_first", .doc = "the first token, and a fault",
  .params = PARAMETERS, .pool = pool, .pool_backward = pool_backward};

static cse_status on_logits(const cse_call *call, const cse_logits *x, double *loss) {
  for (int64_t i = 0; i < x->rows; i++) {
    const float *row = cse_row(x->logits, i);
    double sum = 0;
    for (int64_t j = 0; j < x->cols; j++) sum += exp(row[j]);
    *loss += (log(sum) - row[x->target[i]]) / (double)x->rows;
    for (int64_t j = 0; x->dlogits && j < x->cols; j++)
      cse_row(x->dlogits, i)[j] += (float)((exp(row[j]) / sum - (j == x->target[i])) / (double)x->rows);
  }
  const int64_t fault = present(call, 0);
  if (fault == NOT_A_NUMBER) *loss = NAN;
  return fault == NOT_A_NUMBER ? CSE_OK : go_wrong(call, fault, NULL, 0, x->logits->data);
}
static const cse_component loss = {CSE_COMPONENT(CSE_LOSS), .name = "faulty_loss", .doc = "InfoNCE, and a fault", .params = PARAMETERS,
  .on_logits = on_logits};

#ifdef TWIN_TWO
#define VERSION "2.0"
#else
#define VERSION "1.0"
#endif
static const cse_component *const components[] = {&sampler, &pooler, &loss};
static const cse_library library = {sizeof(cse_library), CSE_ABI_MAJOR, CSE_ABI_MINOR, 0, 3, components, "test.faulty", VERSION, "MIT", NULL};

#ifdef WRONG_ABI
CSE_EXPORT const cse_library *cse_library_entry_v9(const cse_host *host) { (void)host; return &library; }
#else
const cse_library *cse_library_entry_v1(const cse_host *host) {
  (void)host;
#ifdef MISSING_SYMBOL
  nobody_defines_this();
#endif
#ifdef MISSING_DEPENDENCY
  if (helper()) return NULL;
#endif
#ifdef CRASHES_WHILE_LOADING
  abort();
#endif
  return &library;
}
#endif
