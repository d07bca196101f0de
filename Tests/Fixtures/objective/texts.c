// A sampler that reads the texts of its rows (cse.rows/1) and reports what it found; with asks=false it must find none.
// Built by the tests with: cc -O2 -shared -fPIC -I Sources/PluginAPI/include texts.c -lm
#include "cse_plugin.h"
#include <math.h>
#include <string.h>

static cse_status reads_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)limits;
  plan->flags = CSE_EDIT_CELLS;
  if (call->values[0].i) plan->flags |= CSE_NEEDS_TEXTS;
  return CSE_OK;
}

static cse_status reads_sample(const cse_call *call, const cse_batch *batch, const cse_candidates *out) {
  const cse_rows_1 *rows = call->host->get_service(call->host, CSE_ROWS_1);
  int32_t columns = 7;
  int64_t length = 7, bytes = 0;
  (void)out;
  if (!rows) return cse_fail(call, CSE_E_UNSUPPORTED, "no service");
  if (rows->struct_size < sizeof *rows) return cse_fail(call, CSE_E_INTERNAL, "struct_size");
  int64_t n = rows->size(call, &columns);
  if (!call->values[0].i) {
    if (n != -1 || columns != 0 || rows->text(call, 0, 0, &length) || length) return cse_fail(call, CSE_E_INTERNAL, "texts unasked");
    return CSE_OK;
  }
  if (rows->size(call, 0) != n) return cse_fail(call, CSE_E_INTERNAL, "size");
  const int64_t wrong[4][2] = {{-1, 0}, {n, 0}, {0, -1}, {0, columns}};
  for (int i = 0; i < 4; i++)
    if (rows->text(call, wrong[i][0], (int32_t)wrong[i][1], &length)) return cse_fail(call, CSE_E_INTERNAL, "a text of no row");
  for (int64_t i = 0; i < batch->rows; i++)
    for (int32_t c = 0; c < columns; c++) {
      const char *text = rows->text(call, batch->row_ids[i], c, &length);
      if (!text || rows->text(call, batch->row_ids[i], c, &length) != text) return cse_fail(call, CSE_E_INTERNAL, "a text");
      for (int64_t k = 0; k < length; k++) bytes += (unsigned char)text[k];
    }
  call->metrics[0] = (double)n;
  call->metrics[1] = columns;
  call->metrics[2] = (double)bytes;
  return CSE_OK;
}

static const cse_component reads = {CSE_COMPONENT(CSE_SAMPLER), .name = "reads", .doc = "reads texts",
  .params = "asks: bool = true\n", .metrics = "rows,columns,bytes", .plan = reads_plan, .sample = reads_sample};
CSE_LIBRARY("test.texts", "1.0", "MIT", NULL, &reads)
