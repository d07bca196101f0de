/* mixcse.h - mixcse as a library, version 1 (C11, C++17; needs no other header): strategies on embeddings that somebody
 * else computed, with their gradients; sentences to embeddings with a model folder, the nearest of many; text to token
 * ids. It is the code of the program `mixcse`.
 *
 *   mixcse_context    plugins, threads, where log lines go
 *   mixcse_objective  a strategy, "infonce+mixcse:lambda=0.3": embeddings -> loss, gradients, metrics; its weights, its
 *                     states
 *   mixcse_encoder    a model folder: sentences -> embeddings
 *   mixcse_index      texts in a folder: the nearest to a query
 *   mixcse_tokenizer  a model folder: text -> token ids
 *
 * Rules for everything below
 *   errors     A call that returns int32_t returns 0 (MIXCSE_OK), or the code that the program would end with;
 *              mixcse_last_error() then says what was expected, what was found and what to do. Nothing that is passed
 *              ends the process, but for a pointer that is neither NULL nor valid, a plugin that crashes, and a system
 *              that has no memory left (a line on standard error, code 75).
 *   memory     What is passed is read or written during the call only; the caller keeps it. What is returned belongs to
 *              its handle and lives as long as that, unless said otherwise. float is float32, matrices are row-major
 *              without gaps.
 *   structs    Those that start with struct_size only ever grow at the end. Zero the struct, set struct_size to sizeof,
 *              then the fields you need: 0 and NULL are each field's default. In structs that are filled, as many bytes
 *              are written as struct_size says.
 *   threads    Every function may be called from any thread. Calls on one handle take turns; those on several run at
 *              once, but share the threads of their context. Handles do not survive fork(): a child that uses one gets
 *              MIXCSE_E_USAGE.
 *   closing    Handles may be closed in any order, each once; NULL is ignored. What is opened from a context keeps what
 *              it needs of it. */
#ifndef MIXCSE_H
#define MIXCSE_H
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
#define MIXCSE_API_VERSION 1

/* ---- errors ------------------------------------------------------------------------------------------------------ */
enum { MIXCSE_OK = 0,
       MIXCSE_E_USAGE = 64,              /* an argument, a strategy or a setting that makes no sense */
       MIXCSE_E_DATA = 65,               /* numbers or files that cannot be used: NaN, another shape, a broken model */
       MIXCSE_E_NO_INPUT = 66,           /* a file or folder that is not there */
       MIXCSE_E_PLUGIN = 69,             /* a plugin that is not found or refused, or that failed */
       MIXCSE_E_INTERNAL = 70,           /* a fault of this library */
       MIXCSE_E_TEMPORARY = 75           /* no memory for now */ };
/* Why the last call of this thread that failed did so: UTF-8, "" before the first; valid until this thread's next
 * failure. Never NULL. */
const char *mixcse_last_error(void);
/* MIXCSE_API_VERSION of the library as built, and the program's version, "0.1.0". */
int32_t mixcse_api_version(void);
const char *mixcse_version(void);

/* ---- context ----------------------------------------------------------------------------------------------------- */
typedef struct mixcse_context mixcse_context;
enum { MIXCSE_LOG_DEBUG = 1, MIXCSE_LOG_INFO = 2, MIXCSE_LOG_WARN = 3, MIXCSE_LOG_ERROR = 4 };
/* One line of UTF-8 without a line end. Called from any thread, from several at once; must not call this library. */
typedef void (*mixcse_log_fn)(void *user, int32_t level, const char *line);
enum { MIXCSE_ALLOW_INSECURE_PLUGINS = 1 /* accept plugins that other users could have written */ };
typedef struct {
  uint32_t struct_size, flags;           /* MIXCSE_ALLOW_INSECURE_PLUGINS */
  const char *const *plugin_folders;     /* searched first, in this order; then CSE_PLUGIN_PATH,
                                          * $XDG_DATA_HOME/cse/plugins, lib/cse/plugins beside the folder of this
                                          * library, and that folder */
  uint32_t n_plugin_folders;
  int32_t threads;                       /* to compute with, 1 to 1024; 0: the processors there are */
  mixcse_log_fn log; void *log_user;     /* gets lines of all levels; NULL: warnings and errors go to standard error */
  const char *python;                    /* the path of the Python that runs plugins in Python; NULL: MIXCSE_PYTHON,
                                          * else that of the active virtual environment, else python3 */
} mixcse_settings;
/* Finds plugins; runs none of their code yet. settings: NULL for the defaults. */
int32_t mixcse_context_open(const mixcse_settings *settings, mixcse_context **out);
void mixcse_context_close(mixcse_context *context);

typedef struct {
  uint32_t struct_size, reserved;
  const char *kind;                      /* "pooler", "augmenter", "sampler", "loss"; "method" for a strategy under
                                          * one name */
  const char *name;                      /* "mixcse" */
  const char *library;                   /* the id of the library that offers it, "org.mixcse.mixcse" */
  const char *path;                      /* the library's file */
  const char *summary;                   /* what it does, in a line; of methods what they stand for */
} mixcse_component;
/* What the plugins offer: loads them all. Returns how many there are; -1 for a failure. */
int64_t mixcse_context_components(mixcse_context *context);
int32_t mixcse_context_component(mixcse_context *context, int64_t index, mixcse_component *out);

/* ---- objective --------------------------------------------------------------------------------------------------- */
typedef struct mixcse_objective mixcse_objective;
enum { MIXCSE_LEARN_TEMPERATURE = 1      /* the temperature of every loss that has one becomes a parameter (its
                                          * logarithm) */ };
typedef struct {
  uint32_t struct_size, flags;           /* MIXCSE_LEARN_TEMPERATURE */
  const char *strategy;                  /* as `mixcse compare` takes it: "simcse", "mixcse:lambda=0.3",
                                          * "infonce+mixcse+queue:size=256",
                                          * "0.5*infonce+./libmine.so:name:strength=2". Augmenters edit tokens and
                                          * are refused here */
  int64_t width;                         /* numbers of an embedding, 1 to 1048576 */
  int64_t rows;                          /* the largest batch that is expected, 1 to 65536; larger ones are planned
                                          * for when they come. 0: 64 */
  uint32_t views;                        /* 2: anchors and positives, 3: hard negatives too; 0: 2, or 3 where the
                                          * strategy needs them */
  uint32_t n_guides;                     /* frozen encoders whose vectors come with each batch, and the widths of
                                          * these */
  const int64_t *guide_widths;
  uint64_t seed;                         /* of the random numbers that plugins draw; the program's default is 42 */
  double temperature;                    /* above 0: of every loss that has one; 0: each loss's own */
  double hard_negative_weight;           /* added to the logit of each row's own hard negative */
} mixcse_objective_options;
/* Looks the strategy up, loads its plugins, asks them what memory they need. */
int32_t mixcse_objective_open(mixcse_context *context, const mixcse_objective_options *options, mixcse_objective **out);
void mixcse_objective_close(mixcse_objective *objective);
/* The strategy in full: "sampler:mixcse:lambda=0.3 loss:infonce". */
const char *mixcse_objective_text(mixcse_objective *objective);

typedef struct {
  uint32_t struct_size;
  uint32_t n_views;                      /* 2 or 3 */
  int64_t rows;                          /* 1 to 65536; ranks that train together pass the rows of all, in the same
                                          * order */
  const float *const *z;                 /* [n_views] of [rows, width]: anchors, positives, hard negatives; finite
                                          * numbers, of any length */
  float *const *dz;                      /* [n_views] of [rows, width], overwritten with the gradients of the loss;
                                          * NULL: not wanted */
  const int64_t *row_ids;                /* [rows] which row of the data each is; NULL: 0, 1, 2 ... */
  const int64_t *text_ids;               /* [rows] equal exactly where the anchors' texts are; NULL: all differ */
  const float *scores;                   /* [rows] how much anchor and positive belong together; NULL: not known */
  const int64_t *classes;                /* [rows] equal exactly where the rows' labels are; NULL: not known */
  const float *const *encodings;         /* [mixcse_objective_count(.., MIXCSE_ENCODINGS)] of [rows, the encoding's
                                          * width] */
  uint32_t n_encodings, reserved;
  int64_t step, total_steps;             /* optimiser step from 0, and how many there will be (0: not known) */
  double epoch;                          /* with its fraction */
  int64_t batch;                         /* numbers batches where several make one step: random numbers belong to a
                                          * batch. 0: the step */
} mixcse_batch;
/* The loss of a batch, its gradients, and those of the parameters. Changes no state: the same call gives the same
 * bytes. */
int32_t mixcse_objective_evaluate(mixcse_objective *objective, const mixcse_batch *batch, double *loss);
/* Lets plugins take the batch of the last evaluate into their states (a queue of negatives), once for each batch
 * that is trained on; without such a batch nothing happens. All states change, or none. */
int32_t mixcse_objective_commit(mixcse_objective *objective);
/* Sets a parameter of a plugin by the name of its instance: "mixcse.lambda", "0.3". Takes effect with the next
 * batch. */
int32_t mixcse_objective_set(mixcse_objective *objective, const char *name, const char *value);

enum { MIXCSE_PARAMETERS = 1,            /* what an optimiser moves: logarithms of learned temperatures, weights of
                                          * samplers and losses */
       MIXCSE_GRADIENTS = 2,             /* of the parameters in the last evaluate that wanted gradients, in their
                                          * order */
       MIXCSE_STATES = 3,                /* what plugins keep between batches */
       MIXCSE_METRICS = 4,               /* figures of the last evaluate, by the names they have in metrics.jsonl */
       MIXCSE_BLOCKS = 5,                /* what the rows of the last evaluate were compared with */
       MIXCSE_ENCODINGS = 6              /* vectors of each batch that the strategy needs beside its embeddings */ };
/* How many there are; -1 for a failure. May change with a batch of another kind (views, scores, classes). */
int64_t mixcse_objective_count(mixcse_objective *objective, int32_t what);

enum { MIXCSE_FLOAT32 = 0, MIXCSE_INT64 = 1 };
enum { MIXCSE_NO_DECAY = 1               /* a parameter without weight decay */ };
typedef struct {
  uint32_t struct_size, type;            /* MIXCSE_FLOAT32 or MIXCSE_INT64 */
  const char *name;                      /* unique: "temperature.infonce", "plugin.queue.vectors" */
  uint32_t n_dimensions, flags;          /* 1 to 4; MIXCSE_NO_DECAY */
  int64_t shape[4];
  int64_t byte_count;
  double learning_rate_factor;           /* multiplies the learning rate of a parameter */
} mixcse_tensor;
/* what: MIXCSE_PARAMETERS, MIXCSE_GRADIENTS or MIXCSE_STATES. */
int32_t mixcse_objective_tensor(mixcse_objective *objective, int32_t what, int64_t index, mixcse_tensor *out);
/* Copies the numbers out, or in (not those of gradients). byte_count: the tensor's. */
int32_t mixcse_objective_read(mixcse_objective *objective, int32_t what, int64_t index, void *to, int64_t byte_count);
int32_t mixcse_objective_write(mixcse_objective *objective, int32_t what, int64_t index, const void *from,
                               int64_t byte_count);

/* "loss.infonce", "positiveLogit", "mixcse.lambda", "temperature.infonce" ...; value: NaN where the batch had none. */
int32_t mixcse_objective_metric(mixcse_objective *objective, int64_t index, const char **name, double *value);

typedef struct {
  uint32_t struct_size, group;           /* 0, or the number of another group of rows */
  const char *label;                     /* "in-batch", "hard-negative", or what the sampler calls it */
  const char *sampler;                   /* the instance that brought it; "" for the first two */
  const char *rows, *columns;            /* "z1", "new[0]", "state[0]" */
  const char *detached;                  /* where no gradient goes: "none", "rows", "columns", "both" */
  int64_t negatives;                     /* cells that count as such */
  double mean_logit;                     /* of these; NaN where there are none */
} mixcse_block;
int32_t mixcse_objective_block(mixcse_objective *objective, int64_t index, mixcse_block *out);

enum { MIXCSE_BY_ENCODER = 0,            /* the trained encoder with `dropout` */
       MIXCSE_BY_AVERAGE = 1,            /* its moving average: after each step average = decay * average + (1 -
                                          * decay) * weights */
       MIXCSE_BY_GUIDE = 2               /* frozen encoder number `guide`; scaled to unit length here */ };
typedef struct {
  uint32_t struct_size, by;
  const char *text;                      /* "z2 by the moving average (decay 0.995) without dropout" */
  int32_t view;                          /* whose texts: 0 anchors, 1 positives, 2 hard negatives */
  uint32_t guide;                        /* from 0 */
  float dropout;                         /* a probability, or -1: as in training, with other masks */
  float decay;
  int64_t width;
} mixcse_encoding;
int32_t mixcse_objective_encoding(mixcse_objective *objective, int64_t index, mixcse_encoding *out);

/* ---- encoder ----------------------------------------------------------------------------------------------------- */
typedef struct mixcse_encoder mixcse_encoder;
enum { MIXCSE_NORMALIZE = 1,             /* scale embeddings to unit length, whether the folder asks for it or not */
       MIXCSE_BEFORE_HEAD = 2,           /* take the pooler's vector before the head */
       MIXCSE_BF16 = 4                   /* round operands of products with weights to bfloat16: faster where the
                                          * processor has instructions for it */ };
typedef struct {
  uint32_t struct_size, flags;
  const char *folder;                    /* a Hugging Face folder: config.json, weights, tokenizer files */
  const char *pooler;                    /* "cls", "avg" ...; NULL: what the folder records, else avg, which is then
                                          * logged */
  int64_t max_length;                    /* tokens of a text at most, 2 to the model's limit; 0: what the folder
                                          * records, else that limit */
} mixcse_encoder_options;
int32_t mixcse_encoder_open(mixcse_context *context, const mixcse_encoder_options *options, mixcse_encoder **out);
void mixcse_encoder_close(mixcse_encoder *encoder);
int64_t mixcse_encoder_width(mixcse_encoder *encoder); /* numbers of an embedding; -1 for a failure */
int64_t mixcse_encoder_max_length(mixcse_encoder *encoder); /* tokens of a text at most; -1 for a failure */
const char *mixcse_encoder_pooler(mixcse_encoder *encoder); /* NULL for a failure */
typedef struct {
  uint32_t struct_size, reserved;
  int64_t cut;                           /* texts that were longer than the limit */
  int64_t replaced_bytes;                /* bytes that were no UTF-8 and were read as U+FFFD */
} mixcse_encode_report;
/* texts: n of them, UTF-8; lengths: their bytes, NULL: they end with a zero. out: [n, width], the bits of `mixcse
 * encode`. report: NULL: not wanted. */
int32_t mixcse_encoder_encode(mixcse_encoder *encoder, const char *const *texts, const int64_t *lengths, int64_t n,
                              float *out, mixcse_encode_report *report);

/* ---- index ------------------------------------------------------------------------------------------------------- */
typedef struct mixcse_index mixcse_index;
enum { MIXCSE_REPLACE = 1                /* an index that is there goes */ };
/* Makes an index of n texts in a folder, as `mixcse index build` does: all of it or nothing. flags: MIXCSE_REPLACE. */
int32_t mixcse_index_build(mixcse_encoder *encoder, const char *folder, uint32_t flags, const char *const *texts,
                           const int64_t *lengths, int64_t n);
/* Adds n texts behind those of an index that the encoder's model made: all of them or none. Open indexes do not see
 * them. A graph that the index has is extended; where it cannot be, nothing is added. */
int32_t mixcse_index_add(mixcse_encoder *encoder, const char *folder, const char *const *texts, const int64_t *lengths,
                         int64_t n);
/* Opens the index in a folder. encoder: refuse the index of another model; NULL: ask nothing. */
int32_t mixcse_index_open(mixcse_context *context, mixcse_encoder *encoder, const char *folder, mixcse_index **out);
void mixcse_index_close(mixcse_index *index);
int64_t mixcse_index_size(mixcse_index *index);  /* texts in it; -1 for a failure */
int64_t mixcse_index_width(mixcse_index *index); /* numbers of a vector; -1 for a failure */
/* The k texts with the highest cosines to each of n queries [n, width], of any length: exact, the highest first, equal
 * ones by their rows. rows, scores: [n, k]; -1 and NaN where fewer than k reach the threshold. threshold below -1:
 * none. */
int32_t mixcse_index_search(mixcse_index *index, const float *queries, int64_t n, int64_t k, double threshold,
                            int64_t *rows, float *scores);
/* Graphs, for approximate searches among millions of texts: kept by a library that `mixcse index library` builds over
 * hnswlib, looked for as CSE_GRAPH says, else in `graphs` in the folders of plugins. */
typedef struct {
  uint32_t struct_size, flags;           /* MIXCSE_REPLACE: make it anew where there is one */
  int32_t links;                         /* of a text, 2 to 256 (M); 0: 16 */
  int32_t build_width;                   /* near texts that are looked at to link one (ef_construction), links to 65536;
                                          * 0: 200 */
} mixcse_graph_options;
/* Makes the graph of the index in a folder, or extends the one that is there to all texts; other numbers than its own
 * are refused, unless both are 0. The same texts give the same graph, whatever the threads. options: NULL for the
 * defaults. linked: how many texts were linked; NULL: not wanted. */
int32_t mixcse_index_graph(mixcse_context *context, const char *folder, const mixcse_graph_options *options,
                           int64_t *linked);
/* mixcse_index_search by the graph: exact cosines, but some of the nearest may be missed. width: texts the graph is
 * asked for (ef), k to 65536; 0: 64, or k where that is more. */
int32_t mixcse_index_search_approximately(mixcse_index *index, const float *queries, int64_t n, int64_t k,
                                          double threshold, int64_t width, int64_t *rows, float *scores);
/* The text of a row, UTF-8, valid until the next call on the handle; NULL for a failure. */
const char *mixcse_index_text(mixcse_index *index, int64_t row);

/* ---- tokenizer --------------------------------------------------------------------------------------------------- */
typedef struct mixcse_tokenizer mixcse_tokenizer;
int32_t mixcse_tokenizer_open(const char *folder, mixcse_tokenizer **out);
void mixcse_tokenizer_close(mixcse_tokenizer *tokenizer);
/* Writes the ids of a text, special tokens included, as far as there is room, and how many there are to *count.
 * length: bytes of text, -1: it ends with a zero. max_length: tokens at most, 2 or more; 0: no limit. */
int32_t mixcse_tokenizer_encode(mixcse_tokenizer *tokenizer, const char *text, int64_t length, int64_t max_length,
                                int32_t *ids, int64_t room, int64_t *count);
int64_t mixcse_tokenizer_size(mixcse_tokenizer *tokenizer); /* one more than the largest id; -1 for a failure */
const char *mixcse_tokenizer_token(mixcse_tokenizer *tokenizer, int32_t id); /* its text, "##ing"; NULL for an id
                                                                              * that names none */

#ifdef __cplusplus
}
#endif
#endif
