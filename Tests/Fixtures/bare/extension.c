/* Components whose get_extension offers functions that are called by name; those of `wild` point to nowhere. */
#include "cse_functions.h"
#include "cse_plugin.h"
#include <string.h>

static double twice(double x) { return 2 * x; }
static const cse_function list[] = {{"fn twice(x:f64) -> f64 ;", (cse_any_fn)twice}};
static const cse_functions_1 functions = {sizeof functions, 1, list};
static const cse_function wild_list[] = {{"fn twice(x:f64) -> f64 ;", (cse_any_fn)0x1234}};
static const cse_functions_1 wild_functions = {sizeof wild_functions, 1, wild_list};

static const void *find(const cse_component *component, const char *id) {
  if (strcmp(id, "cse.functions/1")) return NULL;
  return component->name[0] == 't' ? &functions : &wild_functions;
}
static const cse_component toy = {CSE_COMPONENT(CSE_OTHER), .name = "toy", .doc = "functions", .get_extension = find};
static const cse_component wild = {CSE_COMPONENT(CSE_OTHER), .name = "wild", .doc = "functions", .get_extension = find};
CSE_LIBRARY("org.example.extension", "1.0", "MIT", NULL, &toy, &wild)
