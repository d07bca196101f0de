/* cse_functions.h - the extension "cse.functions/1": functions of a plugin that are called by name and checked arguments, as bare
 * functions are. A component's get_extension returns a cse_functions_1 for that id; `mixcse plugins call COMPONENT.NAME a=1` calls them.
 *
 *   static double warm(int64_t step, int64_t total) { return total ? (double)step / (double)total : 1; }
 *   static const cse_function list[] = {{"schedule warm(step:i64, total:i64) -> f64 ;", (cse_any_fn)warm}};
 *   static const cse_functions_1 functions = {sizeof functions, 1, list};                                                          */
#ifndef CSE_FUNCTIONS_H
#define CSE_FUNCTIONS_H
#include <stdint.h>
typedef void (*cse_any_fn)(void);
typedef struct {            /* frozen */
  const char *declaration;  /* one declaration in the grammar of bare functions; static */
  cse_any_fn function;      /* of exactly the type the declaration says. Pure; any thread */
} cse_function;
typedef struct {            /* static */
  uint32_t struct_size, n_functions;
  const cse_function *functions;
} cse_functions_1;
#endif
