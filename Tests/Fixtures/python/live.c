/* A sampler whose new vectors carry a gradient, and a loss on embeddings: what Tests/Interop/check_plugins.py compares with autograd. */
#include "cse_plugin.h"

static cse_status plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)call, (void)limits;
  plan->n_blocks = 1;
  plan->blocks[0].rows = CSE_ANCHOR;
  plan->blocks[0].cols = CSE_NEW(0);
  plan->blocks[0].label = "live";
  return CSE_OK;
}
static cse_status sample(const cse_call *call, const cse_batch *b, const cse_candidates *out) {
  const float share = (float)call->values[0].f;
  for (int64_t i = 0; i < b->rows; i++)
    for (int64_t k = 0; k < b->dim; k++)
      cse_row(out->vectors[0], i)[k] = share * cse_row(b->z[1], i)[k] + (1 - share) * cse_row(b->u[0], (i + 1) % b->rows)[k];
  return CSE_OK;
}
static cse_status sample_backward(const cse_call *call, const cse_batch *b, const DLTensor *const *dv) {
  const float share = (float)call->values[0].f;
  for (int64_t i = 0; i < b->rows; i++)
    for (int64_t k = 0; k < b->dim; k++) {
      cse_row(b->dz[1], i)[k] += share * cse_row(dv[0], i)[k];
      cse_row(b->du[0], (i + 1) % b->rows)[k] += (1 - share) * cse_row(dv[0], i)[k];
    }
  return CSE_OK;
}
static const cse_component live = {CSE_COMPONENT(CSE_SAMPLER), .name = "live", .doc = "mixtures with a gradient",
    .params = "share: float = 0.5 in [0,1]\n", .plan = plan, .sample = sample, .sample_backward = sample_backward};

/* mean_i |u1_i - u2_i|^2 */
static cse_status on_embeds(const cse_call *call, const cse_batch *b, double *loss) {
  (void)call;
  for (int64_t i = 0; i < b->rows; i++)
    for (int64_t k = 0; k < b->dim; k++) {
      const double gap = cse_row(b->u[0], i)[k] - cse_row(b->u[1], i)[k];
      *loss += gap * gap / (double)b->rows;
      if (!b->du) continue;
      cse_row(b->du[0], i)[k] += (float)(2 * gap / (double)b->rows);
      cse_row(b->du[1], i)[k] -= (float)(2 * gap / (double)b->rows);
    }
  return CSE_OK;
}
static const cse_component near = {CSE_COMPONENT(CSE_LOSS), .name = "near", .doc = "alignment", .on_embeds = on_embeds};
CSE_LIBRARY("org.example.live", "1.0", "MIT", NULL, &live, &near)
