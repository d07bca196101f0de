/* A library with one thing wrong, chosen by -DCASE_NAME. PluginLoaderTests lists the cases and what must be said about each. */
#include "cse_plugin.h"

static cse_status on_logits(const cse_call *call, const cse_logits *x, double *loss) {
  (void)call, (void)x, (void)loss;
  return CSE_OK;
}

static cse_component loss = {CSE_COMPONENT(CSE_LOSS), .name = "broken", .doc = "a loss", .on_logits = on_logits};
static cse_component second = {CSE_COMPONENT(CSE_LOSS), .name = "second", .doc = "another", .on_logits = on_logits};
static const cse_component *components[] = {&loss, &second};
static cse_library library = {sizeof(cse_library), CSE_ABI_MAJOR, CSE_ABI_MINOR, 0, 2, components, "org.example.broken", "1.0",
    "MIT", NULL};
#ifdef NOT_IDEMPOTENT
static cse_library twin;
#endif
#ifdef NAME_WITHOUT_END
static char endless[1 << 20];
#endif

static void break_it(void) {
#if defined(WRONG_MAJOR)
  library.abi_major = 2;
#elif defined(HOST_TOO_OLD)
  library.min_host_minor = 7;
#elif defined(SHORT_LIBRARY)
  library.struct_size = 8;
#elif defined(NOTHING_OFFERED)
  library.n_components = 0;
#elif defined(TOO_MANY)
  library.n_components = 1u << 30;
#elif defined(WILD_COMPONENTS)
  library.components = (const cse_component *const *)(uintptr_t)0xdead0000;
#elif defined(COMPONENTS_NULL)
  library.components = NULL;
#elif defined(COMPONENT_NULL)
  components[1] = NULL;
#elif defined(COMPONENT_WILD)
  components[1] = (const cse_component *)(uintptr_t)0x7fffffff0000;
#elif defined(COMPONENT_CROOKED)
  components[1] = (const cse_component *)((uintptr_t)&second + 1);
#elif defined(COMPONENT_KERNEL)
  components[1] = (const cse_component *)(uintptr_t)0xffffffffffffff00;
#elif defined(SHORT_COMPONENT)
  second.struct_size = 16;
#elif defined(NAME_NULL)
  second.name = NULL;
#elif defined(NAME_WILD)
  second.name = (const char *)(uintptr_t)0x10;
#elif defined(NAME_LETTERS)
  second.name = "Mix CSE";
#elif defined(NAME_WITHOUT_END)
  for (size_t i = 0; i < sizeof endless; i++) endless[i] = 'a';
  second.name = endless;
#elif defined(NAME_TWICE)
  second.name = "broken";
#elif defined(ONE_KIND_UNKNOWN)
  loss.kind = 77;
#elif defined(KINDS_UNKNOWN)
  loss.kind = 77;
  second.kind = 78;
#elif defined(DOC_NOT_UTF8)
  second.doc = "caf\xe9";
#elif defined(DOC_CONTROL)
  second.doc = "\033[2Jgone";
#elif defined(NO_FUNCTION)
  second.on_logits = NULL;
#elif defined(SAMPLER_EMPTY)
  second.kind = CSE_SAMPLER;
#elif defined(POOLER_EMPTY)
  second.kind = CSE_POOLER;
#elif defined(WILD_FUNCTION)
  second.on_embeds = (cse_status(*)(const cse_call *, const cse_batch *, double *))(uintptr_t)0x1234;
#elif defined(DATA_FUNCTION)
  second.on_embeds = (cse_status(*)(const cse_call *, const cse_batch *, double *))(uintptr_t)&library;
#elif defined(PARAMS)
  second.params = "lambda: float = 0.2\nmask: zero|exclude = zeroo\n";
#elif defined(TEMPERATURE)
  second.params = "temperature: int = 1";
#elif defined(METRICS)
  second.metrics = "a, b, a";
#elif defined(METRICS_EMPTY)
  second.metrics = "a,,b";
#elif defined(RECIPE_SYNTAX)
  library.recipes = "mine sampler:x";
#elif defined(RECIPE_KIND)
  library.recipes = "mine = smapler:x loss:broken";
#elif defined(RECIPE_WITHOUT_LOSS)
  library.recipes = "mine = sampler:x";
#elif defined(RECIPE_TWICE)
  library.recipes = "mine = loss:broken\nmine = loss:second";
#elif defined(SUPPORT)
  static const cse_support gpu = {{2, 0}, {2, 32, 1}};
  second.n_support = 1;
  second.support = &gpu;
#elif defined(SUPPORT_WILD)
  second.n_support = 4;
  second.support = (const cse_support *)(uintptr_t)0x40;
#elif defined(ID_LETTERS)
  library.id = "org example";
#elif defined(ID_NULL)
  library.id = NULL;
#elif defined(VERSION_EMPTY)
  library.version = "";
#elif defined(VERSION_LINES)
  library.version = "1.0\n2.0";
#endif
}

const cse_library *cse_library_entry_v1(const cse_host *host) {
  break_it();
#if defined(REFUSES)
  host->log(host, CSE_LOG_ERROR, "this library wants a full moon");
  return NULL;
#elif defined(REFUSES_SILENTLY)
  return NULL;
#elif defined(WILD_LIBRARY)
  return (const cse_library *)(uintptr_t)0x5000;
#elif defined(CROOKED_LIBRARY)
  return (const cse_library *)((uintptr_t)&library + 3);
#elif defined(NOT_IDEMPOTENT)
  static int calls;
  twin = library;
  return calls++ % 2 ? &twin : &library;
#else
  (void)host;
  return &library;
#endif
}
