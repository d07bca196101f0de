/* cse_plugin.h - the plugin ABI, version 1.0 (C11, C++17, Swift; needs no other header).  cse = contrastive sentence embeddings.
 *
 * A plugin library exports ONE function, cse_library_entry_v1, and offers components of four kinds:
 *   augmenter  token ids of a view -> other token ids, before the encoder sees them
 *   pooler   token states  -> one vector per sentence (chained: a later pooler is a head on the earlier one's vectors)
 *   sampler  what the rows are compared with: new vectors, blocks of candidate columns, edits of single cells
 *   loss     how the comparison is scored, and its gradient
 * The host does everything else: memory, cosine and its gradient, temperature, stop-gradient, optimiser, checkpoints, ranks.
 * The smallest plugin is one function, one cse_component and one CSE_LIBRARY line.
 *
 * Rules for everything below
 *   memory     The host owns every buffer it passes; no pointer outlives its call unless said so. Descriptors and strings of the
 *              plugin are static and constant. Nobody frees what the other side allocated. Host buffers are 64-byte aligned.
 *   purity     Every function except `commit` is a pure function of its arguments: same call, same bytes; it may be repeated,
 *              skipped, retried, finite-differenced. States change in `commit` only. Weights change in the optimiser only.
 *   gradients  All d-buffers are ACCUMULATED (+=). If a group of d-pointers is NULL, no gradient is wanted. Outputs that are not
 *              gradients are overwritten in full. Never scale for loss weights, accumulation or ranks: the host does.
 *   threads    One instance: one call at a time, on any thread. Two instances: at once. Functions marked [any] from anywhere.
 *   failure    Return cse_fail(call, status, "text"): the batch is dropped, nothing of it is applied. No exit, no exception, longjmp or
 *              trap across the boundary, no stdout, signals, locale, FPU mode, lasting threads.
 *   growth     Structs that start with struct_size only ever grow at the end; the reader uses min(its size, struct_size) and reads a
 *              missing tail as 0, which is each field's default. Neither side rejects a bigger struct. Structs WITHOUT struct_size
 *              are frozen for major 1, so they may be array elements. Zero every struct, then fill it.
 *   ranks      Tensors always hold the whole (global) batch, on every rank alike. A plugin never knows how many ranks there are.   */
#ifndef CSE_PLUGIN_H
#define CSE_PLUGIN_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
#define CSE_ABI_MAJOR 1
#define CSE_ABI_MINOR 0
#define CSE_EXPORT __attribute__((visibility("default"), used))
/* Is field f present in *p?  Needed only for fields marked "since 1.1" and later. */
#define CSE_HAS(p, T, f) ((p)->struct_size >= offsetof(T, f) + sizeof((p)->f))

/* ---- tensors: DLPack's DLTensor bit for bit ------------------------------------------------------------------------------
 * Stricter than DLPack: strides are never NULL, last stride is 1, byte_offset is 0; a row may be followed by padding
 * (strides[0] >= shape[1]); data is NULL only if empty. const DLTensor * = do not write. float32 on the CPU unless support[] says more. */
#ifndef DLPACK_DLPACK_H_
typedef struct { int32_t device_type, device_id; } DLDevice;
typedef struct { uint8_t code, bits; uint16_t lanes; } DLDataType;
typedef struct { void *data; DLDevice device; int32_t ndim; DLDataType dtype; int64_t *shape, *strides; uint64_t byte_offset; } DLTensor;
#endif

/* ---- status -------------------------------------------------------------------------------------------------------------- */
typedef int32_t cse_status;
enum { CSE_OK = 0, CSE_E_INVALID = 1,   /* a value or shape this component cannot work with                                    */
       CSE_E_UNSUPPORTED = 2,           /* needs something this host or run does not offer (third view, service, dtype)        */
       CSE_E_NOMEM = 3, CSE_E_CANCELLED = 4, /* parallel_for returned it: pass it on                                           */
       CSE_E_NUMERIC = 5, CSE_E_INTERNAL = 6 };
enum { CSE_MESSAGE_BYTES = 512 };

/* A parameter's value. Which member is live follows from the declared type: bool, int, enum (index): i; float: f; string, path: s. */
typedef union { int64_t i; double f; const char *s; } cse_value;

typedef struct cse_call cse_call;
typedef struct cse_host cse_host;
typedef struct cse_component cse_component;
/* The body of a parallel_for: handles [begin, end). Two bodies may run at once, on any threads; user is what parallel_for was given. */
typedef void (*cse_range_fn)(void *user, int64_t begin, int64_t end, int32_t worker);
enum { CSE_LOG_DEBUG = 1, CSE_LOG_INFO = 2, CSE_LOG_WARN = 3, CSE_LOG_ERROR = 4 };
enum { CSE_UNIFORM = 0,   /* in [0, 1) */
       CSE_NORMAL = 1 };  /* mean 0, standard deviation 1 */

/* ---- host services: never NULL, valid for the life of the process --------------------------------------------------------- */
struct cse_host {
  uint32_t struct_size; uint16_t abi_major, abi_minor;
  const char *name, *version;
  /* [any] One line of UTF-8, without a line end; copied before it returns. level: CSE_LOG_*. Draws no random numbers. Cannot fail. */
  void (*log)(const cse_host *host, int32_t level, const char *line);
  /* On the thread of the call. Runs fn over [0, n) in chunks of grain (the last may be shorter; grain < 1 = 1); returns when all are done; keeps
   * neither fn nor user. worker < limits.max_threads. Chunk borders depend on (n, grain) only, so per-chunk sums do not depend on the thread count.
   * Nested calls run serially. Returns CSE_E_CANCELLED, with chunks left out, when the host wants the call to end: pass it on. */
  cse_status (*parallel_for)(const cse_call *call, int64_t n, int64_t grain, cse_range_fn fn, void *user);
  /* [any] Fills dst (n floats of the caller's: host memory, or the call's device) with numbers offset..offset+n-1 of this instance's stream for this
   * batch. kind: CSE_UNIFORM or CSE_NORMAL. Counter-based: same call and offset, same numbers, on any thread, in forward and backward alike. Other
   * instances' streams are independent. Cannot fail. */
  void (*random)(const cse_call *call, int32_t kind, uint64_t offset, float *dst, int64_t n);
  /* [any] Optional service "vendor.name/REVISION" (e.g. "cse.gemm/1"), or NULL: not offered. The table is the host's, constant, for the life of the
   * process; the id's documentation defines it. */
  const void *(*get_service)(const cse_host *host, const char *id);
};

/* ---- what every function is told: first argument of all of them, valid during the call ------------------------------------- */
enum { CSE_TRAINING = 1 };  /* off: evaluation (only poolers run then) */
struct cse_call {
  uint32_t struct_size, flags;
  const cse_host *host; void *host_data;   /* host_data belongs to the host. Pass `call` itself to services, never a copy           */
  void *self;                              /* what `create` stored; NULL without `create`                                          */
  const cse_component *component;          /* the plugin's own descriptor this call is for, as it stands in cse_library.components  */
  const cse_value *values;                 /* parameters in declared order: parsed, defaulted, range-checked, current              */
  int64_t step, total_steps; double epoch; /* optimiser step, from 0; total 0 = unknown; epoch with its fraction                   */
  void *scratch;                           /* plan.scratch_bytes, undefined contents, dead after the call                          */
  void *tape;                              /* plan.tape_bytes, written by forward, same bytes in its backward and commit           */
  DLTensor *const *states;                 /* as declared in plan; writable in `commit` only                                       */
  DLTensor *const *weights, *const *dweights; /* dweights NULL: not wanted                                                        */
  double *metrics;                         /* one slot per declared metric, preset to NaN = not reported                           */
  void *stream;                            /* device queue; NULL on the CPU                                                        */
  char *message;                           /* CSE_MESSAGE_BYTES, for cse_fail                                                      */
};

/* ---- planning: all memory is declared once, before the first batch ---------------------------------------------------------- */
enum { CSE_INIT_ZERO = 0, CSE_INIT_CONST = 1 /* a */, CSE_INIT_NORMAL = 2 /* mean a, deviation b */,
       CSE_INIT_UNIFORM = 3 /* [a, b) */, CSE_INIT_EYE = 4,
       CSE_INIT_DOCUMENTS = 5 /* a pooler's state [limits.vocab]: of each token id the share of the training texts that hold it; in
                               * evaluation what the model folder keeps. Where there is neither, the pooler is refused          */ };
enum { CSE_NO_DECAY = 1 /* weights: no weight decay */ };
typedef struct {       /* a named tensor; frozen. Checkpoints match it by name, shape and dtype: rename it when its meaning changes   */
  const char *name;
  int64_t shape[4]; int32_t ndim;
  DLDataType dtype;    /* all zero = float32; states may also be {0, 64, 1} = int64                                                 */
  uint32_t init, flags; float a, b;
  float lr_mult;       /* weights; 0 = 1                                                                                            */
  uint32_t reserved[3];
} cse_tensor_decl;

/* A further encoding of a view's texts, for a sampler or a loss; no gradient flows into it. Equal wishes of several components cost one pass. */
enum { CSE_BY_ENCODER = 0,  /* the run's encoder, poolers and head with `dropout`: [rows, dim], as they come from the head           */
       CSE_BY_AVERAGE = 1,  /* the same by their moving average: after each step average = decay * average + (1 - decay) * weights;
                             * the host keeps it and saves it with checkpoints                                                      */
       CSE_BY_GUIDE = 2 };  /* frozen encoder number `guide` of the run (--guide): unit vectors [rows, limits.guide_dims[guide]]    */
typedef struct {       /* frozen */
  int32_t view;        /* whose texts: CSE_ANCHOR ...                                                                               */
  uint32_t by;         /* CSE_BY_...                                                                                                */
  float dropout;       /* probability, 0 to below 1; 0 = off, -1 = the run's own, with other masks than the views'. Not of guides   */
  float decay;         /* CSE_BY_AVERAGE: 0 to 1                                                                                    */
  uint32_t guide;      /* CSE_BY_GUIDE: which, from 0. A run that has fewer is refused                                              */
  uint32_t reserved[3];
} cse_encoding;

/* Where the vectors on one side of a block come from: a view, this sampler's new vectors k, its state tensor k (used in place), or its encoding k. */
enum { CSE_ANCHOR = 0, CSE_POSITIVE = 1, CSE_HARD = 2 };  /* views z1, z2, z3; further views follow up to 15 */
#define CSE_NEW(k) (16 + (k))
#define CSE_STATE(k) (256 + (k))
#define CSE_ENCODING(k) (1024 + (k))  /* not of guides, whose space is another */
enum { CSE_DETACH_ROWS = 1, CSE_DETACH_COLS = 2,  /* no gradient into that side                                                      */
       CSE_DOT = 4,                               /* dot product instead of cosine                                                   */
       CSE_PRIVATE = 8,                           /* row i has candidates of its own: cols are [rows, per_row, dim]                  */
       CSE_BASE = 16 };                           /* this block holds the positives: column i is row i's. Replaces the group's base  */
typedef struct {       /* columns of candidates: cell (i, j) compares rows_i with cols_j; frozen                                     */
  int32_t rows, cols;  /* rows: N vectors                                                                                           */
  uint32_t flags;
  uint32_t group;      /* 0: joins the host's rows [anchor x positive | anchor x hard ...]. 1, 2..: another set of N rows, starting with a CSE_BASE
                        * block, scored by the same loss on its own; groups are averaged (symmetric losses, NT-Xent)                  */
  int64_t per_row, fixed; /* number of columns = per_row * N + fixed; both 0: N, or all rows of a state. CSE_PRIVATE: per_row columns */
  const char *label;   /* for logs: "mix", "queue"                                                                                  */
  uint64_t reserved;
} cse_block;

typedef struct {       /* what the host knows, host to plugin */
  uint32_t struct_size; int32_t max_threads;
  DLDevice device; DLDataType dtype;
  int64_t max_rows;    /* largest N of a batch; the last batch of an epoch may be smaller, N = 1 is legal                            */
  int64_t dim;         /* width of a hidden state (poolers) or of an embedding (the others)                                        */
  int64_t max_tokens, max_seqs; int32_t n_layers, n_views; /* n_layers counts the embedding layer                                   */
  uint32_t n_guides, reserved; const int64_t *guide_dims;  /* frozen encoders of the run and the widths of their vectors            */
  int64_t vocab;                                           /* poolers: token ids are below it; 0 = not known                         */
} cse_limits;

enum { CSE_FIRST_TOKEN = 1,  /* pooler reads only the first token: sequences then arrive one token long                              */
       CSE_EDIT_CELLS = 2,   /* sampler writes gain/bias: the host allocates them                                                    */
       CSE_FIRST_GROUP = 4,  /* loss: on_logits wants group 0 only, at full weight                                                   */
       CSE_NEEDS_SCORES = 8, /* sampler, loss: works only with batch->scores; a run whose data has none is refused                  */
       CSE_NEEDS_CLASSES = 16 };/* the same for batch->classes                                                                      */
typedef struct {       /* plugin to host; arrives zeroed (arrays too), which means "nothing": fill what is needed. Strings must be static */
  uint32_t struct_size, flags;
  uint64_t scratch_bytes, tape_bytes;
  int64_t out_dim;                                      /* pooler: width of its vectors; 0 = limits.dim                              */
  uint32_t n_layers, n_blocks, n_states, n_weights;
  int32_t *layers;                                      /* room for 64. Pooler: layers it reads, 0 = embeddings, -1 = last, -2 = before it. None: last */
  cse_block *blocks;                                    /* room for 8. Sampler                                                        */
  cse_tensor_decl *states, *weights;                    /* room for 16 each                                                           */
  uint32_t n_encodings;
  uint32_t edited_views;                                /* augmenter: a bit for each view, 1 << CSE_POSITIVE; 0 = positives             */
  cse_encoding *encodings;                              /* room for 8. Sampler and loss                                               */
  double max_growth;                                    /* augmenter: of n tokens of a batch it makes at most max_growth * n; 0 = 1     */
} cse_plan;

/* ---- kind 1, pooler --------------------------------------------------------------------------------------------------------- */
enum { CSE_TOKEN_SPECIAL = 1 };  /* [CLS], [SEP], <s>, ... */
typedef struct {
  uint32_t struct_size, n_layers;
  int64_t n_seqs, n_tokens, dim, n_views;  /* ordered view by view: sequence v * (n_seqs / n_views) + i is view v of row i              */
  const int64_t *offsets;                  /* [n_seqs + 1] packed, no padding: sequence s owns tokens offsets[s] .. offsets[s+1]-1     */
  const DLTensor *const *layers;           /* [n_tokens, dim] each, in plan.layers order. Chained: the previous pooler's vectors       */
  DLTensor *const *dlayers;                /* backward only                                                                            */
  const int32_t *token_ids; const uint8_t *token_flags;  /* [n_tokens]; NULL in a chained pooler                                       */
} cse_tokens;

/* ---- the batch, as samplers and embedding losses see it ------------------------------------------------------------------------ */
typedef struct {
  uint32_t struct_size, n_views;
  int64_t rows, dim;
  const DLTensor *const *z;         /* [n_views] of [rows, dim]: raw, indexed by CSE_ANCHOR ...                                        */
  const DLTensor *const *u;         /* the same, L2-normalised (norm floored at 1e-8)                                                 */
  DLTensor *const *dz, *const *du;  /* where gradients go; write to either or both, the host adds them up. Both NULL: not wanted       */
  const int64_t *row_ids;           /* [rows] index of the row as loaded, from 0: lines that are left out do not count               */
  const int64_t *text_ids;          /* [rows] equal if and only if the anchors' texts are equal                                      */
  const float *scores;              /* [rows] how much anchor and positive belong together, as the data says. NULL: it does not      */
  const int64_t *classes;           /* [rows] equal if and only if the rows' labels are equal, from 0. NULL: the data has none.
                                     * This is how several positives of a row are told: rows of one class are positives of each other */
  const DLTensor *const *encodings; /* [plan.n_encodings] of [rows, width], in the order of the plan; in commit, too                */
} cse_batch;

/* ---- kind 2, sampler: fill vectors, edit cells ----------------------------------------------------------------------------------
 * logit = gain * similarity / temperature + bias. gain starts at 1, bias at 0; edits combine: multiply gains, add to biases.
 * bias = -INFINITY excludes a cell; gain = 0 makes its logit the bias (so it still counts exp(bias)). */
typedef struct {
  uint32_t struct_size, n_blocks, first_own; /* all blocks so far: [0] is group 0's base, then earlier samplers', own ones from first_own */
  uint32_t n_vectors;
  DLTensor *const *vectors;         /* CSE_NEW(k), to be written in full: [columns or N, dim]; [N, per_row, dim] when private          */
  const cse_block *const *blocks;   /* [n_blocks]                                                                                   */
  int64_t *n_cols;                  /* [n_blocks]; lower an own one to use only its first columns (a queue that is filling)          */
  DLTensor *const *gain, *const *bias; /* [n_blocks] of [N, n_cols]; NULL without CSE_EDIT_CELLS. Any block may be edited, also the base */
  const DLTensor *const *sim;       /* [n_blocks] cosines of the views' blocks (the base); NULL entries: not known yet                */
} cse_candidates;

/* ---- kind 3, loss --------------------------------------------------------------------------------------------------------------- */
typedef struct {                    /* one group of rows: everything each row is compared with */
  uint32_t struct_size, group, n_blocks, reserved;
  int64_t rows, cols;
  double temperature;               /* value of the parameter named "temperature" (the host can learn it); 1 without one              */
  const DLTensor *logits;           /* [rows, cols] gain * sim / temperature + bias; excluded cells are -infinity                     */
  const DLTensor *sim;              /* [rows, cols] plain similarity                                                                 */
  const int64_t *target;            /* [rows] column of the row's positive                                                           */
  const int64_t *block_start;       /* [n_blocks + 1] first column of each block; the last entry is cols                              */
  const cse_block *const *blocks;   /* [n_blocks] what each block compares                                                           */
  DLTensor *dlogits, *dsim;         /* write to either or both (excluded cells: add 0); both NULL: not wanted                         */
  double *row_loss;                 /* [rows] arrives NaN = not reported; a loss that is a mean over rows may fill it. NULL: not wanted */
  double *dtemperature;             /* arrives NaN = nothing beyond what dlogits says. A loss that knows the temperature
                                     * otherwise (a margin divided by it, a gradient in dsim) writes d loss / d temperature
                                     * of that part. NULL: not wanted                                                    */
  const cse_batch *batch;           /* ids, scores and classes of the rows; its dz and du are NULL                                     */
} cse_logits;

/* ---- kind 5, augmenter --------------------------------------------------------------------------------------------------------------
 * Edits one view of a training batch before the encoder sees it; dropout comes on top. Never called in evaluation. */
typedef struct {
  uint32_t struct_size; int32_t view;       /* which view this is: CSE_ANCHOR ...                                                      */
  int64_t n_seqs, n_tokens, vocab;          /* sequence i is row i's; token ids are below vocab                                         */
  const int64_t *offsets;                   /* [n_seqs + 1] packed, no padding: sequence s owns tokens offsets[s] .. offsets[s+1]-1     */
  const int32_t *token_ids; const uint8_t *token_flags; /* [n_tokens]                                                                   */
  const int32_t *words;                     /* [n_tokens] which word of its sequence a token belongs to, from 0; -1 for special tokens  */
  const int64_t *row_ids;                   /* [n_seqs] index of the row as loaded                                                      */
  int32_t mask_id, pad_id;                  /* -1: the tokenizer has none                                                               */
  int64_t max_tokens;                       /* the longest sequence the encoder takes                                                   */
  int64_t room;                             /* tokens that out_ids holds: max_growth * n_tokens, rounded up                             */
  int32_t *out_ids; int64_t *out_offsets;   /* to be written: the new tokens, and where they start: [n_seqs + 1], from 0. Of a sequence at
                                             * least one token stays. The first token stays first: poolers may read it alone             */
} cse_edit;

/* ---- a component: unused entries NULL or 0 ------------------------------------------------------------------------------------------ */
enum { CSE_POOLER = 1, CSE_SAMPLER = 2, CSE_LOSS = 3, CSE_ENCODER = 4 /* reserved */, CSE_AUGMENTER = 5,
       CSE_OTHER = 100 /* get_extension only */ };
enum { CSE_SCALE_INVARIANT = 1, CSE_ROTATION_INVARIANT = 2, CSE_PERMUTATION_EQUIVARIANT = 4 }; /* claims; `plugins check` tests those of losses on embeddings */
typedef struct { DLDevice device; DLDataType dtype; } cse_support;                             /* frozen; device_id ignored      */
struct cse_component {
  uint32_t struct_size, kind;
  const char *name;    /* [a-z0-9_-]+, the name on the command line; the full id is library.id "." name                             */
  const char *doc;     /* first line: summary. Then formula and paper                                                              */
  /* Parameters, one line each, `name: type = default [in range] [live] [log] [-- text]`, the grammar of bare functions:
   *   "temperature: float = 0.05 in (0,) live log -- softmax temperature\n"    ranges: [ ] closed, ( ) open, an end left out = none
   *   "mask: zero|exclude = zero -- what a masked cell becomes\n"              types: bool, int, float, string, a|b|c (index),
   *   path (a file: from the root, "" = none; what is in it belongs to the identity of a run, whatever it is called)
   * live: a schedule may change it between steps. Any other change runs plan again. log: sweep in powers.                           */
  const char *params;
  const char *metrics; /* comma-separated names of call->metrics                                                                    */

  /* The functions. Threads: one call of an instance at a time, on any thread, unless marked. Ownership: arguments are the host's and live until the
   * return. Failure: any status but CSE_OK, with cse_fail's text; the host then names component, function and step, and drops the batch. */

  /* Optional, for resources only (device handles, tables): stores *self, which stays the plugin's until destroy. Parameters and tensors need none
   * of this. Called before plan; states and weights are not there yet. After a failure destroy is not called. */
  cse_status (*create)(const cse_call *call, void **self);
  /* Frees *self. Called once for each successful create, with no call running. Cannot fail. */
  void (*destroy)(void *self);
  /* Declares memory, tensors, blocks, layers; NULL = needs none. Called again when a limit or a non-live parameter changed: states and weights whose
   * name, shape and dtype stay the same keep their values. scratch, tape, states, weights are NULL in this call. A failure refuses the run. */
  cse_status (*plan)(const cse_call *call, const cse_limits *limits, cse_plan *plan);
  /* The only function that may write states. Once per training batch, after every gradient of that batch was accepted; a failure undoes it: the host
   * restores the states. The tape is the one of that batch's forward. batch is NULL for poolers; its dz and du are NULL. */
  cse_status (*commit)(const cse_call *call, const cse_batch *batch);

  /* pooler: writes out [n_seqs, out_dim] in full. One call holds all views. In evaluation (CSE_TRAINING off) the sequences are any sentences. */
  cse_status (*pool)(const cse_call *call, const cse_tokens *tokens, DLTensor *out);
  /* pooler: adds to tokens->dlayers and call->dweights. Same tokens, tape and out as in its pool. */
  cse_status (*pool_backward)(const cse_call *call, const cse_tokens *tokens, const DLTensor *out, const DLTensor *dout);
  /* sampler: writes out->vectors in full, edits cells. NULL when the declared blocks say it all. batch->dz and du are NULL. */
  cse_status (*sample)(const cse_call *call, const cse_batch *batch, const cse_candidates *out);
  /* sampler: from dvectors[k] to batch->dz or du, and dweights. dvectors[k] is NULL where set k is detached. NULL when all are. */
  cse_status (*sample_backward)(const cse_call *call, const cse_batch *batch, const DLTensor *const *dvectors);
  /* loss: *loss (arrives 0) is a mean over rows; adds to dlogits / dsim. Called once per group. Give this, on_embeds, or both (summed). A loss that is
   * not finite is a failure. */
  cse_status (*on_logits)(const cse_call *call, const cse_logits *x, double *loss);
  /* loss on vectors: *loss (arrives 0), adds to batch->dz / du. Called once per batch. Samplers do not affect it. */
  cse_status (*on_embeds)(const cse_call *call, const cse_batch *batch, double *loss);

  uint32_t claims, n_support; const cse_support *support; /* none = float32 on the CPU, which is always required                      */
  /* [any] Optional extension "vendor.name/REVISION", or NULL. This field may be NULL. */
  const void *(*get_extension)(const cse_component *component, const char *id);
  /* augmenter: writes edit->out_ids and out_offsets. One call for each edited view of a batch; the next augmenter of a run gets what this one made. */
  cse_status (*augment)(const cse_call *call, const cse_edit *edit);
};

typedef struct {       /* static */
  uint32_t struct_size; uint16_t abi_major, abi_minor;
  uint32_t min_host_minor;          /* 0 unless the plugin cannot do without newer fields                                            */
  uint32_t n_components;
  const cse_component *const *components;
  const char *id, *version;         /* "org.example.mylib", "1.2.0"                                                                  */
  const char *license;              /* SPDX, or NULL                                                                                 */
  const char *recipes;              /* lines such as "mixcse = sampler:mixcse loss:infonce", or NULL                                  */
} cse_library;

/* [any] The one symbol. Idempotent, cheap, no side effects, may be called before anything else and many times. The result is static.
 * NULL = this library refuses this host, with the reason logged. There is no counterpart: a library is never shut down. */
CSE_EXPORT const cse_library *cse_library_entry_v1(const cse_host *host);

/* Defines the entry for C and C++:  CSE_LIBRARY("org.example.mylib", "1.0", "MIT", NULL, &mixcse, &noise)  */
#define CSE_LIBRARY(id_, version_, license_, recipes_, ...)                                                                        \
  static const cse_component *const cse_components_[] = {__VA_ARGS__};                                                             \
  static const cse_library cse_library_ = {sizeof(cse_library), CSE_ABI_MAJOR, CSE_ABI_MINOR, 0,                                   \
      sizeof cse_components_ / sizeof *cse_components_, cse_components_, id_, version_, license_, recipes_};                       \
  const cse_library *cse_library_entry_v1(const cse_host *host) { (void)host; return &cse_library_; }
/* First entries of a cse_component:  static const cse_component mixcse = {CSE_COMPONENT(CSE_SAMPLER), .name = "mixcse", ...};  */
#define CSE_COMPONENT(kind_) sizeof(cse_component), (kind_)

/* ---- extension of a pooler: how model folders write it down ---------------------------------------------------------------------------
 * Optional. get_extension(component, CSE_POOLING_1) returns a static cse_pooling_1, which says: the vector of a sequence is the `tokens` (first,
 * mean, largest) of sum over layers of weight * layer. From it an export gets the modules that sentence-transformers loads, and training its
 * default head. Without it a pooler trains all the same, and an export keeps its name as text. `plugin check` compares it with `pool`. */
#define CSE_POOLING_1 "cse.pooling/1"
enum { CSE_POOL_FIRST = 1, CSE_POOL_MEAN = 2, CSE_POOL_MAX = 3 };  /* of a sequence's tokens, special ones among them                */
enum { CSE_HEAD_NONE = 0, CSE_HEAD_MLP = 1 };                      /* mlp: Linear of the same width, then tanh                       */
typedef struct {
  uint32_t struct_size;
  uint32_t tokens;       /* CSE_POOL_...                                                                                               */
  uint32_t head;         /* CSE_HEAD_...: what training puts behind this pooler where the user does not say                            */
  uint32_t reserved;
  /* Writes the weight of each layer, weights [limits->n_layers] (arrive 0; 0 = embeddings), with a sum above 0, from call->values and call->weights. May
   * be called after any plan, in evaluation. NULL: the layers of the plan in equal shares. */
  cse_status (*layer_weights)(const cse_call *call, const cse_limits *limits, float *weights);
} cse_pooling_1;

/* ---- service of the host: the run's own loss on vectors that a sampler makes up ------------------------------------------------------------
 * host->get_service(host, CSE_SCORE_1) returns a static cse_score_1. For vectors that are moved by the loss before they are used (DCLR). */
#define CSE_SCORE_1 "cse.score/1"
typedef struct {
  uint32_t struct_size, reserved;
  /* In `sample` only, on its thread: *loss is the weighted sum of the run's losses on logits (group 0), with `vectors` [m, dim] as further columns behind
   * all blocks so far, compared by cosine; writes its gradient at the vectors to dvectors [m, dim] in full. Whoever is asked, nothing is learned and no
   * state changes. CSE_E_UNSUPPORTED elsewhere, for a plugin in a process of its own, and in a run whose losses look at no logits. */
  cse_status (*gradient)(const cse_call *call, const DLTensor *vectors, DLTensor *dvectors, double *loss);
} cse_score_1;

/* ---- helpers, compiled into the plugin ------------------------------------------------------------------------------------------ */
/* Row i of a matrix (of a [n, s, d] tensor: its i-th [s, d] slab). */
static inline float *cse_row(const DLTensor *t, int64_t i) { return (float *)t->data + i * t->strides[0]; }
/* Copies text (cut to fit) to the caller's buffer and returns status: return cse_fail(call, CSE_E_INVALID, "needs a third view"); */
static inline cse_status cse_fail(const cse_call *call, cse_status status, const char *text) {
  int32_t i = 0;
  for (; text[i] && i < CSE_MESSAGE_BYTES - 1; i++) call->message[i] = text[i];
  call->message[i] = 0;
  return status;
}
#ifdef __cplusplus
}
#endif
#endif
