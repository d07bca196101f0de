// A sampler that fails from a given step on, as long as a file exists; the tests take the file away and resume.
// Built by the tests with: cc -O2 -shared -fPIC -I Sources/PluginAPI/include fails.c
#include "cse_plugin.h"
#include <math.h>
#include <unistd.h>

static cse_status fails_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)call; (void)limits;
  plan->blocks[0].rows = CSE_ANCHOR;
  plan->blocks[0].cols = CSE_NEW(0);
  plan->blocks[0].flags = CSE_DETACH_COLS;
  plan->blocks[0].label = "copies";
  plan->n_blocks = 1;
  return CSE_OK;
}
static cse_status fails_sample(const cse_call *call, const cse_batch *batch, const cse_candidates *out) {
  int fails = call->step >= call->values[0].i && access(call->values[1].s, F_OK) == 0;
  if (fails && !call->values[2].i) return cse_fail(call, CSE_E_INTERNAL, "the file is there");
  for (int64_t i = 0; i < batch->rows; i++)
    for (int64_t k = 0; k < batch->dim; k++) cse_row(out->vectors[0], i)[k] = fails ? NAN : (float)(i + k + 1);
  return CSE_OK;
}
static const cse_component fails = {CSE_COMPONENT(CSE_SAMPLER), .name = "fails", .doc = "fails while a file exists",
  .params = "from: int = 0\nfile: string = \"\"\nnan: bool = false\n", .plan = fails_plan, .sample = fails_sample};
CSE_LIBRARY("test.fails", "1.0", "MIT", NULL, &fails)
