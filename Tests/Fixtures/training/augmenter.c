// An augmenter that copies its view, or does one thing wrong; and reports what it sees of words and flags.
// Built by the tests with: cc -O2 -shared -fPIC -I Sources/PluginAPI/include augmenter.c
#include "cse_plugin.h"

enum { NOTHING, ID, EMPTY, LONG, FIRST, ORDER, ROOM, STATE, VIEW };

static cse_status copy_plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)limits;
  if (call->values[0].i == STATE) {
    plan->states[0].name = "seen";
    plan->states[0].shape[0] = plan->states[0].ndim = 1;
    plan->n_states = 1;
  }
  if (call->values[0].i == VIEW) plan->edited_views = 1 << CSE_HARD;
  if (call->values[0].i == LONG) plan->max_growth = 50;
  return CSE_OK;
}

static cse_status copy_augment(const cse_call *call, const cse_edit *e) {
  int64_t fault = call->values[0].i, words = 0, special = 0;
  for (int64_t i = 0; i < e->n_tokens; i++) {
    e->out_ids[i] = e->token_ids[i];
    if ((e->words[i] < 0) != (e->token_flags[i] != 0)) return cse_fail(call, CSE_E_INVALID, "words and flags differ");
    special += e->token_flags[i];
  }
  for (int64_t s = 0; s <= e->n_seqs; s++) e->out_offsets[s] = e->offsets[s];
  for (int64_t s = 0; s < e->n_seqs; s++) words += e->words[e->offsets[s + 1] - 2] + 1;
  call->metrics[0] = (double)special / e->n_seqs;
  call->metrics[1] = (double)words / e->n_seqs;
  switch (fault) {
    case ID: e->out_ids[1] = (int32_t)e->vocab; break;
    case EMPTY: e->out_offsets[1] = 0; break;
    case LONG:
      for (int64_t i = 1; i < e->room; i++) e->out_ids[i] = e->token_ids[1];
      e->out_offsets[1] = e->max_tokens + 1;
      break;
    case FIRST: e->out_ids[0] = e->token_ids[1]; break;
    case ORDER: e->out_offsets[2] = -1; break;
    case ROOM: e->out_ids[e->room] = 7; break;
    default: break;
  }
  return CSE_OK;
}

static const cse_component copies = {CSE_COMPONENT(CSE_AUGMENTER), .name = "copies", .doc = "copies its view",
  .params = "fault: nothing|id|empty|long|first|order|room|state|view = nothing\n", .metrics = "special,words",
  .plan = copy_plan, .augment = copy_augment};
CSE_LIBRARY("test.copies", "1.0", "MIT", NULL, &copies)
