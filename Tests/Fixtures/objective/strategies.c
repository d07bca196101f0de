// Small strategies in C, one for each thing the ABI can express; the tests check every gradient through the whole
// objective. Built by the tests with: cc -O2 -shared -fPIC -I Sources/PluginAPI/include strategies.c -lm
#include "cse_plugin.h"
#include <math.h>
#include <string.h>

static cse_block block(int32_t rows, int32_t cols, uint32_t flags, uint32_t group, const char *label) {
  cse_block b = {0};
  b.rows = rows; b.cols = cols; b.flags = flags; b.group = group; b.label = label;
  return b;
}
static cse_tensor_decl tensor(const char *name, int64_t rows, int64_t cols, uint32_t init, float a, float b) {
  cse_tensor_decl t = {0};
  t.name = name; t.ndim = cols ? 2 : 1; t.shape[0] = rows; t.shape[1] = cols; t.init = init; t.a = a; t.b = b;
  return t;
}

// ---- fifo: a state of earlier positives, compared in place, while it fills with fewer columns
static cse_status queue_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  plan->states[0] = tensor("queue", call->values[0].i, limits->dim, CSE_INIT_ZERO, 0, 0);
  plan->states[1] = tensor("pushed", 1, 0, CSE_INIT_ZERO, 0, 0);
  plan->states[1].dtype = (DLDataType){0, 64, 1};
  plan->n_states = 2;
  plan->blocks[plan->n_blocks++] = block(CSE_ANCHOR, CSE_STATE(0), CSE_DETACH_COLS, 0, "queue");
  return CSE_OK;
}
static cse_status queue_sample(const cse_call *call, const cse_batch *batch, const cse_candidates *out) {
  (void)batch;
  int64_t pushed = *(int64_t *)call->states[1]->data, size = call->values[0].i;
  out->n_cols[out->first_own] = pushed < size ? pushed : size;
  return CSE_OK;
}
static cse_status queue_commit(const cse_call *call, const cse_batch *batch) {
  int64_t *pushed = call->states[1]->data, size = call->values[0].i;
  for (int64_t i = 0; i < batch->rows; i++, (*pushed)++)
    memcpy(cse_row(call->states[0], *pushed % size), cse_row(batch->z[CSE_POSITIVE], i), batch->dim * sizeof(float));
  call->metrics[0] = (double)*pushed;
  return CSE_OK;
}
static const cse_component queue = {CSE_COMPONENT(CSE_SAMPLER), .name = "fifo", .doc = "earlier positives",
  .params = "size: int = 8 in [1,] -- rows kept\n", .metrics = "pushed", .plan = queue_plan, .sample = queue_sample,
  .commit = queue_commit};

// ---- noise: columns drawn from a normal distribution
static cse_status noise_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)limits;
  plan->blocks[0] = block(CSE_ANCHOR, CSE_NEW(0), CSE_DETACH_COLS, 0, "noise");
  plan->blocks[0].fixed = call->values[0].i;
  plan->n_blocks = 1;
  return CSE_OK;
}
static cse_status noise_sample(const cse_call *call, const cse_batch *batch, const cse_candidates *out) {
  for (int64_t j = 0; j < call->values[0].i; j++)
    call->host->random(call, CSE_NORMAL, (uint64_t)(j * batch->dim), cse_row(out->vectors[0], j), batch->dim);
  call->metrics[0] = cse_row(out->vectors[0], 0)[0];
  return CSE_OK;
}
static const cse_component noise = {CSE_COMPONENT(CSE_SAMPLER), .name = "noise", .doc = "gaussian columns",
  .params = "count: int = 4 in [1,]\n", .metrics = "first", .plan = noise_plan, .sample = noise_sample};

// ---- ntxent: both directions as groups, each view's own vectors as negatives, self excluded
static cse_status ntxent_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)call; (void)limits;
  plan->flags = CSE_EDIT_CELLS;
  plan->blocks[0] = block(CSE_ANCHOR, CSE_ANCHOR, 0, 0, "anchors");
  plan->blocks[1] = block(CSE_POSITIVE, CSE_ANCHOR, CSE_BASE, 1, "reverse");
  plan->blocks[2] = block(CSE_POSITIVE, CSE_POSITIVE, 0, 1, "positives");
  plan->n_blocks = 3;
  return CSE_OK;
}
static cse_status ntxent_sample(const cse_call *call, const cse_batch *batch, const cse_candidates *out) {
  (void)call;
  for (uint32_t own = 0; own < 3; own += 2)
    for (int64_t i = 0; i < batch->rows; i++) cse_row(out->bias[out->first_own + own], i)[i] = -INFINITY;
  return CSE_OK;
}
static const cse_component ntxent = {CSE_COMPONENT(CSE_SAMPLER), .name = "ntxent", .doc = "2N views",
  .plan = ntxent_plan, .sample = ntxent_sample};

// ---- own_mixtures: private candidates, mixed from the row's anchor and other rows' positives, with gradient on request
static cse_status mochi_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)limits;
  plan->blocks[0] = block(CSE_ANCHOR, CSE_NEW(0), CSE_PRIVATE | (call->values[1].i ? CSE_DETACH_COLS : 0), 0, "synthetic");
  plan->blocks[0].per_row = call->values[0].i;
  plan->n_blocks = 1;
  return CSE_OK;
}
static cse_status mochi_sample(const cse_call *call, const cse_batch *batch, const cse_candidates *out) {
  int64_t n = batch->rows, s = call->values[0].i;
  for (int64_t i = 0; i < n; i++)
    for (int64_t p = 0; p < s; p++) {
      float *v = cse_row(out->vectors[0], i) + p * batch->dim;
      const float *a = cse_row(batch->u[0], i), *b = cse_row(batch->z[1], (i + 1 + p) % n);
      for (int64_t k = 0; k < batch->dim; k++) v[k] = 0.3f * a[k] + 0.7f * b[k];
    }
  return CSE_OK;
}
static cse_status mochi_backward(const cse_call *call, const cse_batch *batch, const DLTensor *const *dvectors) {
  int64_t n = batch->rows, s = call->values[0].i;
  for (int64_t i = 0; i < n; i++)
    for (int64_t p = 0; p < s; p++) {
      const float *d = cse_row(dvectors[0], i) + p * batch->dim;
      float *da = cse_row(batch->du[0], i), *db = cse_row(batch->dz[1], (i + 1 + p) % n);
      for (int64_t k = 0; k < batch->dim; k++) { da[k] += 0.3f * d[k]; db[k] += 0.7f * d[k]; }
    }
  return CSE_OK;
}
static const cse_component mochi = {CSE_COMPONENT(CSE_SAMPLER), .name = "own_mixtures", .doc = "private mixtures",
  .params = "count: int = 3 in [1,]\ndetach: bool = false\n", .plan = mochi_plan, .sample = mochi_sample,
  .sample_backward = mochi_backward};

// ---- replace: the positives themselves are moved a little towards the next anchor, with gradient
static cse_status replace_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)call; (void)limits;
  plan->blocks[0] = block(CSE_ANCHOR, CSE_NEW(0), CSE_BASE, 0, "moved");
  plan->n_blocks = 1;
  return CSE_OK;
}
static cse_status replace_sample(const cse_call *call, const cse_batch *batch, const cse_candidates *out) {
  (void)call;
  for (int64_t i = 0; i < batch->rows; i++)
    for (int64_t k = 0; k < batch->dim; k++)
      cse_row(out->vectors[0], i)[k] =
        cse_row(batch->z[1], i)[k] + 0.25f * cse_row(batch->z[0], (i + 1) % batch->rows)[k];
  return CSE_OK;
}
static cse_status replace_backward(const cse_call *call, const cse_batch *batch, const DLTensor *const *dvectors) {
  (void)call;
  for (int64_t i = 0; i < batch->rows; i++)
    for (int64_t k = 0; k < batch->dim; k++) {
      cse_row(batch->dz[1], i)[k] += cse_row(dvectors[0], i)[k];
      cse_row(batch->dz[0], (i + 1) % batch->rows)[k] += 0.25f * cse_row(dvectors[0], i)[k];
    }
  return CSE_OK;
}
static const cse_component replace = {CSE_COMPONENT(CSE_SAMPLER), .name = "replace", .doc = "moved positives",
  .plan = replace_plan, .sample = replace_sample, .sample_backward = replace_backward};

// ---- dupmask: rows of equal text are no negatives of each other; edits the base alone
static cse_status dupmask_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)call; (void)limits;
  plan->flags = CSE_EDIT_CELLS;
  return CSE_OK;
}
static cse_status dupmask_sample(const cse_call *call, const cse_batch *batch, const cse_candidates *out) {
  double masked = 0;
  for (int64_t i = 0; i < batch->rows; i++)
    for (int64_t j = 0; j < batch->rows; j++)
      if (i != j && batch->text_ids[i] == batch->text_ids[j]) {
        cse_row(out->bias[0], i)[j] = -INFINITY;
        masked++;
      }
  if (!out->sim[0]) return cse_fail(call, CSE_E_INTERNAL, "the base's cosines should be known");
  call->metrics[0] = masked;
  return CSE_OK;
}
static const cse_component dupmask = {CSE_COMPONENT(CSE_SAMPLER), .name = "dupmask", .doc = "equal texts",
  .metrics = "masked", .plan = dupmask_plan, .sample = dupmask_sample};

// ---- mapped: columns W z2 with a learnable W, dot products, and every cell scaled and shifted
static cse_status mapped_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)call;
  plan->flags = CSE_EDIT_CELLS;
  plan->weights[0] = tensor("map", limits->dim, limits->dim, CSE_INIT_NORMAL, 0, 0.3f);
  plan->n_weights = 1;
  plan->blocks[0] = block(CSE_ANCHOR, CSE_NEW(0), CSE_DOT, 0, "mapped");
  plan->blocks[1] = block(CSE_NEW(0), CSE_POSITIVE, 0, 0, "mapped-rows");
  plan->n_blocks = 2;
  return CSE_OK;
}
static cse_status mapped_sample(const cse_call *call, const cse_batch *batch, const cse_candidates *out) {
  int64_t d = batch->dim;
  for (int64_t i = 0; i < batch->rows; i++) {
    const float *x = cse_row(batch->z[1], i);
    for (int64_t r = 0; r < d; r++) {
      float sum = 0;
      for (int64_t k = 0; k < d; k++) sum += cse_row(call->weights[0], r)[k] * x[k];
      cse_row(out->vectors[0], i)[r] = sum;
    }
    for (int64_t j = 0; j < batch->rows; j++) {
      cse_row(out->gain[out->first_own], i)[j] *= 0.5f;
      cse_row(out->bias[out->first_own], i)[j] += 0.3f;
      if (i != j) cse_row(out->gain[0], i)[j] *= 0.9f;
    }
  }
  return CSE_OK;
}
static cse_status mapped_backward(const cse_call *call, const cse_batch *batch, const DLTensor *const *dvectors) {
  int64_t d = batch->dim;
  for (int64_t i = 0; i < batch->rows; i++)
    for (int64_t r = 0; r < d; r++) {
      float g = cse_row(dvectors[0], i)[r];
      for (int64_t k = 0; k < d; k++) {
        cse_row(batch->dz[1], i)[k] += g * cse_row(call->weights[0], r)[k];
        cse_row(call->dweights[0], r)[k] += g * cse_row(batch->z[1], i)[k];
      }
    }
  return CSE_OK;
}
static const cse_component mapped = {CSE_COMPONENT(CSE_SAMPLER), .name = "mapped", .doc = "learnable map",
  .plan = mapped_plan, .sample = mapped_sample, .sample_backward = mapped_backward};

// ---- xent: cross-entropy times a learnable factor plus a learnable term; groups or the first group only
static double xent_rows(const cse_call *call, const cse_logits *x, double factor) {
  double loss = 0;
  for (int64_t i = 0; i < x->rows; i++) {
    const float *l = cse_row(x->logits, i);
    double peak = -INFINITY, rest = 0;
    const int64_t target = x->target[i];
    for (int64_t j = 0; j < x->cols; j++) if (l[j] > peak) peak = l[j];
    for (int64_t j = 0; j < x->cols; j++) if (j != target) rest += exp(l[j] - peak);
    const double sum = rest + exp(l[target] - peak);
    double row = l[target] == peak ? log1p(rest) : log(sum) + peak - l[target];
    loss += row / (double)x->rows;
    if (x->row_loss) x->row_loss[i] = row;
    if (x->dlogits) {
      for (int64_t j = 0; j < x->cols; j++)
        cse_row(x->dlogits, i)[j] += (float)(factor * (j == target ? -rest : exp(l[j] - peak)) / sum / (double)x->rows);
    }
  }
  (void)call;
  return loss;
}
static cse_status xent_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)limits;
  if (call->values[1].i) plan->flags = CSE_FIRST_GROUP;
  plan->weights[0] = tensor("factor", 2, 0, CSE_INIT_CONST, 0.8f, 0);
  plan->weights[0].flags = CSE_NO_DECAY;
  plan->weights[0].lr_mult = 10;
  plan->n_weights = 1;
  return CSE_OK;
}
static cse_status xent(const cse_call *call, const cse_logits *x, double *loss) {
  float *w = call->weights[0]->data;
  double rows = xent_rows(call, x, w[0]);
  *loss = w[0] * rows + w[1] * w[1];
  if (call->dweights) {
    ((float *)call->dweights[0]->data)[0] += (float)rows;
    ((float *)call->dweights[0]->data)[1] += 2 * w[1];
  }
  return CSE_OK;
}
static const cse_component xent_loss = {CSE_COMPONENT(CSE_LOSS), .name = "xent", .doc = "learnable factor",
  .params = "temperature: float = 0.5 in (0,) live\nfirst: bool = false\n", .plan = xent_plan, .on_logits = xent};

// ---- simreg: half the mean squared similarity, through dsim
static cse_status simreg(const cse_call *call, const cse_logits *x, double *loss) {
  (void)call;
  double scale = 1.0 / (double)(x->rows * x->cols);
  for (int64_t i = 0; i < x->rows; i++)
    for (int64_t j = 0; j < x->cols; j++) {
      float s = cse_row(x->sim, i)[j];
      if (isinf(cse_row(x->logits, i)[j])) continue;
      *loss += 0.5 * s * s * scale;
      if (x->dsim) cse_row(x->dsim, i)[j] += (float)(s * scale);
    }
  return CSE_OK;
}
static const cse_component simreg_loss = {CSE_COMPONENT(CSE_LOSS), .name = "simreg", .doc = "small similarities",
  .params = "temperature: float = 1 in (0,) live\n", .on_logits = simreg};

// ---- alignuni: mean |u1 - u2|^2 + log mean exp(-2 |u1_i - u1_j|^2), on unit vectors, plus 0.1 mean |z|^2
static cse_status alignuni(const cse_call *call, const cse_batch *b, double *loss) {
  (void)call;
  int64_t n = b->rows, d = b->dim;
  double total = 0, align = 0, square = 0;
  for (int64_t i = 0; i < n; i++) {
    const float *x = cse_row(b->u[0], i), *y = cse_row(b->u[1], i), *z = cse_row(b->z[0], i);
    for (int64_t k = 0; k < d; k++) {
      align += (x[k] - y[k]) * (double)(x[k] - y[k]) / (double)n;
      square += 0.1 * z[k] * z[k] / (double)n;
      if (b->du) {
        cse_row(b->du[0], i)[k] += 2 * (x[k] - y[k]) / (float)n;
        cse_row(b->du[1], i)[k] -= 2 * (x[k] - y[k]) / (float)n;
        cse_row(b->dz[0], i)[k] += 0.2f * z[k] / (float)n;
      }
    }
  }
  for (int pass = 0; pass < 2; pass++)
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = 0; j < n; j++) {
        if (i == j) continue;
        const float *x = cse_row(b->u[0], i), *y = cse_row(b->u[0], j);
        double distance = 0;
        for (int64_t k = 0; k < d; k++) distance += (x[k] - y[k]) * (double)(x[k] - y[k]);
        if (!pass) { total += exp(-2 * distance); continue; }
        if (b->du) for (int64_t k = 0; k < d; k++) {
          float g = (float)(-4 * exp(-2 * distance) / total) * (x[k] - y[k]);
          cse_row(b->du[0], i)[k] += g;
          cse_row(b->du[0], j)[k] -= g;
        }
      }
  *loss = align + square + (n > 1 ? log(total / (double)(n * (n - 1))) : 0);
  return CSE_OK;
}
static const cse_component alignuni_loss = {CSE_COMPONENT(CSE_LOSS), .name = "alignuni",
  .doc = "alignment and uniformity", .on_embeds = alignuni};

// ---- gate: a pooler with a weight, mean of two layers' tokens, special tokens at half weight
static cse_status gate_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)call;
  plan->layers[0] = 0; plan->layers[1] = -1; plan->n_layers = 2;
  plan->weights[0] = tensor("gate", limits->dim, 0, CSE_INIT_UNIFORM, 0.5f, 1.5f);
  plan->n_weights = 1;
  return CSE_OK;
}
static float gate_share(const cse_tokens *t, int64_t token) { return t->token_flags[token] & CSE_TOKEN_SPECIAL ? 0.5f : 1; }
static cse_status gate_pool(const cse_call *call, const cse_tokens *t, DLTensor *out) {
  const float *g = call->weights[0]->data;
  for (int64_t s = 0; s < t->n_seqs; s++) {
    float *o = cse_row(out, s);
    memset(o, 0, t->dim * sizeof(float));
    for (int64_t i = t->offsets[s]; i < t->offsets[s + 1]; i++)
      for (uint32_t l = 0; l < 2; l++)
        for (int64_t k = 0; k < t->dim; k++)
          o[k] += g[k] * gate_share(t, i) * cse_row(t->layers[l], i)[k] / (float)(t->offsets[s + 1] - t->offsets[s]);
  }
  return CSE_OK;
}
static cse_status gate_backward(const cse_call *call, const cse_tokens *t, const DLTensor *out, const DLTensor *dout) {
  (void)out;
  const float *g = call->weights[0]->data;
  float *dg = call->dweights ? call->dweights[0]->data : NULL;
  for (int64_t s = 0; s < t->n_seqs; s++) {
    const float *d = cse_row(dout, s);
    for (int64_t i = t->offsets[s]; i < t->offsets[s + 1]; i++)
      for (uint32_t l = 0; l < 2; l++)
        for (int64_t k = 0; k < t->dim; k++) {
          float share = gate_share(t, i) / (float)(t->offsets[s + 1] - t->offsets[s]);
          cse_row(t->dlayers[l], i)[k] += g[k] * share * d[k];
          if (dg) dg[k] += share * cse_row(t->layers[l], i)[k] * d[k];
        }
  }
  return CSE_OK;
}
static const cse_component gate = {CSE_COMPONENT(CSE_POOLER), .name = "gate", .doc = "gated mean",
  .plan = gate_plan, .pool = gate_pool, .pool_backward = gate_backward};

// ---- project: a pooler that changes the width; on its own it reads the first token
static cse_status project_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  plan->flags = CSE_FIRST_TOKEN;
  plan->out_dim = call->values[0].i;
  plan->weights[0] = tensor("matrix", call->values[0].i, limits->dim, CSE_INIT_NORMAL, 0, 0.5f);
  plan->n_weights = 1;
  return CSE_OK;
}
static cse_status project_pool(const cse_call *call, const cse_tokens *t, DLTensor *out) {
  for (int64_t s = 0; s < t->n_seqs; s++)
    for (int64_t r = 0; r < call->values[0].i; r++) {
      float sum = 0;
      for (int64_t k = 0; k < t->dim; k++)
        sum += cse_row(call->weights[0], r)[k] * cse_row(t->layers[0], t->offsets[s])[k];
      cse_row(out, s)[r] = sum;
    }
  return CSE_OK;
}
static cse_status project_backward(const cse_call *call, const cse_tokens *t, const DLTensor *out, const DLTensor *dout) {
  (void)out;
  for (int64_t s = 0; s < t->n_seqs; s++)
    for (int64_t r = 0; r < call->values[0].i; r++)
      for (int64_t k = 0; k < t->dim; k++) {
        cse_row(t->dlayers[0], t->offsets[s])[k] += cse_row(dout, s)[r] * cse_row(call->weights[0], r)[k];
        if (call->dweights)
          cse_row(call->dweights[0], r)[k] += cse_row(dout, s)[r] * cse_row(t->layers[0], t->offsets[s])[k];
      }
  return CSE_OK;
}
static const cse_component project = {CSE_COMPONENT(CSE_POOLER), .name = "project", .doc = "linear map",
  .params = "width: int = 5 in [1,]\n", .plan = project_plan, .pool = project_pool, .pool_backward = project_backward};

CSE_LIBRARY("test.strategies", "1.0", "MIT", NULL, &queue, &noise, &ntxent, &mochi, &replace, &dupmask, &mapped,
            &xent_loss, &simreg_loss, &alignuni_loss, &gate, &project)
