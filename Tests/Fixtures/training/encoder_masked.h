// The fixture's head for masked words, a simple one: scores are words times dense state, plus a bias. Activation and
// norm are declared, as the header has them, and passed over. What encoder.c is asked to compute on decides how it fails:
//   guess, guess1   the third pass is too large (of several processes on the second one)
#pragma once

static void declare_head(cse_encoder *e, const cse_encoder_source *s) {
  if (!CSE_HAS(s, cse_encoder_source, masked_activation) || s->masked_head == 0) return;
  e->head = e->count;
  declare(e, "cls.predictions.transform.dense.weight", s->hidden, s->hidden);
  if (s->masked_head & CSE_MASKED_DENSE_BIAS) declare(e, "cls.predictions.transform.dense.bias", s->hidden, 0);
  declare(e, "cls.predictions.transform.LayerNorm.weight", s->hidden, 0);
  if (s->masked_head & CSE_MASKED_NORM_BIAS) declare(e, "cls.predictions.transform.LayerNorm.bias", s->hidden, 0);
  if (s->masked_head & CSE_MASKED_WORD_BIAS) declare(e, "cls.predictions.bias", s->vocabulary, 0);
}

// Of one position: its loss, and the gradients of `factor` times that.
static double guess(cse_encoder *e, const cse_pass *p, int64_t token, int32_t label, double factor) {
  int64_t h = e->hidden, words = e->sizes[WORD] / h, sequence = 0;
  while (p->offsets[sequence + 1] <= token) sequence++;
  int64_t position = token - p->offsets[sequence] + e->first_position;
  int64_t number = token - p->offsets[sequence] + (p->first_rows ? p->first_rows[sequence] : p->offsets[sequence]);
  float counts = state_factor(e, number), **value = e->parts[CSE_WEIGHT], **d = e->parts[CSE_GRADIENT];
  uint32_t dense = e->head, bias = e->count - 1;
  double state[ROOM], z[ROOM], dz[ROOM] = {0}, p_of[ROOM], sum = 0;
  int64_t word = p->token_ids[token] * h, place = position * h;
  for (int64_t i = 0; i < h; i++) state[i] = value[WORD][word + i] + counts * value[POSITION][place + i];
  for (int64_t i = 0; i < h; i++) {
    z[i] = 0;
    for (int64_t j = 0; j < h; j++) z[i] += value[dense][i * h + j] * state[j];
  }
  for (int64_t v = 0; v < words; v++) {
    double score = value[bias][v];
    for (int64_t i = 0; i < h; i++) score += z[i] * value[WORD][v * h + i];
    sum += p_of[v] = exp(score);
  }
  for (int64_t v = 0; v < words; v++) {
    double dscore = factor * (p_of[v] / sum - (v == label));
    d[bias][v] += (float)dscore;
    for (int64_t i = 0; i < h; i++) {
      dz[i] += dscore * value[WORD][v * h + i];
      d[WORD][v * h + i] += (float)(dscore * z[i]);
    }
  }
  for (int64_t j = 0; j < h; j++) {
    double dstate = 0;
    for (int64_t i = 0; i < h; i++) {
      dstate += dz[i] * value[dense][i * h + j];
      d[dense][i * h + j] += (float)(dz[i] * state[j]);
    }
    d[WORD][word + j] += (float)dstate;
    d[POSITION][place + j] += (float)(counts * dstate);
  }
  return -log(p_of[label] / sum);
}

static cse_status learn(cse_encoder *e, const cse_pass *p, const cse_masked *m, double *loss, char *message) {
  if (e->is_lost) return say(message, CSE_E_INTERNAL, "the device is gone");
  if (fails(e, "guess") && ++e->passes == 3)
    return say(message, CSE_E_NOMEM, "expected room for the scores of all words, found none");
  if (e->head == 0 || e->sizes[WORD] / e->hidden > ROOM || e->hidden > ROOM)
    return say(message, CSE_E_INVALID, "expected a head, and few words");
  *loss = 0;
  for (int64_t i = 0; i < m->n_positions; i++) *loss += guess(e, p, m->positions[i], m->labels[i], m->factor);
  return CSE_OK;
}

static const cse_encoder_masked_1 masked_functions = {sizeof masked_functions, 0, learn};
