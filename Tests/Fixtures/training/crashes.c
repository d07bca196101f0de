// A sampler that ends the process with SIGSEGV at a given step, or with -DAT_LOADING as soon as it is loaded; a comparison
// must lose that row only.
// Built by the tests with: cc -O2 -shared -fPIC -I Sources/PluginAPI/include crashes.c
#include "cse_plugin.h"
#include <signal.h>

static cse_status crashes_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)call; (void)limits;
  plan->blocks[0].rows = CSE_ANCHOR;
  plan->blocks[0].cols = CSE_NEW(0);
  plan->blocks[0].flags = CSE_DETACH_COLS;
  plan->blocks[0].label = "copies";
  plan->n_blocks = 1;
  return CSE_OK;
}
static cse_status crashes_sample(const cse_call *call, const cse_batch *batch, const cse_candidates *out) {
  if (call->step >= call->values[0].i) raise(SIGSEGV);
  for (int64_t i = 0; i < batch->rows; i++)
    for (int64_t k = 0; k < batch->dim; k++) cse_row(out->vectors[0], i)[k] = (float)(i + k + 1);
  return CSE_OK;
}
static const cse_component crashes = {CSE_COMPONENT(CSE_SAMPLER), .name = "crashes", .doc = "crashes at a step",
  .params = "from: int = 0\n", .plan = crashes_plan, .sample = crashes_sample};
CSE_LIBRARY("test.crashes", "1.0", "MIT", NULL, &crashes)

#ifdef AT_LOADING
__attribute__((constructor)) static void at_loading(void) { raise(SIGSEGV); }
#endif
