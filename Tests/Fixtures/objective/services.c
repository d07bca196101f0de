// Checks the host's services from a plugin's side; `create` fails with the first thing that is wrong.
// Built by the tests with: cc -O2 -shared -fPIC -I Sources/PluginAPI/include services.c -lm
#include "cse_plugin.h"
#include <string.h>

typedef struct { int64_t ends[16]; int32_t workers[16]; } chunks;
static void note(void *user, int64_t begin, int64_t end, int32_t worker) {
  chunks *c = user;
  c->ends[begin] = end;
  c->workers[begin] = worker;
}
static cse_status create(const cse_call *call, void **self) {
  const cse_host *host = call->host;
  static int instance;
  *self = &instance;
  if (host->struct_size < sizeof(cse_host)) return cse_fail(call, CSE_E_INTERNAL, "struct_size of cse_host");
  if (host->abi_major != CSE_ABI_MAJOR) return cse_fail(call, CSE_E_INTERNAL, "abi_major");
  if (!host->name || !host->version) return cse_fail(call, CSE_E_INTERNAL, "name or version is NULL");
  if (host->get_service(host, "nobody.nothing/1")) return cse_fail(call, CSE_E_INTERNAL, "an unknown service");
  host->log(host, CSE_LOG_INFO, "hello from a plugin");
  host->log(host, CSE_LOG_WARN, "careful: \xff is no UTF-8");
  chunks c;
  memset(&c, 0xff, sizeof c);
  if (host->parallel_for(call, 10, 3, note, &c) != CSE_OK) return cse_fail(call, CSE_E_INTERNAL, "parallel_for");
  for (int64_t i = 0; i < 10; i++) {
    int64_t end = i % 3 ? -1 : i == 9 ? 10 : i + 3;
    if (c.ends[i] != end) return cse_fail(call, CSE_E_INTERNAL, "chunk borders");
    if (end > 0 && (c.workers[i] < 0 || c.workers[i] > 1)) return cse_fail(call, CSE_E_INTERNAL, "worker");
  }
  if (host->parallel_for(call, 0, 3, note, &c) != CSE_OK) return cse_fail(call, CSE_E_INTERNAL, "an empty loop");
  if (host->parallel_for(call, 2, -5, note, &c) != CSE_OK || c.ends[0] != 1 || c.ends[1] != 2)
    return cse_fail(call, CSE_E_INTERNAL, "a grain below 1 counts as 1");
  for (int32_t kind = CSE_UNIFORM; kind <= CSE_NORMAL; kind++) {
    float whole[20], part[20];
    host->random(call, kind, 7, whole, 20);
    host->random(call, kind, 7, part, 3);
    host->random(call, kind, 10, part + 3, 17);
    if (memcmp(whole, part, sizeof whole)) return cse_fail(call, CSE_E_INTERNAL, "random numbers by offset");
    for (int i = 0; kind == CSE_UNIFORM && i < 20; i++)
      if (!(whole[i] >= 0 && whole[i] < 1)) return cse_fail(call, CSE_E_INTERNAL, "uniform numbers in [0, 1)");
  }
  if (call->states || call->weights || call->scratch || call->tape)
    return cse_fail(call, CSE_E_INTERNAL, "memory before plan");
  return CSE_OK;
}
static void destroy(void *self) { *(int *)self += 1; }

static cse_status plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  if (!call->self) return cse_fail(call, CSE_E_INTERNAL, "self is lost");
  if (limits->max_threads != 2 || limits->max_rows != 4 || limits->dim != 6 || limits->n_views != 2)
    return cse_fail(call, CSE_E_INTERNAL, "limits");
  for (int i = 0; i < 16; i++) if (plan->states[i].name) return cse_fail(call, CSE_E_INTERNAL, "arrays arrive zeroed");
  plan->scratch_bytes = 100;
  plan->tape_bytes = 3;
  const uint32_t starts[] = {CSE_INIT_ZERO, CSE_INIT_CONST, CSE_INIT_NORMAL, CSE_INIT_UNIFORM, CSE_INIT_EYE};
  static const char *const names[] = {"zero", "const", "normal", "uniform", "eye"};
  for (uint32_t i = 0; i < 5; i++) {
    cse_tensor_decl *t = &plan->weights[plan->n_weights++];
    t->name = names[i]; t->ndim = 2; t->shape[0] = 40; t->shape[1] = 50; t->init = starts[i]; t->a = 2; t->b = 3;
  }
  return CSE_OK;
}
static cse_status score(const cse_call *call, const cse_logits *x, double *loss) {
  if (((uintptr_t)call->scratch | (uintptr_t)call->tape | (uintptr_t)x->logits->data) % 64)
    return cse_fail(call, CSE_E_INTERNAL, "alignment");
  if (!x->logits->strides || x->logits->strides[1] != 1 || x->logits->byte_offset)
    return cse_fail(call, CSE_E_INTERNAL, "strides");
  memset(call->scratch, 1, 100);
  *loss = 1;
  call->metrics[1] = 2.5;
  return CSE_OK;
}
static const cse_component services = {CSE_COMPONENT(CSE_LOSS), .name = "services", .doc = "checks the host",
  .metrics = "silent, spoken", .create = create, .destroy = destroy, .plan = plan, .on_logits = score};
CSE_LIBRARY("test.services", "1.0", "MIT", NULL, &services)
