/* A well-behaved library: one component of each kind and a recipe. -DID, -DVERSION, -DLAMBDA change what it says. */
#include "cse_plugin.h"
#ifndef ID
#define ID "org.example.good"
#endif
#ifndef VERSION
#define VERSION "1.2.0"
#endif
#ifndef LAMBDA
#define LAMBDA "0.2"
#endif

static cse_status pool(const cse_call *call, const cse_tokens *tokens, DLTensor *out) {
  (void)call, (void)tokens, (void)out;
  return CSE_OK;
}
static cse_status pool_backward(const cse_call *call, const cse_tokens *tokens, const DLTensor *out, const DLTensor *dout) {
  (void)call, (void)tokens, (void)out, (void)dout;
  return CSE_OK;
}
static cse_status sample(const cse_call *call, const cse_batch *batch, const cse_candidates *out) {
  (void)call, (void)batch, (void)out;
  return CSE_OK;
}
static cse_status on_logits(const cse_call *call, const cse_logits *x, double *loss) {
  (void)call, (void)x;
  *loss = 1;
  return CSE_OK;
}

static const cse_component first = {CSE_COMPONENT(CSE_POOLER), .name = "first_token", .doc = "the first token\nand no other",
    .pool = pool, .pool_backward = pool_backward};
static const cse_component blend = {CSE_COMPONENT(CSE_SAMPLER), .name = "blend", .doc = "blended negatives",
    .params = "lambda: float = " LAMBDA " in [0,1] live -- share of the row's own vector\n"
              "count: int = 1 in [1,] -- how many\n"
              "mask: zero|exclude = zero\n"
              "note: string = \"\"\n"
              "unit: bool = false",
    .metrics = "mean_logit, share", .sample = sample};
static const cse_component score = {CSE_COMPONENT(CSE_LOSS), .name = "score", .doc = "a loss",
    .params = "temperature: float = 0.05 in (0,) live log -- softmax temperature\ncount: int = 3", .on_logits = on_logits};

CSE_LIBRARY(ID, VERSION, "MIT", "# what goes well together\nblended = sampler:blend:lambda=0.3 loss:score\n", &first, &blend, &score)
