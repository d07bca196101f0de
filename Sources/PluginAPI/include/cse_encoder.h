/* cse_encoder.h - kind 4 of the plugin ABI: an encoder that keeps weights, gradients and moments where it computes.
 *
 * A library offers it as a component of kind CSE_ENCODER whose get_extension(component, CSE_ENCODER_1) is a static
 * cse_encoder_1. The host reads the model folder, hands the tensors over, tokenises, pools, compares, scores, writes
 * checkpoints and exports; the encoder turns token ids into hidden states, their gradients into gradients of its
 * tensors, and moves these. What cse_plugin.h says of memory, failure and growth holds here, too.
 *
 * There is no state but the tensors: every pass is a function of them and of its arguments, and may be repeated.
 * Letters: T tokens of a pass, S sequences, R rows handed out, H hidden size.                                        */
#ifndef CSE_ENCODER_H
#define CSE_ENCODER_H
#include "cse_plugin.h"
#ifdef __cplusplus
extern "C" {
#endif
#define CSE_ENCODER_1 "cse.encoder/1"
typedef struct cse_encoder cse_encoder;   /* the plugin's own: one for each open */

enum { CSE_BERT = 1, CSE_ROBERTA = 2,     /* families: post-norm layers, learned positions                            */
       CSE_BERT_LIKE = 3,                 /* the same but for what the struct says from `embedding` on; BERT's names  */
       /* Norms are of what goes into a block, h += block(norm(h)); units are gated; queries and keys are turned by
        * their places. Names are BERT's, by where things stand: "embeddings.LayerNorm" makes the first layer's
        * input, "encoder.layer.K.attention.output.LayerNorm" norms the sum behind attention,
        * "encoder.layer.K.output.LayerNorm" that behind layer K: for the next layer's attention, and behind the last
        * layer for hidden states. Hidden states below the last are the sums themselves. Maps:
        * "encoder.layer.K.attention.self.query_key_value" [3 H, H], "...attention.output.dense",
        * "...intermediate.dense" [2 I, H] (the rows that are activated, then their gates), "...output.dense".
        * Dropout: behind the embeddings' norm and of the product of units and gates at the rate of hidden states; of
        * attention weights and behind attention.output.dense at that of attention. */
       CSE_MODERNBERT = 4 };
enum { CSE_GELU_ERF = 0, CSE_GELU_TANH = 1, CSE_RELU = 2 };
enum { CSE_F32 = 0, CSE_TF32 = 1, CSE_BF16 = 2 };  /* what products are made in; tensors stay float32               */
typedef struct {
  uint32_t struct_size, family, activation, precision;
  const char *device;                     /* "cpu", "cuda", "cuda:1", as typed                                        */
  int64_t vocabulary, hidden, layers, heads, intermediate;
  int64_t position_rows, first_position;  /* rows of the position table; the row of a sequence's first token          */
  int64_t type_rows;                      /* row 0 is used                                                            */
  double norm_epsilon;
  uint64_t seed;                          /* of the run: dropout                                                      */
  int32_t threads, reserved;              /* threads of the host, for what runs on its processors                     */
  /* Of processes on this machine that each open an encoder, the number of this one and how many there are; 0, 0 (or
   * a struct that ends before them): it is alone. A device without a number is then one of its own: number
   * local_rank of those that are seen, or the only one that is. */
  int32_t local_rank, local_size;
  /* Of CSE_BERT_LIKE (DistilBERT, MPNet, ELECTRA, ERNIE, ALBERT), where type_rows may be 0, too: there is no such
   * table. */
  int64_t embedding;                      /* width E of tables and their norm                                         */
  int32_t has_projection, reserved2;      /* "embeddings_project" [H, E] makes hidden states of embeddings            */
  int64_t task_rows;                      /* "embeddings.task_type_embeddings", of which row 0 is added; 0: none      */
  int64_t distance_buckets;               /* "encoder.relative_attention_bias" [buckets, heads], CSE_NO_DECAY: what
                                           * layers add to the score of two tokens, buckets as in MPNet; 0: nothing   */
  int64_t layer_sets;                     /* weights there are: layer l of L (from 0) has set floor(l / (L / sets))   */
  uint32_t no_dropout, reserved3;         /* CSE_ATTENTION_OUTPUT, CSE_FEED_FORWARD: no dropout behind that block     */
  /* Of CSE_MODERNBERT, where position_rows is 0: there is no such table. Of the fields since `embedding` it has
   * embedding (H), layer_sets (L) and no_dropout (CSE_FEED_FORWARD). A pair i of the D numbers of a head, i and i +
   * D / 2, is turned by place / base^(2 i / D). */
  double global_base, local_base;         /* the base in layers whose tokens see all others, and in the other ones    */
  const uint8_t *local_layers;            /* [layers] 1: tokens see those up to `reach` away; until open returns */
  int64_t reach;                          /* 0 or more                                                                */
  uint32_t no_bias, reserved4;            /* CSE_ATTENTION_MAPS ...: these have no biases, and no such tensors        */
  /* Of masked language modelling, asked for where there is cse.encoder.masked/1: a head above the last layer is
   * wanted, with the biases that CSE_MASKED_... say and this activation; 0: none. Its tensors stand behind the
   * others: "cls.predictions." with "transform.dense" [E, H], "transform.LayerNorm" [E], and "bias" [vocabulary];
   * those of one dimension have CSE_NO_DECAY. */
  uint32_t masked_head, masked_activation;
  /* The word that fills up batches elsewhere. Where a text holds it, its row of the words learns nothing from that,
   * nor, where first_position is above 0, does its row of the positions: the one before. -1 (or a struct that ends
   * before it): there is none. */
  int64_t padding_word;
} cse_encoder_source;
enum { CSE_ATTENTION_OUTPUT = 1, CSE_FEED_FORWARD = 2 };
enum { CSE_ATTENTION_MAPS = 1, CSE_FEED_FORWARD_MAPS = 2, CSE_NORMS = 4 };
enum { CSE_MASKED_HEAD = 1,               /* there is one                                                             */
       CSE_MASKED_DENSE_BIAS = 2, CSE_MASKED_NORM_BIAS = 4, CSE_MASKED_WORD_BIAS = 8 };

typedef struct {                          /* frozen: an array element                                                 */
  const char *name;                       /* Hugging Face's without a prefix, "encoder.layer.0.output.dense.weight"   */
  int64_t shape[2]; int32_t ndim; uint32_t flags;   /* CSE_NO_DECAY                                                   */
} cse_encoder_tensor;

enum { CSE_EXACT_DROPOUT = 1,             /* facts: masks are the host's, bit for bit (Documentation/Devices.md)      */
       CSE_REPEATABLE = 2 };              /* facts: same arguments on this device, same bytes                         */
typedef struct {                          /* plugin to host; strings and arrays live until close                      */
  uint32_t struct_size, flags;
  uint32_t n_tensors, max_slots;          /* slots: passes that may wait for their backward at once                   */
  const cse_encoder_tensor *tensors;
  const char *device_name;                /* "NVIDIA H100 80GB HBM3"                                                  */
  const char *library;                    /* what computes: "torch 2.11.0"                                            */
  const char *device_id;                  /* the same in every process that sees this device: a UUID; NULL: not known */
} cse_encoder_facts;

enum { CSE_ROWS_ALL = 0,                  /* R = T: a row for each token                                              */
       CSE_ROWS_FIRST = 1,                /* R = S: the first token of each sequence                                  */
       CSE_ROWS_MEAN = 2 };               /* R = S: the mean of each sequence's tokens                                */
enum { CSE_KEEP = 1 };                    /* pass: a backward follows                                                 */
typedef struct {
  uint32_t struct_size, flags;
  int64_t n_seqs, n_tokens;
  const int32_t *token_ids;               /* [T] packed; the host has checked ids and lengths                         */
  const int64_t *offsets;                 /* [S + 1] from 0                                                           */
  const int64_t *first_rows;              /* [S] number of the sequence's first token among all tokens of the batch, by
                                           * which dropout is keyed: chunks of a batch keep its masks. NULL: offsets  */
  const int32_t *layers; uint32_t n_layers, rows; /* hidden states wanted, 0 = embeddings; CSE_ROWS_...               */
  double hidden_dropout, attention_dropout;       /* 0: off                                                           */
  uint64_t batch;                         /* number of the batch in the run                                           */
  uint32_t slot, reserved;
} cse_pass;

typedef struct {                          /* AdamW: value *= 1 - rate * decay (unless CSE_NO_DECAY), then the step with
                                           * bias correction                                                          */
  uint32_t struct_size, reserved;
  double learning_rate, weight_decay, beta1, beta2, epsilon;
  double gradient_scale;                  /* gradients are taken times this                                           */
  int64_t step;                           /* from 1                                                                   */
} cse_adamw;

enum { CSE_WEIGHT = 0, CSE_GRADIENT = 1, CSE_MOMENT1 = 2, CSE_MOMENT2 = 3 };

/* One call at a time for each encoder, on any thread. `message` has CSE_MESSAGE_BYTES and is filled by every
 * failure: what was expected, what was found, what to do. CSE_E_NOMEM: the device's memory was not enough, and the
 * encoder can be used further. */
typedef struct {
  uint32_t struct_size;
  uint32_t families;                      /* 1 << CSE_BERT | ...: what open is asked for; 0: all up to CSE_BERT_LIKE  */
  /* Takes the device and makes the tensors, all zero. What cannot be honoured is refused. May take seconds. */
  cse_status (*open)(const cse_host *host, const cse_encoder_source *source, cse_encoder **encoder,
                     cse_encoder_facts *facts, char *message);
  void (*close)(cse_encoder *encoder);
  /* Writes out[k], float32 [R, H] in full: the rows of layers[k]. */
  cse_status (*encode)(cse_encoder *encoder, const cse_pass *pass, float *const *out, char *message);
  /* Adds to the gradients what d_out[k] [R, H] causes, and ends the kept pass of `slot`. */
  cse_status (*encode_backward)(cse_encoder *encoder, uint32_t slot, const float *const *d_out, char *message);
  /* The sum of squares of all gradients, added in double. */
  cse_status (*gradient_norm)(cse_encoder *encoder, double *sum_of_squares, char *message);
  /* Moves all tensors; gradients are zero afterwards. */
  cse_status (*step)(cse_encoder *encoder, const cse_adamw *settings, char *message);
  cse_status (*clear_gradients)(cse_encoder *encoder, char *message);
  /* A whole tensor to or from the host's memory, row-major. what: CSE_WEIGHT ... */
  cse_status (*get)(cse_encoder *encoder, uint32_t tensor, int32_t what, float *host, char *message);
  cse_status (*put)(cse_encoder *encoder, uint32_t tensor, int32_t what, const float *host, char *message);
  /* Bytes of the device taken at most since open; 0: not known. */
  uint64_t (*peak_memory)(cse_encoder *encoder);
} cse_encoder_1;

/* Encoders of several processes that add up their gradients on their devices: get_extension(component,
 * CSE_ENCODER_GROUP_1) is a static cse_encoder_group_1. Without it, and where one of the processes cannot join, the
 * host adds them up in its own memory. The host calls check in each process, make_id in one, join in each, and then
 * sum_gradients in each, once a step. */
#define CSE_ENCODER_GROUP_1 "cse.encoder.group/1"
enum { CSE_GROUP_ID_BYTES = 256 };
typedef struct {
  uint32_t struct_size, reserved;
  /* Whether this process could join: what connects them is there, and knows its device. */
  cse_status (*check)(cse_encoder *encoder, char *message);
  /* Writes CSE_GROUP_ID_BYTES that name a new group; the host hands them to all. */
  cse_status (*make_id)(cse_encoder *encoder, uint8_t *id, char *message);
  /* Returns when all `size` processes have joined; fails after so many seconds, which also bound each sum. */
  cse_status (*join)(cse_encoder *encoder, const uint8_t *id, int32_t rank, int32_t size, double seconds,
                     char *message);
  /* Returns when all that was begun on the device is done: what failed there is said before others wait for this
   * process. */
  cse_status (*wait)(cse_encoder *encoder, char *message);
  /* Puts the sum of all processes' gradients in the place of each one's, the same bits for all. */
  cse_status (*sum_gradients)(cse_encoder *encoder, char *message);
  /* Leaves the group, whatever state it is in; close does so, too. */
  void (*leave)(cse_encoder *encoder);
  /* What connects them, once check was passed: "NCCL 2.27.7". Lives until close. */
  const char *(*connection)(cse_encoder *encoder);
} cse_encoder_group_1;

/* Encoders that learn to guess words, with the head where the weights are: get_extension(component,
 * CSE_ENCODER_MASKED_1) is a static cse_encoder_masked_1. The scores of all words at a token: its state of the last
 * layer through "transform.dense", the activation and "transform.LayerNorm" (norm_epsilon), times
 * "embeddings.word_embeddings" transposed, plus "bias"; without dropout in the head. */
#define CSE_ENCODER_MASKED_1 "cse.encoder.masked/1"
typedef struct {
  uint32_t struct_size, reserved;
  int64_t n_positions;                    /* M, at least 1                                                            */
  const int64_t *positions;               /* [M] which tokens of the pass are guessed, ascending                      */
  const int32_t *labels;                  /* [M] which words they are                                                 */
  double factor;                          /* of the gradients                                                         */
} cse_masked;
typedef struct {
  uint32_t struct_size, reserved;
  /* A pass over a batch some of whose tokens are hidden, forward and backward: `loss` becomes the sum of the
   * cross-entropies at the positions, and `factor` times its gradients are added to those of all tensors, the table
   * of words twice. Of `pass` tokens, first rows and dropout are read; kept passes stay as they are. */
  cse_status (*learn)(cse_encoder *encoder, const cse_pass *pass, const cse_masked *masked, double *loss,
                      char *message);
} cse_encoder_masked_1;
#ifdef __cplusplus
}
#endif
#endif
