/* The Python side of plugins in Python, inside of the program: it needs no folder of its own, and is of one build with
 * the other side. Used by PluginPython. */
#ifndef CSE_PYTHON_PLUGINS_H
#define CSE_PYTHON_PLUGINS_H
#include <stdint.h>

/* A module by its full name, and its source. */
typedef struct {
  const char *name;
  const char *source;
  int64_t length;
} pp_module;

/* All modules; the first one is what Python is started with. Sources have no NUL at their end. */
const pp_module *pp_modules(int32_t *count);
#endif
