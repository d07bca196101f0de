/* What the programs that call mixcse.h check with: each thing that is not as it should be is printed and counted. */
#include <stdio.h>
#include <string.h>
#include "mixcse.h"

static int failures;
#define CHECK(what) \
  do { \
    if (!(what)) printf("line %d: %s (last error: %s)\n", __LINE__, #what, mixcse_last_error()), failures++; \
  } while (0)
#define FAILS(call, code, words) \
  do { \
    int32_t got = (int32_t)(call); \
    if (got != (code) || !strstr(mixcse_last_error(), words)) \
      printf("line %d: %s gave %d, expected %d with '%s' (last error: %s)\n", __LINE__, #call, got, (int)(code), words, \
             mixcse_last_error()), \
          failures++; \
  } while (0)
