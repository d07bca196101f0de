/* Calls every function of mixcse.h, rightly and wrongly. Prints each thing that is not as it should be; the exit code is
 * their number.
 *
 *   calls FOLDER_OF_PLUGINS MODEL_FOLDER */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"

enum { ROWS = 6, WIDTH = 10 };
static mixcse_context *context;
static float z[3][ROWS * WIDTH], dz[3][ROWS * WIDTH];
static const int64_t classes[ROWS] = {0, 1, 0, 2, 1, 0};
static const float scores[ROWS] = {0.1f, 0.9f, 0.4f, 0.7f, 0.2f, 0.5f};

/* Numbers in [-1, 1), the same on every machine. */
static uint32_t seed = 1;
static float number(void) {
  seed = seed * 1664525u + 1013904223u;
  return (float)(seed >> 8) / (1 << 23) - 1;
}

static mixcse_objective *open_objective(const char *strategy, uint32_t flags) {
  mixcse_objective_options options = {.struct_size = sizeof options, .strategy = strategy, .width = WIDTH, .seed = 42};
  mixcse_objective *objective = NULL;
  options.flags = flags;
  CHECK(mixcse_objective_open(context, &options, &objective) == 0 && objective);
  return objective;
}

static int32_t evaluate(mixcse_objective *objective, uint32_t views, int with_gradients, int labelled, double *loss) {
  const float *in[3] = {z[0], z[1], z[2]};
  float *out[3] = {dz[0], dz[1], dz[2]};
  mixcse_batch batch = {.struct_size = sizeof batch, .n_views = views, .rows = ROWS, .z = in};
  if (with_gradients) batch.dz = out;
  if (labelled) batch.classes = classes, batch.scores = scores;
  return mixcse_objective_evaluate(objective, &batch, loss);
}

/* The gradient along a random direction of all views and parameters, against central differences. */
static void differences(const char *strategy, uint32_t views, int labelled, uint32_t flags) {
  mixcse_objective *objective = open_objective(strategy, flags);
  float keep[3][ROWS * WIDTH], along[3][ROWS * WIDTH], value[8], first[8], part[8] = {0}, slope;
  double loss = NAN, up = 0, down = 0, expected = 0, step = 1e-2;
  int64_t count = mixcse_objective_count(objective, MIXCSE_PARAMETERS);
  CHECK(evaluate(objective, views, 1, labelled, &loss) == 0 && isfinite(loss));
  memcpy(keep, z, sizeof z);
  for (uint32_t v = 0; v < views; v++)
    for (int k = 0; k < ROWS * WIDTH; k++) along[v][k] = number(), expected += (double)along[v][k] * dz[v][k];
  for (int64_t p = 0; p < count; p++) {
    CHECK(mixcse_objective_read(objective, MIXCSE_PARAMETERS, p, &first[p], 4) == 0);
    CHECK(mixcse_objective_read(objective, MIXCSE_GRADIENTS, p, &slope, 4) == 0 && slope != 0);
    part[p] = number();
    expected += (double)part[p] * slope;
  }
  for (int side = 0; side < 2; side++) {
    float sign = side ? -1.0f : 1.0f;
    for (uint32_t v = 0; v < views; v++)
      for (int k = 0; k < ROWS * WIDTH; k++) z[v][k] = keep[v][k] + sign * (float)step * along[v][k];
    for (int64_t p = 0; p < count; p++) {
      value[p] = first[p] + sign * (float)step * part[p];
      CHECK(mixcse_objective_write(objective, MIXCSE_PARAMETERS, p, &value[p], 4) == 0);
    }
    CHECK(evaluate(objective, views, 0, labelled, side ? &down : &up) == 0);
  }
  memcpy(z, keep, sizeof z);
  double found = (up - down) / (2 * step);
  if (!(fabs(found - expected) <= 2e-2 * fmax(fabs(found), 0.05)))
    printf("%s: gradient %g, by differences %g\n", strategy, expected, found), failures++;
  mixcse_objective_close(objective);
}

/* What a queue remembers decides the next loss; saved and put back, the loss is the same to the bit. */
static void states(void) {
  mixcse_objective *objective = open_objective("infonce+queue:size=8", 0);
  double first = 0, again = 1, later = 0, back = 0;
  int64_t count = mixcse_objective_count(objective, MIXCSE_STATES);
  CHECK(count > 0);
  CHECK(evaluate(objective, 2, 1, 0, &first) == 0 && evaluate(objective, 2, 1, 0, &again) == 0);
  CHECK(first == again);
  CHECK(mixcse_objective_commit(objective) == 0);
  CHECK(mixcse_objective_commit(objective) == 0);  /* nothing is left to take */
  CHECK(evaluate(objective, 2, 1, 0, &later) == 0 && later > first);
  mixcse_objective *other = open_objective("infonce+queue:size=8", 0);
  for (int64_t k = 0; k < count; k++) {
    mixcse_tensor tensor = {.struct_size = sizeof tensor}, twin = {.struct_size = sizeof twin};
    CHECK(mixcse_objective_tensor(objective, MIXCSE_STATES, k, &tensor) == 0 && tensor.n_dimensions >= 1);
    CHECK(mixcse_objective_tensor(other, MIXCSE_STATES, k, &twin) == 0 && !strcmp(tensor.name, twin.name));
    void *bytes = malloc((size_t)tensor.byte_count);
    CHECK(mixcse_objective_read(objective, MIXCSE_STATES, k, bytes, tensor.byte_count) == 0);
    CHECK(mixcse_objective_write(other, MIXCSE_STATES, k, bytes, tensor.byte_count) == 0);
    FAILS(mixcse_objective_read(objective, MIXCSE_STATES, k, bytes, tensor.byte_count - 1), MIXCSE_E_USAGE, "byte_count");
    if (tensor.type == MIXCSE_FLOAT32) {
      ((float *)bytes)[0] = NAN;
      FAILS(mixcse_objective_write(other, MIXCSE_STATES, k, bytes, tensor.byte_count), MIXCSE_E_DATA, tensor.name);
    }
    free(bytes);
  }
  CHECK(evaluate(other, 2, 1, 0, &back) == 0 && back == later);
  mixcse_objective_close(objective);
  mixcse_objective_close(other);
}

static void figures(void) {
  mixcse_objective *objective = open_objective("infonce+mixcse:lambda=0.3", 0);
  double loss = 0, value = 0, seen = NAN, other = 0;
  const char *name;
  CHECK(strstr(mixcse_objective_text(objective), "sampler:mixcse:lambda=0.3"));
  CHECK(mixcse_objective_count(objective, MIXCSE_BLOCKS) == 0);
  CHECK(evaluate(objective, 2, 1, 0, &loss) == 0);
  for (int64_t k = 0; k < mixcse_objective_count(objective, MIXCSE_METRICS); k++) {
    CHECK(mixcse_objective_metric(objective, k, &name, &value) == 0);
    if (!strcmp(name, "positiveLogit")) seen = value;
  }
  CHECK(isfinite(seen));
  int64_t blocks = mixcse_objective_count(objective, MIXCSE_BLOCKS);
  mixcse_block block = {.struct_size = sizeof block};
  CHECK(blocks > 1 && mixcse_objective_block(objective, 0, &block) == 0 && !strcmp(block.label, "in-batch"));
  CHECK(block.negatives == ROWS * (ROWS - 1) && block.struct_size == sizeof block);
  CHECK(mixcse_objective_block(objective, blocks - 1, &block) == 0 && !strcmp(block.sampler, "mixcse"));
  FAILS(mixcse_objective_block(objective, blocks, &block), MIXCSE_E_USAGE, "index");
  CHECK(mixcse_objective_set(objective, "mixcse.lambda", "0.6") == 0);
  CHECK(evaluate(objective, 2, 1, 0, &other) == 0 && other != loss);
  FAILS(mixcse_objective_set(objective, "mixcse.lamda", "0.6"), MIXCSE_E_USAGE, "lambda");
  FAILS(mixcse_objective_set(objective, "mixce.lambda", "0.6"), MIXCSE_E_USAGE, "mixcse");
  FAILS(mixcse_objective_set(objective, "mixcse.lambda", "much"), MIXCSE_E_USAGE, "much");
  mixcse_objective_close(objective);
}

/* Views come and go, batches grow; what was learned and remembered stays. */
static void shapes(void) {
  mixcse_objective *objective = open_objective("infonce+queue:size=4", 0);
  static float large[2][200 * WIDTH];
  const float *in[2] = {large[0], large[1]};
  double two = 0, three = 0, again = 0, loss = 0;
  for (int v = 0; v < 2; v++)
    for (int k = 0; k < 200 * WIDTH; k++) large[v][k] = number();
  CHECK(evaluate(objective, 2, 1, 0, &two) == 0 && mixcse_objective_commit(objective) == 0);
  CHECK(evaluate(objective, 3, 1, 0, &three) == 0 && three > two);
  CHECK(evaluate(objective, 2, 1, 0, &again) == 0 && again > two && again < three);
  mixcse_batch batch = {.struct_size = sizeof batch, .n_views = 2, .rows = 200, .z = in};
  CHECK(mixcse_objective_evaluate(objective, &batch, &loss) == 0 && loss > again);
  CHECK(evaluate(objective, 2, 1, 0, &loss) == 0 && loss == again);
  mixcse_objective_close(objective);
  objective = open_objective("infonce+sncse", 0);  /* needs a third view, and gets it without being told */
  CHECK(evaluate(objective, 3, 1, 0, &loss) == 0);
  FAILS(evaluate(objective, 2, 1, 0, &loss), MIXCSE_E_PLUGIN, "sncse");
  mixcse_objective_close(objective);
}

static void guides(void) {
  int64_t widths[1] = {4};
  mixcse_objective_options options = {.struct_size = sizeof options, .strategy = "distill", .width = WIDTH};
  mixcse_objective *objective = NULL;
  FAILS(mixcse_objective_open(context, &options, &objective), MIXCSE_E_PLUGIN, "guide");
  options.n_guides = 1, options.guide_widths = widths;
  CHECK(mixcse_objective_open(context, &options, &objective) == 0);
  int64_t count = mixcse_objective_count(objective, MIXCSE_ENCODINGS);
  CHECK(count > 0 && count <= 4);
  float vectors[4][ROWS * 4];
  const float *given[4] = {vectors[0], vectors[1], vectors[2], vectors[3]}, *in[2] = {z[0], z[1]};
  for (int64_t k = 0; k < count; k++) {
    mixcse_encoding encoding = {.struct_size = sizeof encoding};
    CHECK(mixcse_objective_encoding(objective, k, &encoding) == 0);
    CHECK(encoding.by == MIXCSE_BY_GUIDE && encoding.width == 4 && encoding.guide == 0 && strlen(encoding.text) > 0);
    for (int i = 0; i < ROWS * 4; i++) vectors[k][i] = number();
  }
  double loss = 0, scaled = 1;
  mixcse_batch batch = {.struct_size = sizeof batch, .n_views = 2, .rows = ROWS, .z = in};
  FAILS(mixcse_objective_evaluate(objective, &batch, &loss), MIXCSE_E_USAGE, "guide 1");
  batch.n_encodings = (uint32_t)count, batch.encodings = given;
  CHECK(mixcse_objective_evaluate(objective, &batch, &loss) == 0);
  for (int64_t k = 0; k < count; k++)
    for (int i = 0; i < ROWS * 4; i++) vectors[k][i] *= 4;
  CHECK(mixcse_objective_evaluate(objective, &batch, &scaled) == 0 && loss == scaled);
  vectors[0][5] = INFINITY;
  FAILS(mixcse_objective_evaluate(objective, &batch, &loss), MIXCSE_E_DATA, "guide 1");
  mixcse_objective_close(objective);
}

static void mistakes(void) {
  const struct {
    const char *strategy, *words;
    int32_t code;
  } cases[] = {{"nothing", "nothing", MIXCSE_E_PLUGIN},
               {"mixcse:lamda=0.3", "lambda", MIXCSE_E_USAGE},
               {"mixcse:lambda=linear(0.1,0.4)", "lambda", MIXCSE_E_USAGE},
               {"esimcse", "edits tokens", MIXCSE_E_USAGE},
               {"infonce+", "column", MIXCSE_E_USAGE},
               {"simcse then 5:mixcse", "one after the other", MIXCSE_E_USAGE},
               {"queue", "", 0},
               {"", "strategy", MIXCSE_E_USAGE},
               {NULL, "strategy", MIXCSE_E_USAGE},
               {"./not/there.so", "there.so", MIXCSE_E_PLUGIN}};
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    mixcse_objective_options options = {.struct_size = sizeof options, .strategy = cases[k].strategy, .width = WIDTH};
    mixcse_objective *objective = (mixcse_objective *)&options;
    FAILS(mixcse_objective_open(context, &options, &objective), cases[k].code, cases[k].words);
    CHECK((objective != NULL) == (cases[k].code == 0));
    mixcse_objective_close(objective);
  }
  mixcse_objective_options options = {.struct_size = sizeof options, .strategy = "simcse", .width = WIDTH};
  mixcse_objective_options bad = options;
  mixcse_objective *objective = NULL;
  bad.struct_size = 0;
  FAILS(mixcse_objective_open(context, &bad, &objective), MIXCSE_E_USAGE, "struct_size");
  bad = options, bad.width = 0;
  FAILS(mixcse_objective_open(context, &bad, &objective), MIXCSE_E_USAGE, "width");
  bad = options, bad.rows = 65536, bad.width = 1 << 20;
  FAILS(mixcse_objective_open(context, &bad, &objective), MIXCSE_E_USAGE, "memory");
  bad = options, bad.temperature = NAN;
  FAILS(mixcse_objective_open(context, &bad, &objective), MIXCSE_E_USAGE, "temperature");
  bad = options, bad.strategy = "directau", bad.temperature = 0.1;
  FAILS(mixcse_objective_open(context, &bad, &objective), MIXCSE_E_USAGE, "temperature");
  bad = options, bad.flags = 128;
  FAILS(mixcse_objective_open(context, &bad, &objective), MIXCSE_E_USAGE, "flags");
  bad = options, bad.n_guides = 1;
  FAILS(mixcse_objective_open(context, &bad, &objective), MIXCSE_E_USAGE, "guide_widths");
  FAILS(mixcse_objective_open(NULL, &options, &objective), MIXCSE_E_USAGE, "context");
  FAILS(mixcse_objective_open(context, NULL, &objective), MIXCSE_E_USAGE, "NULL");
  FAILS(mixcse_objective_open(context, &options, NULL), MIXCSE_E_USAGE, "out");

  objective = open_objective("simcse", 0);
  const float *in[2] = {z[0], NULL};
  double loss = 0;
  mixcse_batch batch = {.struct_size = sizeof batch, .n_views = 2, .rows = ROWS, .z = in};
  FAILS(mixcse_objective_evaluate(objective, &batch, &loss), MIXCSE_E_USAGE, "z[1]");
  CHECK(isnan(loss));
  in[1] = z[1];
  batch.rows = 0;
  FAILS(mixcse_objective_evaluate(objective, &batch, &loss), MIXCSE_E_USAGE, "rows");
  batch.rows = ROWS, batch.n_views = 4;
  FAILS(mixcse_objective_evaluate(objective, &batch, &loss), MIXCSE_E_USAGE, "n_views");
  batch.n_views = 2, batch.step = -1;
  FAILS(mixcse_objective_evaluate(objective, &batch, &loss), MIXCSE_E_USAGE, "step");
  batch.step = 0;
  float kept = z[0][WIDTH + 3], broken[ROWS] = {0, 0, NAN, 0, 0, 0};
  z[0][WIDTH + 3] = NAN;
  FAILS(mixcse_objective_evaluate(objective, &batch, &loss), MIXCSE_E_DATA, "z1, row 1");
  z[0][WIDTH + 3] = kept;
  batch.scores = broken;
  FAILS(mixcse_objective_evaluate(objective, &batch, &loss), MIXCSE_E_DATA, "scores, row 2");
  batch.scores = NULL;
  FAILS(mixcse_objective_evaluate(objective, NULL, &loss), MIXCSE_E_USAGE, "batch");
  FAILS(mixcse_objective_evaluate(objective, &batch, NULL), MIXCSE_E_USAGE, "loss");
  CHECK(mixcse_objective_evaluate(objective, &batch, &loss) == 0);
  /* A caller of an older version, whose struct ends behind the gradients. */
  double older = 0;
  batch.struct_size = (uint32_t)((char *)&batch.row_ids - (char *)&batch), batch.epoch = NAN;
  CHECK(mixcse_objective_evaluate(objective, &batch, &older) == 0 && older == loss);
  FAILS(mixcse_objective_count(objective, 9), -1, "what");
  FAILS(mixcse_objective_write(objective, MIXCSE_GRADIENTS, 0, &loss, 4), MIXCSE_E_USAGE, "parameters");
  mixcse_objective_close(objective);
  objective = open_objective("supcon", 0);
  FAILS(evaluate(objective, 2, 1, 0, &loss), MIXCSE_E_DATA, "label");
  CHECK(evaluate(objective, 2, 1, 1, &loss) == 0);
  mixcse_objective_close(objective);

  FAILS(mixcse_objective_evaluate(NULL, &batch, &loss), MIXCSE_E_USAGE, "objective");
  FAILS(mixcse_objective_commit(NULL), MIXCSE_E_USAGE, "NULL");
  FAILS(mixcse_objective_set(NULL, "a.b", "1"), MIXCSE_E_USAGE, "NULL");
  FAILS(mixcse_objective_count(NULL, 1), -1, "NULL");
  CHECK(!mixcse_objective_text(NULL));
  mixcse_objective_close(NULL);
  mixcse_context_close(NULL);
  mixcse_settings settings = {.struct_size = sizeof settings, .threads = -1};
  mixcse_context *other = NULL;
  FAILS(mixcse_context_open(&settings, &other), MIXCSE_E_USAGE, "threads");
  const char *nowhere[] = {"/not/there"};
  settings.threads = 0, settings.plugin_folders = nowhere, settings.n_plugin_folders = 1;
  FAILS(mixcse_context_open(&settings, &other), MIXCSE_E_USAGE, "/not/there");
}

/* Two threads with a batch each, on one handle and on one of their own. */
static mixcse_objective *common;
static void *work(void *losses) {
  mixcse_objective *own = open_objective("mixcse", 0);
  for (int k = 0; k < 50; k++) {
    double a = 0, b = 1;
    CHECK(evaluate(common, 2, 0, 0, &a) == 0 && evaluate(own, 2, 0, 0, &b) == 0 && a == b);
    ((double *)losses)[k] = a;
  }
  mixcse_last_error();
  mixcse_objective_close(own);
  return NULL;
}

static void threads(void) {
  double one[50], two[50];
  pthread_t first, second;
  common = open_objective("mixcse", 0);
  pthread_create(&first, NULL, work, one);
  pthread_create(&second, NULL, work, two);
  pthread_join(first, NULL);
  pthread_join(second, NULL);
  CHECK(!memcmp(one, two, sizeof one) && one[0] == one[49]);
  fflush(stdout);
  pid_t child = fork();
  if (!child) {
    failures = 0;
    double loss;
    FAILS(evaluate(common, 2, 0, 0, &loss), MIXCSE_E_USAGE, "fork()");
    mixcse_objective_close(common);
    fflush(stdout);
    _exit(failures);
  }
  int status = 1;
  waitpid(child, &status, 0);
  CHECK(status == 0);
  mixcse_objective_close(common);
}

static int logged;
static void count_line(void *user, int32_t level, const char *line) {
  if (user == &logged && level >= MIXCSE_LOG_WARN && strstr(line, "records no pooler")) logged++;
}

static void encoder(const char *folder) {
  mixcse_encoder_options options = {.struct_size = sizeof options, .folder = folder};
  mixcse_encoder *encoder = NULL;
  CHECK(mixcse_encoder_open(context, &options, &encoder) == 0 && logged == 1);
  int64_t width = mixcse_encoder_width(encoder);
  CHECK(width > 0 && !strcmp(mixcse_encoder_pooler(encoder), "avg"));
  const char *texts[] = {"word1 word2", "word3", "word1 word2", "", "word1 \xff word2"};
  int64_t lengths[] = {11, 5, 11, 0, 13};
  float *one = calloc((size_t)(5 * width), 4), *two = calloc((size_t)(5 * width), 4);
  mixcse_encode_report report = {.struct_size = sizeof report};
  CHECK(mixcse_encoder_encode(encoder, texts, NULL, 5, one, &report) == 0 && report.cut == 0);
  CHECK(report.replaced_bytes == 1);
  CHECK(mixcse_encoder_encode(encoder, texts, lengths, 5, two, NULL) == 0 && !memcmp(one, two, (size_t)(20 * width)));
  CHECK(!memcmp(one, one + 2 * width, (size_t)width * 4) && memcmp(one, one + width, (size_t)width * 4));
  CHECK(mixcse_encoder_encode(encoder, NULL, NULL, 0, NULL, &report) == 0);
  FAILS(mixcse_encoder_encode(encoder, texts, NULL, -1, one, NULL), MIXCSE_E_USAGE, "n:");
  texts[1] = NULL;
  FAILS(mixcse_encoder_encode(encoder, texts, NULL, 5, one, NULL), MIXCSE_E_USAGE, "texts[1]");
  FAILS(mixcse_encoder_encode(NULL, texts, NULL, 5, one, NULL), MIXCSE_E_USAGE, "encoder");
  mixcse_encoder_close(encoder);
  options.max_length = 3, options.flags = MIXCSE_NORMALIZE, options.pooler = "cls_before_pooler";
  CHECK(mixcse_encoder_open(context, &options, &encoder) == 0 && mixcse_encoder_max_length(encoder) == 3);
  texts[1] = "word3";
  CHECK(mixcse_encoder_encode(encoder, texts, NULL, 5, one, &report) == 0 && report.cut == 3);
  double length = 0;
  for (int64_t k = 0; k < width; k++) length += (double)one[k] * one[k];
  CHECK(fabs(length - 1) < 1e-5);
  mixcse_encoder_close(encoder);
  options.pooler = "avg", options.max_length = 0, options.flags = MIXCSE_BF16;
  CHECK(mixcse_encoder_open(context, &options, &encoder) == 0);
  texts[0] = "word1 word2";
  CHECK(mixcse_encoder_encode(encoder, texts, NULL, 5, one, NULL) == 0);
  CHECK(memcmp(one, two, (size_t)width * 4));
  double inner = 0, squares[2] = {0, 0};
  for (int64_t k = 0; k < width; k++) {
    inner += (double)one[k] * two[k], squares[0] += (double)one[k] * one[k], squares[1] += (double)two[k] * two[k];
  }
  CHECK(inner / sqrt(squares[0] * squares[1]) > 0.999);
  mixcse_encoder_close(encoder);
  options.pooler = "nonsense";
  FAILS(mixcse_encoder_open(context, &options, &encoder), MIXCSE_E_PLUGIN, "nonsense");
  CHECK(!encoder);
  options.folder = "/not/there";
  FAILS(mixcse_encoder_open(context, &options, &encoder), MIXCSE_E_NO_INPUT, "/not/there");
  FAILS(mixcse_encoder_width(NULL), -1, "NULL");
  free(one);
  free(two);
}

static void tokenizer(const char *folder) {
  mixcse_tokenizer *tokenizer = NULL;
  int32_t ids[8] = {-1, -1, -1, -1, -1, -1, -1, -1};
  int64_t count = 0;
  CHECK(mixcse_tokenizer_open(folder, &tokenizer) == 0);
  CHECK(mixcse_tokenizer_encode(tokenizer, "word1 word2", -1, 0, ids, 8, &count) == 0 && count == 4);
  CHECK(!strcmp(mixcse_tokenizer_token(tokenizer, ids[0]), "[CLS]") && ids[4] == -1);
  CHECK(!strcmp(mixcse_tokenizer_token(tokenizer, ids[1]), "word1"));
  CHECK(ids[2] < mixcse_tokenizer_size(tokenizer) && !mixcse_tokenizer_token(tokenizer, 1 << 30));
  CHECK(mixcse_tokenizer_encode(tokenizer, "word1 word2", 5, 0, NULL, 0, &count) == 0 && count == 3);
  CHECK(mixcse_tokenizer_encode(tokenizer, "word1 word2 word3", -1, 3, ids, 8, &count) == 0 && count == 3);
  FAILS(mixcse_tokenizer_encode(tokenizer, "word1", -1, 1, ids, 8, &count), MIXCSE_E_USAGE, "max_length");
  FAILS(mixcse_tokenizer_encode(tokenizer, NULL, -1, 0, ids, 8, &count), MIXCSE_E_USAGE, "text");
  FAILS(mixcse_tokenizer_encode(tokenizer, "word1", -2, 0, ids, 8, &count), MIXCSE_E_USAGE, "length");
  mixcse_tokenizer_close(tokenizer);
  FAILS(mixcse_tokenizer_open("/not/there", &tokenizer), MIXCSE_E_NO_INPUT, "/not/there");
  CHECK(!tokenizer);
}

int main(int count, char **arguments) {
  if (count != 3) return 64;
  CHECK(!strcmp(mixcse_last_error(), "") && mixcse_api_version() == MIXCSE_API_VERSION && mixcse_version()[0]);
  const char *folders[] = {arguments[1]};
  mixcse_settings settings = {.struct_size = sizeof settings, .threads = 2, .log = count_line, .log_user = &logged};
  settings.plugin_folders = folders, settings.n_plugin_folders = 1;
  CHECK(mixcse_context_open(&settings, &context) == 0);
  if (!context) return failures;
  int mixcse = 0;
  for (int64_t k = 0; k < mixcse_context_components(context); k++) {
    mixcse_component component = {.struct_size = sizeof component};
    CHECK(mixcse_context_component(context, k, &component) == 0 && component.path[0] == '/');
    mixcse += !strcmp(component.name, "mixcse") && !strcmp(component.library, "org.mixcse.mixcse");
  }
  CHECK(mixcse == 2);  /* a sampler and a method */
  for (int k = 0; k < ROWS * WIDTH; k++) z[0][k] = number();
  for (int k = 0; k < ROWS * WIDTH; k++) z[1][k] = z[0][k] + number(), z[2][k] = z[0][k] + 2 * number();
  differences("simcse", 2, 0, 0);
  differences("simcse:temperature=0.2", 3, 0, MIXCSE_LEARN_TEMPERATURE);
  differences("supcon", 2, 1, 0);
  differences("siglip", 2, 0, 0);
  differences("0.5*infonce+0.1*uniformity", 2, 0, 0);
  differences("cosent", 2, 1, 0);
  differences("infonce+queue:size=16", 2, 0, 0);
  states();
  figures();
  shapes();
  guides();
  mistakes();
  threads();
  encoder(arguments[2]);
  tokenizer(arguments[2]);
  mixcse_context_close(context);
  if (!failures) printf("all as it should be\n");
  return failures > 100 ? 100 : failures;
}
