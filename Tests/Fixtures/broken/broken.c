/* One plugin with three components, each right; -DCASE breaks one thing. PluginsCheckTests says which test must find it. */
#include "cse_plugin.h"
#include <fenv.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(LOAD_THREAD) || defined(LOAD_FILES)
static void *idle(void *x) { pause(); return x; }
#endif
__attribute__((constructor)) static void at_load(void) {
#if defined(LOAD_CRASH)
  abort();
#elif defined(LOAD_HANG)
  for (;;) pause();
#elif defined(LOAD_EXIT)
  exit(0);
#elif defined(LOAD_SLOW)
  usleep(800000);
#elif defined(LOAD_SIGNAL)
  signal(SIGINT, SIG_IGN);
#elif defined(LOAD_ROUNDING)
  fesetround(FE_UPWARD);
#elif defined(LOAD_FILES)
  for (int i = 0; i < 3; i++) (void)!dup(0);
  (void)idle;
#elif defined(LOAD_THREAD)
  for (int i = 0; i < 4; i++) { pthread_t t; pthread_create(&t, NULL, idle, NULL); }
#elif defined(LOAD_STDOUT)
  printf("hello\n");
  fflush(stdout);
#endif
}

static int64_t counter;

/* ---- pooler: mean; out = w[0] * mean ---- */
static cse_status pooler_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)call, (void)limits;
#ifdef POOL_LIMITS_SIZE
  if (limits->struct_size > sizeof *limits) return cse_fail(call, CSE_E_INVALID, "unknown size of the limits");
#endif
#ifdef POOL_PLAN_TAIL
  const int is_odd = plan->struct_size > sizeof *plan && ((char *)plan)[sizeof *plan];
#endif
  plan->scratch_bytes = 64;
  plan->n_weights = 1;
  plan->weights[0].name = "w";
  plan->weights[0].ndim = 1;
  plan->weights[0].shape[0] = 1;
  plan->weights[0].init = CSE_INIT_CONST;
  plan->weights[0].a = 1.5f;
#ifdef POOL_PLAN_TAIL
  if (is_odd) plan->weights[0].a = 2;
#endif
  return CSE_OK;
}
static cse_status pool(const cse_call *call, const cse_tokens *x, DLTensor *out) {
#ifdef POOL_CALL_SIZE
  if (call->struct_size != sizeof *call) return cse_fail(call, CSE_E_INVALID, "unknown size of the call");
#endif
#ifdef POOL_HOST_SIZE
  if (call->host->struct_size != sizeof *call->host) return cse_fail(call, CSE_E_INVALID, "unknown size of the host");
#endif
  const float w = *(const float *)call->weights[0]->data;
  for (int64_t s = 0; s < x->n_seqs; s++) {
    const int64_t begin = x->offsets[s], end = x->offsets[s + 1];
    float *vector = cse_row(out, s);
#ifdef POOL_STRIDE
    vector = (float *)out->data + s * out->shape[1];
#endif
#ifdef POOL_KEEPS
    if (s == 1) continue;
#endif
    memset(vector, 0, sizeof(float) * (size_t)x->dim);
    for (int64_t t = begin; t < end; t++)
      for (int64_t k = 0; k < x->dim; k++) vector[k] += w * cse_row(x->layers[0], t)[k] / (float)(end - begin);
#ifdef POOL_SCALE
    vector[0] += 1;
#endif
#ifdef POOL_ROTATION
    vector[0] *= 2;
#endif
#ifdef POOL_PAST
    vector[x->dim] = 0;
#endif
#ifdef POOL_BEFORE
    ((float *)out->data)[-1] = 0;
#endif
#ifdef POOL_READS_PAST
    if (s == x->n_seqs - 1) vector[0] += 0 * ((volatile float *)cse_row(x->layers[0], x->n_tokens - 1))[x->dim + 64];
#endif
  }
#ifdef POOL_INPUT
  cse_row(x->layers[0], 0)[0] += 0;
#endif
#ifdef POOL_SCRATCH
  cse_row(out, 0)[0] += ((const unsigned char *)call->scratch)[3] ? 1 : 0;
#endif
#ifdef POOL_COUNTS
  cse_row(out, 0)[0] += (float)++counter;
#endif
#ifdef POOL_STRUCT
  cse_row(out, 0)[0] += 0 * (float)*((volatile const char *)x + sizeof *x);
#endif
#ifdef POOL_EXACT_SIZE
  if (x->struct_size != sizeof *x) return cse_fail(call, CSE_E_INVALID, "unknown struct size");
#endif
#ifdef POOL_LONG
  for (int64_t s = 0; s < x->n_seqs; s++)
    if (x->offsets[s + 1] - x->offsets[s] == 1) abort();
#endif
#ifdef POOL_LEAK
  static void *volatile last;
  last = malloc(100);
#endif
#ifdef POOL_EXIT
  exit(0);
#endif
#ifdef POOL_STDOUT
  puts("pooling");
#endif
#ifdef POOL_TRAP
  __builtin_trap();
#endif
#ifdef POOL_HANG_NAN
  for (volatile int64_t k = 0; k < out->shape[1]; k++)
    if (isnan(cse_row(out, 3)[k])) k--;
#endif
  return CSE_OK;
}
static cse_status pool_backward(const cse_call *call, const cse_tokens *x, const DLTensor *out, const DLTensor *dout) {
  const float w = *(const float *)call->weights[0]->data;
  (void)out;
  for (int64_t s = 0; s < x->n_seqs; s++) {
    const int64_t begin = x->offsets[s], end = x->offsets[s + 1];
    for (int64_t t = begin; t < end; t++)
      for (int64_t k = 0; k < x->dim; k++) {
        const float g = cse_row(dout, s)[k] / (float)(end - begin);
#if defined(GRAD_WRONG)
        cse_row(x->dlayers[0], t)[k] += 1.1f * w * g;
#elif defined(GRAD_OVERWRITES)
        cse_row(x->dlayers[0], t)[k] = w * g;
#elif defined(GRAD_NONLINEAR)
        cse_row(x->dlayers[0], t)[k] += w * g + 1e-1f * g * g;
#else
        cse_row(x->dlayers[0], t)[k] += w * g;
#endif
#ifndef GRAD_WEIGHT
        if (call->dweights) *(float *)call->dweights[0]->data += g * cse_row(x->layers[0], t)[k];
#endif
      }
  }
#ifdef GRAD_COUNTS
  cse_row(x->dlayers[0], 0)[0] += (float)(++counter % 2) * 1e-4f;
#endif
  return CSE_OK;
}
static cse_status layer_weights(const cse_call *call, const cse_limits *limits, float *weights) {
#if defined(POOL_OTHER_LAYER)
  weights[0] = *(const float *)call->weights[0]->data;
#elif defined(POOL_OTHER_WEIGHT)
  weights[limits->n_layers - 1] = 1;
#elif defined(POOL_WEIGHTS_PAST)
  weights[limits->n_layers] = 1;
#else
  weights[limits->n_layers - 1] = *(const float *)call->weights[0]->data;
#endif
  return CSE_OK;
}
static const void *pooler_extension(const cse_component *component, const char *id) {
#ifdef POOL_OTHER_TOKENS
  static const cse_pooling_1 pooling = {sizeof pooling, CSE_POOL_MAX, CSE_HEAD_NONE, 0, layer_weights};
#else
  static const cse_pooling_1 pooling = {sizeof pooling, CSE_POOL_MEAN, CSE_HEAD_NONE, 0, layer_weights};
#endif
  (void)component;
  return strcmp(id, CSE_POOLING_1) ? NULL : &pooling;
}
static const cse_component pooler = {CSE_COMPONENT(CSE_POOLER), .name = "mean",
#ifndef NO_DOC
    .doc = "the mean",
#endif
#ifdef POOL_CLAIM
    .claims = 1u << 15,
#elif defined(POOL_SCALE)
    .claims = CSE_SCALE_INVARIANT,
#elif defined(POOL_ROTATION)
    .claims = CSE_ROTATION_INVARIANT,
#else
    .claims = CSE_SCALE_INVARIANT | CSE_ROTATION_INVARIANT | CSE_PERMUTATION_EQUIVARIANT,
#endif
    .plan = pooler_plan, .pool = pool, .pool_backward = pool_backward, .get_extension = pooler_extension};

/* ---- sampler: a queue of earlier positives, and mixtures of live vectors ---- */
enum { SLOTS = 8 };
static cse_status sampler_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)call;
  counter = limits->max_threads;
  plan->flags = CSE_EDIT_CELLS;
  plan->n_states = 2;
  plan->states[0].name = "queue";
  plan->states[0].ndim = 2;
  plan->states[0].shape[0] = SLOTS;
  plan->states[0].shape[1] = limits->dim;
  plan->states[1].name = "filled";
  plan->states[1].ndim = 1;
  plan->states[1].shape[0] = 1;
  plan->states[1].dtype.bits = 64;
  plan->states[1].dtype.lanes = 1;
  plan->n_blocks = 2;
  plan->blocks[0].rows = CSE_ANCHOR;
  plan->blocks[0].cols = CSE_STATE(0);
  plan->blocks[0].label = "queue";
  plan->blocks[1].rows = CSE_ANCHOR;
  plan->blocks[1].cols = CSE_NEW(0);
  plan->blocks[1].label = "noisy";
#ifdef PLAN_FLAGS
  plan->flags |= 0x4000;
#endif
#ifdef PLAN_BIG
  plan->blocks[1].fixed = 100000000;
#endif
  return CSE_OK;
}
static cse_status sample(const cse_call *call, const cse_batch *b, const cse_candidates *out) {
  const int64_t filled = *(const int64_t *)call->states[1]->data;
  out->n_cols[out->first_own] = filled < SLOTS ? filled : SLOTS;
#if defined(SAMPLE_COLUMNS)
  out->n_cols[out->first_own] = 1000;
#elif defined(SAMPLE_NEGATIVE)
  out->n_cols[out->first_own] = -1;
#elif defined(SAMPLE_OTHERS)
  out->n_cols[0] = 3;
#endif
#if defined(GLOBAL_STATE)
  static int calls;
  if (++calls > 4) cse_row(out->gain[0], 0)[0] *= 1.01f;
#endif
  for (int64_t i = 0; i < b->rows; i++) {
    float *v = cse_row(out->vectors[0], i);
    call->host->random(call, CSE_NORMAL, (uint64_t)(i * b->dim), v, b->dim);
    for (int64_t k = 0; k < b->dim; k++) v[k] = 0.1f * v[k] + cse_row(b->z[CSE_POSITIVE], i)[k];
#ifdef SAMPLE_RANDOM
    v[0] += (float)(getpid() % 97);
#endif
#ifdef SAMPLE_STATE
    ((float *)call->states[0]->data)[0] += 1;
#endif
#ifdef SAMPLE_NORM
    double n = 0;
    for (int64_t k = 0; k < b->dim; k++) n += b->z[CSE_POSITIVE] ? cse_row(b->z[CSE_POSITIVE], i)[k] : 0;
    v[0] += 0 * (float)(1 / n);
#endif
  }
#ifdef SAMPLE_THREADS
  /* A sum cut into as many parts as there are threads: other roundings for each number of them. */
  float total = 0;
  for (int64_t part = 0; part < counter; part++) {
    float sum = 0;
    for (int64_t i = part; i < 1000; i += counter) sum += 1.0f / (float)(i + 3);
    total += sum;
  }
  cse_row(out->vectors[0], 0)[0] += total;
#endif
  return CSE_OK;
}
static cse_status sample_backward(const cse_call *call, const cse_batch *b, const DLTensor *const *dv) {
  (void)call;
  for (int64_t i = 0; i < b->rows; i++)
    for (int64_t k = 0; k < b->dim; k++) cse_row(b->dz[CSE_POSITIVE], i)[k] += cse_row(dv[0], i)[k];
  return CSE_OK;
}
static cse_status commit(const cse_call *call, const cse_batch *b) {
  int64_t *filled = call->states[1]->data;
#ifdef STATE_HIDDEN
  static int64_t hidden;
  filled = &hidden;
#endif
  for (int64_t i = 0; i < b->rows; i++)
    memcpy(cse_row(call->states[0], (*filled + i) % SLOTS), cse_row(b->u[CSE_POSITIVE], i), sizeof(float) * (size_t)b->dim);
  *filled += b->rows;
#ifdef STATE_GROWS
  ((float *)call->states[0]->data)[0] = (float)exp((double)*filled);
#endif
#ifdef STATE_HIDDEN
  *(int64_t *)call->states[1]->data = hidden % 7;
#endif
  return CSE_OK;
}
static const cse_component sampler = {CSE_COMPONENT(CSE_SAMPLER), .name = "queue", .doc = "earlier positives",
#ifdef SAMPLE_ORDER
    .claims = CSE_PERMUTATION_EQUIVARIANT,
#endif
    .plan = sampler_plan, .sample = sample, .sample_backward = sample_backward, .commit = commit};

/* ---- loss: InfoNCE with a margin ---- */
#ifdef LOSS_RACE
static void neighbours(void *user, int64_t begin, int64_t end, int32_t worker) {
  const cse_logits *x = user;
  (void)worker;
  for (int64_t i = begin; i < end; i++) {
    cse_row(x->dlogits, i)[0] += 0.1f * (float)(i + 1);
    cse_row(x->dlogits, (i + 1) % x->rows)[0] += 0.01f * (float)(i + 1);
  }
}
#endif
static cse_status on_logits(const cse_call *call, const cse_logits *x, double *loss) {
#ifdef LOSS_TEMPERATURE
  const float margin = (float)(call->values[1].f / x->temperature);
#else
  const float margin = (float)call->values[1].f;
#endif
#ifdef LOSS_BIG
  static volatile float copy[256 * 256];
  for (int64_t i = 0; i < x->rows; i++) for (int64_t j = 0; j < x->cols; j++) copy[i * x->cols + j] = cse_row(x->logits, i)[j];
#endif
#ifdef LOSS_ONE_ROW
  if (x->rows == 1) *loss = 1.0 / (double)(x->rows - 1);
#endif
#ifdef LOSS_CREATES
  int handles[2];
  if (pipe(handles)) return cse_fail(call, CSE_E_INTERNAL, "no pipe");
#endif
  for (int64_t i = 0; i < x->rows; i++) {
    const float *row = cse_row(x->logits, i);
    const int64_t own = x->target[i];
    float peak = row[own] - margin;
#ifdef LOSS_NO_PEAK
    peak = 0;
#else
    for (int64_t j = 0; j < x->cols; j++) peak = fmaxf(peak, row[j]);
#endif
    double total = 0;
    for (int64_t j = 0; j < x->cols; j++) total += exp(row[j] - (j == own ? margin : 0) - peak);
    const double value = log(total) + peak - (row[own] - margin);
    *loss += value / (double)x->rows;
#ifdef LOSS_ROWS
    if (x->row_loss) x->row_loss[i] = 2 * value;
#else
    if (x->row_loss) x->row_loss[i] = value;
#endif
#ifdef LOSS_BRANCH
    if (!x->dlogits) *loss += 1e-3;
#endif
    for (int64_t j = 0; j < x->cols && x->dlogits; j++) {
      const double p = exp(row[j] - (j == own ? margin : 0) - peak) / total;
#if defined(LOSS_TARGET)
      cse_row(x->dlogits, i)[j] += (float)((p - (j == i)) / (double)x->rows);
#elif defined(LOSS_ROW)
      cse_row(x->dlogits, i)[j] += (float)((i == 2 ? 1.5 : 1) * (p - (j == own)) / (double)x->rows);
#elif defined(LOSS_PARAMETER)
      cse_row(x->dlogits, i)[j] += (float)((margin > 0.5 ? 1.5 : 1) * (p - (j == own)) / (double)x->rows);
#elif defined(LOSS_LARGE)
      cse_row(x->dlogits, i)[j] += (float)((p - (j == own) + (i >= 48 ? 0.1 : 0)) / (double)x->rows);
#elif defined(LOSS_TERM)
      cse_row(x->dlogits, i)[j] += (float)((p - (j == own) * 1.01) / (double)x->rows);
#elif defined(LOSS_MASK)
      cse_row(x->dlogits, i)[j] += (float)((p + 1e-3 * row[j] * 0 - (j == own)) / (double)x->rows);
#else
      cse_row(x->dlogits, i)[j] += (float)((p - (j == own)) / (double)x->rows);
#endif
    }
  }
#ifdef LOSS_TERM
  for (int64_t i = 0; i < x->rows; i++) *loss += 0.01 * cse_row(x->logits, i)[x->target[i]] / (double)x->rows;
#endif
#ifdef LOSS_RACE
  if (x->dlogits) call->host->parallel_for(call, x->rows, 1, neighbours, (void *)x);
#endif
#ifdef LOSS_NO_NULL
  cse_row(x->dlogits, 0)[0] += 0;
#endif
#ifdef LOSS_EQUAL
  if (x->rows > 1 && cse_row(x->logits, 0)[0] == cse_row(x->logits, 1)[1]) *loss = NAN;
#endif
#ifdef LOSS_BOUNDS
  if (margin == 1) *loss = INFINITY;
#endif
#ifdef LOSS_DENORMAL
  float smallest = INFINITY;
  for (int64_t j = 0; j < x->cols; j++) if (cse_row(x->sim, 0)[j] != 0) smallest = fminf(smallest, fabsf(cse_row(x->sim, 0)[j]));
  *loss += 0 * (1 / smallest);
#endif
#ifdef LOSS_SHARED
  static volatile int busy;
  if (busy++) *loss += 1;
  usleep(1000);
  busy--;
#endif
  if (call->metrics) call->metrics[0] =
#ifdef LOSS_METRIC
      INFINITY;
#else
      *loss;
#endif
  return CSE_OK;
}
static const cse_component loss = {CSE_COMPONENT(CSE_LOSS), .name = "margin", .doc = "InfoNCE with a margin",
    .params = "temperature: float = 0.05 in (0,) live\nmargin: float = 0.1 in [0,1] live\n", .metrics = "again",
    .on_logits = on_logits};
#ifdef LOAD_MINOR
static const cse_component *const all[] = {&pooler, &sampler, &loss};
static const cse_library library = {sizeof(cse_library), CSE_ABI_MAJOR, CSE_ABI_MINOR, 0, 3, all, "org.example.broken",
    "1.0", "MIT", NULL};
const cse_library *cse_library_entry_v1(const cse_host *host) {
  return host->abi_minor == CSE_ABI_MINOR ? &library : NULL;
}
#else
CSE_LIBRARY("org.example.broken", "1.0", "MIT", NULL, &pooler, &sampler, &loss)
#endif
