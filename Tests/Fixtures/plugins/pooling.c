/* Poolers of a third party: a mean that describes itself, one that does not, a mixture of learned layers, one that wants a
 * head, one that says something else than it does, one whose weights of layers cannot be used, one of a newer header. */
#include "cse_plugin.h"
#include <string.h>

static cse_status plan_last(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)call, (void)limits;
  plan->layers[0] = -1;
  plan->n_layers = 1;
  return CSE_OK;
}

/* The mean over tokens of the layers in equal shares, or in those of the weights w where there are any. */
static float share(const cse_call *call, const cse_tokens *t, uint32_t layer) {
  return call->weights ? ((float *)call->weights[0]->data)[layer] : 1.0f / (float)t->n_layers;
}

static cse_status mean(const cse_call *call, const cse_tokens *t, DLTensor *out) {
  for (int64_t s = 0; s < t->n_seqs; s++) {
    float *o = cse_row(out, s);
    int64_t n = t->offsets[s + 1] - t->offsets[s];
    memset(o, 0, (size_t)t->dim * sizeof *o);
    for (uint32_t l = 0; l < t->n_layers; l++)
      for (int64_t k = t->offsets[s]; k < t->offsets[s + 1]; k++)
        for (int64_t j = 0; j < t->dim; j++) o[j] += share(call, t, l) / (float)n * cse_row(t->layers[l], k)[j];
  }
  return CSE_OK;
}

static cse_status mean_backward(const cse_call *call, const cse_tokens *t, const DLTensor *out, const DLTensor *dout) {
  (void)out;
  for (int64_t s = 0; s < t->n_seqs; s++) {
    const float *d = cse_row(dout, s);
    int64_t n = t->offsets[s + 1] - t->offsets[s];
    for (uint32_t l = 0; l < t->n_layers; l++)
      for (int64_t k = t->offsets[s]; k < t->offsets[s + 1]; k++)
        for (int64_t j = 0; j < t->dim; j++) {
          cse_row(t->dlayers[l], k)[j] += share(call, t, l) / (float)n * d[j];
          if (call->dweights) ((float *)call->dweights[0]->data)[l] += d[j] * cse_row(t->layers[l], k)[j] / (float)n;
        }
  }
  return CSE_OK;
}

/* A mixture whose shares are the weights themselves: half of the last layer, half of the one before it at first. */
static cse_status plan_mixture(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)call, (void)limits;
  plan->layers[0] = -2;
  plan->layers[1] = -1;
  plan->n_layers = 2;
  plan->weights[0] = (cse_tensor_decl){.name = "shares", .shape = {2}, .ndim = 1, .init = CSE_INIT_CONST, .a = 0.5f};
  plan->n_weights = 1;
  return CSE_OK;
}

static cse_status shares(const cse_call *call, const cse_limits *limits, float *weights) {
  const float *w = call->weights[0]->data;
  weights[limits->n_layers - 2] = w[0];
  weights[limits->n_layers - 1] = w[1];
  return CSE_OK;
}

static cse_status negative(const cse_call *call, const cse_limits *limits, float *weights) {
  (void)call;
  weights[limits->n_layers - 1] = -1;
  return CSE_OK;
}

#ifdef WILD
static const cse_pooling_1 is_mean = {sizeof is_mean, CSE_POOL_MEAN, CSE_HEAD_NONE, 0,
                                      (cse_status (*)(const cse_call *, const cse_limits *, float *))24};
#else
static const cse_pooling_1 is_mean = {sizeof is_mean, CSE_POOL_MEAN, CSE_HEAD_NONE, 0, NULL};
#endif
static const cse_pooling_1 is_mixture = {sizeof is_mixture, CSE_POOL_MEAN, CSE_HEAD_NONE, 0, shares};
static const cse_pooling_1 with_head = {sizeof with_head, CSE_POOL_MEAN, CSE_HEAD_MLP, 0, NULL};
static const cse_pooling_1 is_max = {sizeof is_max, CSE_POOL_MAX, CSE_HEAD_NONE, 0, NULL};
static const cse_pooling_1 is_negative = {sizeof is_negative, CSE_POOL_MEAN, CSE_HEAD_NONE, 0, negative};
static const cse_pooling_1 is_newer = {sizeof is_newer, 9, CSE_HEAD_NONE, 0, NULL};

static const void *find(const cse_component *component, const char *id) {
  static const struct { const char *name; const cse_pooling_1 *pooling; } table[] = {
      {"my_mean", &is_mean}, {"my_mixture", &is_mixture}, {"my_head", &with_head},
      {"my_lie", &is_max},   {"my_negative", &is_negative}, {"my_newer", &is_newer}};
  if (strcmp(id, CSE_POOLING_1)) return NULL;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (!strcmp(component->name, table[i].name)) return table[i].pooling;
  return NULL;
}

#define POOLER(name_, plan_)                                                                                            \
  {CSE_COMPONENT(CSE_POOLER), .name = name_, .doc = "the mean over all tokens", .plan = plan_, .pool = mean,            \
   .pool_backward = mean_backward, .get_extension = find}
static const cse_component my_mean = POOLER("my_mean", plan_last), my_plain = POOLER("my_plain", plan_last),
                           my_mixture = POOLER("my_mixture", plan_mixture), my_head = POOLER("my_head", plan_last),
                           my_lie = POOLER("my_lie", plan_last), my_negative = POOLER("my_negative", plan_last),
                           my_newer = POOLER("my_newer", plan_last);
CSE_LIBRARY("org.example.pooling", "1.0", "MIT", NULL, &my_mean, &my_plain, &my_mixture, &my_head, &my_lie, &my_negative,
            &my_newer)
