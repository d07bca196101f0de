/* Libraries that are told apart by their symbols alone. -DPLAIN: no plugin. -DFUTURE: another major. -DBARE: bare functions.
 * -DDATA_ENTRY: an entry that is no function. -DNEEDS_SYMBOL: something nobody defines. -DNEEDS_HELPER: a function of another library. -DHELPER: that library. */
#include "cse_plugin.h"

#if defined(PLAIN)
int add(int a, int b);
int add(int a, int b) { return a + b; }
#elif defined(HELPER)
int helper(void);
int helper(void) { return 1; }
#elif defined(FUTURE)
CSE_EXPORT const void *cse_library_entry_v2(const void *host);
const void *cse_library_entry_v2(const void *host) { return host; }
#elif defined(DATA_ENTRY)
CSE_EXPORT extern const char data_entry[] __asm__("cse_library_entry_v1");
const char data_entry[] = "no function";
#elif defined(BARE)
CSE_EXPORT extern const char cse_functions[];
const char cse_functions[] = "loss mine(z1:f32[n,d], n:i64, d:i64) -> f64 loss ;";
#else
int helper(void);
int nobody_defines_this(void);
static cse_status on_logits(const cse_call *call, const cse_logits *x, double *loss) {
  (void)call, (void)x, (void)loss;
#ifdef NEEDS_SYMBOL
  return nobody_defines_this();
#else
  return helper();
#endif
}
static const cse_component needy = {CSE_COMPONENT(CSE_LOSS), .name = "needy", .doc = "a loss", .on_logits = on_logits};
CSE_LIBRARY("org.example.needy", "1.0", NULL, NULL, &needy)
#endif
