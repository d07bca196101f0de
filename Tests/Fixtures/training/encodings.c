// A sampler that looks at further encodings of the positives and reports what they have in common: by the encoder
// without dropout and with it, by a moving average, and by a guide where there is one.
// Built by the tests with: cc -O2 -shared -fPIC -I Sources/PluginAPI/include encodings.c -lm
#include "cse_plugin.h"
#include <math.h>

static cse_status spy_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  plan->encodings[0] = (cse_encoding){.view = CSE_POSITIVE, .by = CSE_BY_ENCODER, .dropout = 0};
  plan->encodings[1] = (cse_encoding){.view = CSE_POSITIVE, .by = CSE_BY_ENCODER, .dropout = -1};
  plan->encodings[2] =
      (cse_encoding){.view = CSE_POSITIVE, .by = CSE_BY_AVERAGE, .dropout = 0, .decay = (float)call->values[0].f};
  plan->encodings[3] = (cse_encoding){.view = CSE_POSITIVE, .by = CSE_BY_GUIDE, .guide = 0};
  plan->n_encodings = limits->n_guides > 0 ? 4 : 3;
  return CSE_OK;
}

/* The mean cosine of the rows of two sets of vectors; -2 where they have different widths. */
static double likeness(const DLTensor *a, const DLTensor *b) {
  if (a->shape[0] != b->shape[0] || a->shape[1] != b->shape[1]) return -2;
  double sum = 0;
  for (int64_t i = 0; i < a->shape[0]; i++) {
    double ab = 0, aa = 0, bb = 0;
    for (int64_t k = 0; k < a->shape[1]; k++) {
      double x = cse_row(a, i)[k], y = cse_row(b, i)[k];
      ab += x * y, aa += x * x, bb += y * y;
    }
    sum += ab / sqrt(aa * bb);
  }
  return sum / a->shape[0];
}

static cse_status spy_sample(const cse_call *call, const cse_batch *batch, const cse_candidates *out) {
  (void)out;
  const DLTensor *const *e = batch->encodings;
  call->metrics[0] = likeness(e[0], e[2]);
  call->metrics[1] = likeness(e[1], batch->z[CSE_POSITIVE]);
  call->metrics[2] = likeness(e[0], batch->z[CSE_POSITIVE]);
  if (call->values[2].i) *cse_row(e[1], 0) = 1; /* which nobody may */
  if (call->values[1].i) {
    call->metrics[3] = likeness(e[0], e[3]);
    call->metrics[4] = likeness(e[2], e[3]);
    double square = 0;
    for (int64_t k = 0; k < e[3]->shape[1]; k++) square += (double)cse_row(e[3], 0)[k] * cse_row(e[3], 0)[k];
    call->metrics[5] = square;
  }
  return CSE_OK;
}

static const cse_component spy = {CSE_COMPONENT(CSE_SAMPLER), .name = "spy", .doc = "looks at further encodings",
  .params = "decay: float = 0.9\nguided: bool = false\nwrites: bool = false\n",
  .metrics = "plain_average,masked_view,plain_view,plain_guide,average_guide,guide_square",
  .plan = spy_plan, .sample = spy_sample};
CSE_LIBRARY("test.encodings", "1.0", "MIT", NULL, &spy)
