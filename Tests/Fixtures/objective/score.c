// A sampler that asks the host what the losses make of its vectors (cse.score/1), compares the gradient with central
// differences, and then uses the vectors as they are.
// Built by the tests with: cc -O2 -shared -fPIC -I Sources/PluginAPI/include score.c -lm
#include "cse_plugin.h"
#include <math.h>
#include <stdlib.h>

enum { COUNT = 5 };

static cse_status ask_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)call;
  plan->blocks[0].rows = CSE_ANCHOR;
  plan->blocks[0].cols = CSE_NEW(0);
  plan->blocks[0].flags = CSE_DETACH_COLS;
  plan->blocks[0].fixed = COUNT;
  plan->blocks[0].label = "asked";
  plan->n_blocks = 1;
  plan->scratch_bytes = (uint64_t)(2 * COUNT * limits->dim) * sizeof(float);
  return CSE_OK;
}

static DLTensor rows(float *data, int64_t *shape) {
  DLTensor tensor = {.data = data, .device = {1, 0}, .ndim = 2, .dtype = {2, 32, 1}, .shape = shape, .strides = shape + 2};
  return tensor;
}

static cse_status ask_sample(const cse_call *call, const cse_batch *batch, const cse_candidates *out) {
  const cse_score_1 *service = call->host->get_service(call->host, CSE_SCORE_1);
  if (!service || call->host->get_service(call->host, "cse.score/2")) return cse_fail(call, CSE_E_UNSUPPORTED, "no service");
  int64_t d = batch->dim, shape[4] = {COUNT, d, d, 1};
  float *v = call->scratch, *g = v + COUNT * d;
  for (int64_t i = 0; i < COUNT * d; i++) v[i] = sinf(1.3f * (float)i + 0.2f) + 0.1f * (float)(i % d);
  DLTensor vectors = rows(v, shape), gradient = rows(g, shape);
  double loss, up, down, worst = 0, largest = 0;
  cse_status status = service->gradient(call, &vectors, &gradient, &loss);
  if (status) return cse_fail(call, status, "not scored");
  for (int64_t i = 0; i < COUNT * d; i++) largest = fmax(largest, fabs(g[i]));
  float *kept = malloc((size_t)(COUNT * d) * sizeof(float));
  for (int64_t i = 0; i < COUNT * d; i++) kept[i] = g[i];
  for (int64_t i = 0; i < COUNT * d; i++) {
    float old = v[i], h = 0.01f;
    v[i] = old + h;
    service->gradient(call, &vectors, &gradient, &up);
    v[i] = old - h;
    service->gradient(call, &vectors, &gradient, &down);
    v[i] = old;
    worst = fmax(worst, fabs((up - down) / (2 * h) - kept[i]));
  }
  free(kept);
  call->metrics[0] = loss;
  call->metrics[1] = worst / largest;
  for (int64_t i = 0; i < COUNT; i++)
    for (int64_t k = 0; k < d; k++) cse_row(out->vectors[0], i)[k] = v[i * d + k];
  if (call->values[0].i) { /* another width than the embeddings' */
    int64_t wrong[4] = {COUNT, d - 1, d, 1};
    DLTensor narrow = rows(v, wrong), into = rows(g, wrong);
    if (service->gradient(call, &narrow, &into, &loss) == CSE_OK) return cse_fail(call, CSE_E_INTERNAL, "it was scored");
    return cse_fail(call, CSE_E_INVALID, "narrow vectors");
  }
  return CSE_OK;
}

static const cse_component asks = {CSE_COMPONENT(CSE_SAMPLER), .name = "asks", .doc = "asks for the loss",
  .params = "narrow: bool = false\n", .metrics = "loss,slope", .plan = ask_plan, .sample = ask_sample};
CSE_LIBRARY("test.score", "1.0", "MIT", NULL, &asks)
