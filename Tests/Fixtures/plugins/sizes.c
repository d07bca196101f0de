/* Descriptors of other versions of the header. -DOLDER: shorter structs with garbage behind them, which must not be read.
 * -DNEWER: longer structs with fields this host has never heard of. */
#include "cse_plugin.h"

static cse_status on_logits(const cse_call *call, const cse_logits *x, double *loss) {
  (void)call, (void)x, (void)loss;
  return CSE_OK;
}

#ifdef OLDER
static const cse_component loss = {offsetof(cse_component, claims), CSE_LOSS, .name = "old", .doc = "an older loss",
    .on_logits = on_logits, .n_support = 1u << 30, .support = (const cse_support *)8,
    .get_extension = (const void *(*)(const cse_component *, const char *))24};
static const cse_component *const components[] = {&loss};
static const cse_library library = {offsetof(cse_library, license), 1, 0, 0, 1, components, "org.example.older", "0.9",
    (const char *)16, (const char *)32};
#else
static const struct { cse_component known; uint64_t junk[8]; } loss = {
    {sizeof(cse_component) + 64, CSE_LOSS, .name = "new", .doc = "a newer loss", .on_logits = on_logits}, {~0ull, ~0ull, ~0ull}};
static const cse_component *const components[] = {&loss.known};
static const struct { cse_library known; uint64_t junk[8]; } library = {
    {sizeof(cse_library) + 64, 1, 7, 0, 1, components, "org.example.newer", "3.0", "MIT", NULL}, {~0ull, ~0ull}};
#endif

const cse_library *cse_library_entry_v1(const cse_host *host) {
  (void)host;
  return (const cse_library *)&library;
}
