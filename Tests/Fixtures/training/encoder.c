// An encoder of a few lines: a token's hidden state is its word's vector plus its position's, in every layer. It learns
// by AdamW as the header says. What it is asked to compute on decides how it fails:
//   refused   it does not open            shapes    a tensor has another shape than the model's
//   memory    the third pass is too large lost      the fifth step fails, and everything after it
//   nan       gradients are no numbers    reads     a pass with dropout that no backward follows
//   rows      what is wanted of a pass are no means over tokens
// Of several processes the second one may be the one that fails, and some look at what they are among several:
//   refused1, memory1, lost1    as above    drifts    its step has other bits
//   numbers   a state depends on the number of its token in the whole batch, as dropout does
//   one, one:0    all processes have the same device
// encoder_group.h says what group, deaf, late and broken do, encoder_masked.h what guess does. NO_MASKED_WORDS: without
// the latter's table. With -DFAMILIES it says that it computes these, and of ModernBERT's what it was told.
#include <cse_encoder.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef FAMILIES
#define FAMILIES 0
#endif

enum { WORD = 0,
       POSITION = 1,
       ROOM = 512 };

typedef struct group group;

struct cse_encoder {
  int64_t hidden, first_position, tokens, sequences;
  int32_t rank;
  group *group;
  uint32_t count, rows, layers, head;
  char device[16], names[ROOM][96];
  cse_encoder_tensor tensors[ROOM];
  int64_t sizes[ROOM];
  float *parts[4][ROOM];
  int32_t *ids;
  int64_t *offsets, *numbers;
  int passes, is_lost;
};

static cse_status say(char *message, cse_status status, const char *text) {
  snprintf(message, CSE_MESSAGE_BYTES, "%s", text);
  return status;
}

static void declare(cse_encoder *e, const char *name, int64_t rows, int64_t columns) {
  uint32_t i = e->count++;
  snprintf(e->names[i], sizeof e->names[i], "%s", name);
  e->tensors[i].name = e->names[i];
  e->tensors[i].shape[0] = rows;
  e->tensors[i].shape[1] = columns;
  e->tensors[i].ndim = columns > 0 ? 2 : 1;
  e->tensors[i].flags = columns > 0 ? 0 : CSE_NO_DECAY;
  e->sizes[i] = rows * (columns > 0 ? columns : 1);
  for (int part = 0; part < 4; part++) e->parts[part][i] = calloc((size_t)e->sizes[i], sizeof(float));
}

static void declare_pair(cse_encoder *e, const char *root, const char *name, int64_t rows, int64_t columns) {
  char text[96];
  snprintf(text, sizeof text, "%s%s.weight", root, name);
  declare(e, text, rows, columns);
  snprintf(text, sizeof text, "%s%s.bias", root, name);
  declare(e, text, rows, 0);
}

// Whether it is to fail in this way.
static int fails(const cse_encoder *e, const char *how) {
  char second[24];
  snprintf(second, sizeof second, "%s1", how);
  return strcmp(e->device, how) == 0 || (e->rank == 1 && strcmp(e->device, second) == 0);
}

// What a token's position counts for.
static float state_factor(const cse_encoder *e, int64_t number) {
  return strcmp(e->device, "numbers") == 0 ? 1 + 0.25f * (float)(number % 5) : 1;
}

#include "encoder_masked.h"

static cse_status open_encoder(const cse_host *host, const cse_encoder_source *s, cse_encoder **encoder,
                               cse_encoder_facts *facts, char *message) {
  (void)host;
  int32_t rank = CSE_HAS(s, cse_encoder_source, local_size) ? s->local_rank : 0;
  if (strcmp(s->device, rank == 1 ? "refused1" : "refused") == 0)
    return say(message, CSE_E_UNSUPPORTED, "expected a device that is there, found refused");
  if (s->family == CSE_MODERNBERT && CSE_HAS(s, cse_encoder_source, no_bias)) {
    char layers[64] = "";
    for (int64_t layer = 0; layer < s->layers && layer < 63; layer++) layers[layer] = s->local_layers[layer] ? 'l' : 'g';
    snprintf(message, CSE_MESSAGE_BYTES, "bases %g %g, layers %s, reach %d, without %u, positions %d, dropout but %u",
             s->global_base, s->local_base, layers, (int)s->reach, s->no_bias, (int)s->position_rows, s->no_dropout);
    return CSE_E_UNSUPPORTED;
  }
  if (s->family != CSE_BERT && s->family != CSE_ROBERTA) {
    snprintf(message, CSE_MESSAGE_BYTES, "expected BERT or RoBERTa, found family %u", s->family);
    return CSE_E_UNSUPPORTED;
  }
  if (s->layers > 20) return say(message, CSE_E_UNSUPPORTED, "expected at most 20 layers");
  cse_encoder *e = calloc(1, sizeof *e);
  e->hidden = s->hidden;
  e->rank = rank;
  e->first_position = s->first_position;
  snprintf(e->device, sizeof e->device, "%s", s->device);
  declare(e, "embeddings.word_embeddings.weight", s->vocabulary, s->hidden + (strcmp(s->device, "shapes") == 0));
  declare(e, "embeddings.position_embeddings.weight", s->position_rows, s->hidden);
  declare(e, "embeddings.token_type_embeddings.weight", s->type_rows, s->hidden);
  declare_pair(e, "embeddings.", "LayerNorm", s->hidden, 0);
  for (int64_t layer = 0; layer < s->layers; layer++) {
    char root[64];
    snprintf(root, sizeof root, "encoder.layer.%d.", (int)layer);
    declare_pair(e, root, "attention.self.query", s->hidden, s->hidden);
    declare_pair(e, root, "attention.self.key", s->hidden, s->hidden);
    declare_pair(e, root, "attention.self.value", s->hidden, s->hidden);
    declare_pair(e, root, "attention.output.dense", s->hidden, s->hidden);
    declare_pair(e, root, "attention.output.LayerNorm", s->hidden, 0);
    declare_pair(e, root, "intermediate.dense", s->intermediate, s->hidden);
    declare_pair(e, root, "output.dense", s->hidden, s->intermediate);
    declare_pair(e, root, "output.LayerNorm", s->hidden, 0);
  }
  declare_head(e, s);
  facts->flags = CSE_REPEATABLE;
  facts->n_tensors = e->count;
  facts->max_slots = 1;
  facts->tensors = e->tensors;
  facts->device_name = "a fixture";
  facts->library = "fixture 1";
  facts->device_id = strncmp(s->device, "one", 3) == 0 ? "the only one" : NULL;
  *encoder = e;
  return CSE_OK;
}

static void leave(cse_encoder *e);

static void close_encoder(cse_encoder *e) {
  for (int part = 0; part < 4; part++)
    for (uint32_t i = 0; i < e->count; i++) free(e->parts[part][i]);
  free(e->ids);
  free(e->offsets);
  free(e->numbers);
  leave(e);
  free(e);
}

// The tokens that row `row` of a pass is the mean of: the first one's number and position, and how many.
static int64_t tokens_of(const int64_t *offsets, uint32_t rows, int64_t row, int64_t *position, int64_t *count) {
  int64_t s = 0, token = rows == CSE_ROWS_ALL ? row : offsets[row];
  while (offsets[s + 1] <= token) s++;
  *position = token - offsets[s];
  *count = rows == CSE_ROWS_MEAN ? offsets[s + 1] - offsets[s] : 1;
  return token;
}

static cse_status encode(cse_encoder *e, const cse_pass *p, float *const *out, char *message) {
  if (e->is_lost) return say(message, CSE_E_INTERNAL, "the device is gone");
  if (fails(e, "memory") && ++e->passes == 3)
    return say(message, CSE_E_NOMEM, "expected room for this batch, found none");
  if (strcmp(e->device, "reads") == 0 && !(p->flags & CSE_KEEP) && p->hidden_dropout > 0)
    return say(message, CSE_E_UNSUPPORTED, "expected no pass with dropout that is only read, found one");
  if (strcmp(e->device, "rows") == 0 && p->rows != CSE_ROWS_MEAN)
    return say(message, CSE_E_UNSUPPORTED, "expected means over tokens, found other rows");
  int64_t count = p->rows == CSE_ROWS_ALL ? p->n_tokens : p->n_seqs;
  e->numbers = realloc(e->numbers, (size_t)p->n_tokens * sizeof *e->numbers);
  for (int64_t seq = 0; seq < p->n_seqs; seq++)
    for (int64_t t = p->offsets[seq]; t < p->offsets[seq + 1]; t++)
      e->numbers[t] = t - p->offsets[seq] + (p->first_rows ? p->first_rows[seq] : p->offsets[seq]);
  for (uint32_t k = 0; k < p->n_layers; k++) {
    memset(out[k], 0, (size_t)(count * e->hidden) * sizeof(float));
    for (int64_t row = 0; row < count; row++) {
      int64_t position, length, token = tokens_of(p->offsets, p->rows, row, &position, &length);
      for (int64_t t = 0; t < length; t++) {
        const float *word = e->parts[CSE_WEIGHT][WORD] + p->token_ids[token + t] * e->hidden;
        const float *place = e->parts[CSE_WEIGHT][POSITION] + (position + t + e->first_position) * e->hidden;
        float counts = state_factor(e, e->numbers[token + t]), *sum = out[k] + row * e->hidden;
        for (int64_t i = 0; i < e->hidden; i++) sum[i] += (word[i] + counts * place[i]) / (float)length;
      }
    }
  }
  if (!(p->flags & CSE_KEEP)) return CSE_OK;
  e->tokens = p->n_tokens;
  e->sequences = p->n_seqs;
  e->rows = p->rows;
  e->layers = p->n_layers;
  e->ids = realloc(e->ids, (size_t)p->n_tokens * sizeof *e->ids);
  e->offsets = realloc(e->offsets, (size_t)(p->n_seqs + 1) * sizeof *e->offsets);
  memcpy(e->ids, p->token_ids, (size_t)p->n_tokens * sizeof *e->ids);
  memcpy(e->offsets, p->offsets, (size_t)(p->n_seqs + 1) * sizeof *e->offsets);
  return CSE_OK;
}

static cse_status encode_backward(cse_encoder *e, uint32_t slot, const float *const *d_out, char *message) {
  if (slot != 0 || e->ids == NULL) return say(message, CSE_E_INVALID, "expected a kept pass");
  int64_t count = e->rows == CSE_ROWS_ALL ? e->tokens : e->sequences;
  for (uint32_t k = 0; k < e->layers; k++)
    for (int64_t row = 0; row < count; row++) {
      int64_t position, length, token = tokens_of(e->offsets, e->rows, row, &position, &length);
      const float *d = d_out[k] + row * e->hidden;
      for (int64_t t = 0; t < length; t++) {
        float *word = e->parts[CSE_GRADIENT][WORD] + e->ids[token + t] * e->hidden;
        float *place = e->parts[CSE_GRADIENT][POSITION] + (position + t + e->first_position) * e->hidden;
        for (int64_t i = 0; i < e->hidden; i++) {
          word[i] += d[i] / (float)length;
          place[i] += state_factor(e, e->numbers[token + t]) * d[i] / (float)length;
        }
      }
    }
  if (strcmp(e->device, "nan") == 0) e->parts[CSE_GRADIENT][POSITION][0] = NAN;
  return CSE_OK;
}

static cse_status gradient_norm(cse_encoder *e, double *sum, char *message) {
  (void)message;
  *sum = 0;
  for (uint32_t i = 0; i < e->count; i++)
    for (int64_t j = 0; j < e->sizes[i]; j++) *sum += (double)e->parts[CSE_GRADIENT][i][j] * e->parts[CSE_GRADIENT][i][j];
  return CSE_OK;
}

static cse_status clear_gradients(cse_encoder *e, char *message) {
  (void)message;
  for (uint32_t i = 0; i < e->count; i++) memset(e->parts[CSE_GRADIENT][i], 0, (size_t)e->sizes[i] * sizeof(float));
  return CSE_OK;
}

static cse_status step(cse_encoder *e, const cse_adamw *s, char *message) {
  if (fails(e, "lost") && s->step == 5) e->is_lost = 1;
  if (e->is_lost) return say(message, CSE_E_INTERNAL, "the device is gone");
  double first = 1 - pow(s->beta1, (double)s->step), second = 1 - pow(s->beta2, (double)s->step);
  for (uint32_t i = 0; i < e->count; i++)
    for (int64_t j = 0; j < e->sizes[i]; j++) {
      double g = e->parts[CSE_GRADIENT][i][j] * s->gradient_scale;
      float *value = e->parts[CSE_WEIGHT][i] + j, *m = e->parts[CSE_MOMENT1][i] + j, *v = e->parts[CSE_MOMENT2][i] + j;
      if (!(e->tensors[i].flags & CSE_NO_DECAY)) *value *= (float)(1 - s->learning_rate * s->weight_decay);
      *m = (float)(s->beta1 * *m + (1 - s->beta1) * g);
      *v = (float)(s->beta2 * *v + (1 - s->beta2) * g * g);
      *value -= (float)(s->learning_rate / first * *m / (sqrt(*v / second) + s->epsilon));
    }
  if (e->rank == 1 && strcmp(e->device, "drifts") == 0) e->parts[CSE_WEIGHT][WORD][7] += 1e-4f;
  return clear_gradients(e, message);
}

static cse_status get(cse_encoder *e, uint32_t tensor, int32_t what, float *host, char *message) {
  if (e->is_lost) return say(message, CSE_E_INTERNAL, "the device is gone");
  memcpy(host, e->parts[what][tensor], (size_t)e->sizes[tensor] * sizeof(float));
  return CSE_OK;
}

static cse_status put(cse_encoder *e, uint32_t tensor, int32_t what, const float *host, char *message) {
  if (e->is_lost) return say(message, CSE_E_INTERNAL, "the device is gone");
  memcpy(e->parts[what][tensor], host, (size_t)e->sizes[tensor] * sizeof(float));
  return CSE_OK;
}

static uint64_t peak_memory(cse_encoder *e) {
  (void)e;
  return 3 << 20;
}

static const cse_encoder_1 functions = {sizeof functions, FAMILIES, open_encoder, close_encoder, encode,
                                        encode_backward, gradient_norm, step, clear_gradients, get, put, peak_memory};

#include "encoder_group.h"

static const void *extension(const cse_component *component, const char *id) {
  (void)component;
  if (strcmp(id, CSE_ENCODER_GROUP_1) == 0) return &group_functions;
#ifndef NO_MASKED_WORDS
  if (strcmp(id, CSE_ENCODER_MASKED_1) == 0) return &masked_functions;
#endif
  return strcmp(id, CSE_ENCODER_1) == 0 ? &functions : NULL;
}

static const cse_component bag = {
    CSE_COMPONENT(CSE_ENCODER), .name = "bag", .doc = "A word's vector plus a position's.", .get_extension = extension};

CSE_LIBRARY("org.example.bag", "1.0", "MIT", NULL, &bag)
