// Templates in C11 and C++20: the functions are the same text, only the descriptor is written in another way.

enum CTemplates {
  static let head = """
    #include "cse_plugin.h"

    #include <math.h>
    #include <string.h>


    """

  static func functions(_ kind: TemplateKind) -> String {
    switch kind {
    case .sampler: sampler
    case .loss: loss
    case .pooler: pooler
    case .augmenter: augmenter
    }
  }

  static func descriptorInC(_ kind: TemplateKind) -> String {
    """

    static const cse_component component = {
        CSE_COMPONENT(\(kindConstant(kind))),
        .name = "NAME",
        .doc = "\(doc(kind))",
    \(parameters(kind).map { "    .params = \($0)," } ?? "    /* .params = \"strength: float = 1 in [0,) -- what it does\\n\", */")
    \(functionNames(kind).map { "    .\($0) = \($0)," }.joined(separator: "\n"))
    };
    CSE_LIBRARY("org.example.NAME", "0.1.0", "MIT", NULL, &component)

    """
  }

  static func descriptorInCxx(_ kind: TemplateKind) -> String {
    """

    static constexpr cse_component describe() {
      cse_component c{};
      c.struct_size = sizeof c;
      c.kind = \(kindConstant(kind));
      c.name = "NAME";
      c.doc = "\(doc(kind))";
    \(parameters(kind).map { "  c.params = \($0);" } ?? "  // c.params = \"strength: float = 1 in [0,) -- what it does\\n\";")
    \(functionNames(kind).map { "  c.\($0) = \($0);" }.joined(separator: "\n"))
      return c;
    }
    static constexpr cse_component component = describe();
    CSE_LIBRARY("org.example.NAME", "0.1.0", "MIT", NULL, &component)

    """
  }

  private static func kindConstant(_ kind: TemplateKind) -> String { "CSE_" + kind.rawValue.uppercased() }

  private static func doc(_ kind: TemplateKind) -> String {
    switch kind {
    case .sampler: "blends each positive with its neighbour and offers it as a negative"
    case .loss: "softmax cross-entropy of each row over its candidates"
    case .pooler: "the mean over all tokens of the last layer"
    case .augmenter: "hides some tokens of the positives behind the mask token"
    }
  }

  private static func parameters(_ kind: TemplateKind) -> String? {
    switch kind {
    case .sampler: "\"lambda: float = 0.2 in [0,1] live -- share of the row's own positive\\n\""
    case .loss: "\"temperature: float = 0.05 in (0,) live log -- softmax temperature\\n\""
    case .pooler: nil
    case .augmenter: "\"rate: float = 0.15 in [0,1] live -- the probability of a token\\n\""
    }
  }

  private static func functionNames(_ kind: TemplateKind) -> [String] {
    switch kind {
    case .sampler: ["plan", "sample"]
    case .loss: ["on_logits"]
    case .pooler: ["pool", "pool_backward", "get_extension"]
    case .augmenter: ["augment"]
    }
  }

  private static let augmenter = """
    /* Every token but the special ones becomes the mask token with probability `rate`; sequences keep their length. The numbers
     * are drawn from the host's stream, at offsets that the token's place decides: the same call gives the same text. */
    static cse_status augment(const cse_call *call, const cse_edit *edit) {
      if (edit->mask_id < 0) return cse_fail(call, CSE_E_UNSUPPORTED, "NAME needs a tokenizer with a mask token");
      const float rate = (float)call->values[0].f;
      for (int64_t i = 0; i < edit->n_tokens; i++) {
        float draw;
        call->host->random(call, CSE_UNIFORM, ((uint64_t)edit->view << 40) + (uint64_t)i, &draw, 1);
        edit->out_ids[i] = !edit->token_flags[i] && draw < rate ? edit->mask_id : edit->token_ids[i];
      }
      for (int64_t s = 0; s <= edit->n_seqs; s++) edit->out_offsets[s] = edit->offsets[s];
      return CSE_OK;
    }

    """

  private static let sampler = """
    /* One set of new vectors, as many as there are rows, compared with every anchor; no gradient flows into them. */
    static cse_status plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
      (void)call, (void)limits;
      plan->n_blocks = 1;
      plan->blocks[0].rows = CSE_ANCHOR;
      plan->blocks[0].cols = CSE_NEW(0);
      plan->blocks[0].flags = CSE_DETACH_COLS;
      plan->blocks[0].label = "NAME";
      return CSE_OK;
    }

    /* new_i = lambda * z2_i + (1 - lambda) * z2_{i+1} */
    static cse_status sample(const cse_call *call, const cse_batch *batch, const cse_candidates *out) {
      const float lambda = (float)call->values[0].f;
      for (int64_t i = 0; i < batch->rows; i++) {
        const float *own = cse_row(batch->z[CSE_POSITIVE], i);
        const float *next = cse_row(batch->z[CSE_POSITIVE], (i + 1) % batch->rows);
        float *row = cse_row(out->vectors[0], i);
        for (int64_t k = 0; k < batch->dim; k++) row[k] = lambda * own[k] + (1 - lambda) * next[k];
      }
      return CSE_OK;
    }

    """

  private static let loss = """
    /* mean_i (logsumexp_j logits[i, j] - logits[i, target_i]); the host has divided by the temperature already. Excluded cells
     * are -infinity and get no gradient, because exp(-infinity) is 0. */
    static cse_status on_logits(const cse_call *call, const cse_logits *x, double *loss) {
      const double share = 1.0 / (double)x->rows;
      (void)call;
      for (int64_t i = 0; i < x->rows; i++) {
        const float *row = cse_row(x->logits, i);
        const int64_t target = x->target[i];
        double peak = row[target], rest = 0;
        for (int64_t j = 0; j < x->cols; j++) peak = row[j] > peak ? row[j] : peak;
        /* The others by themselves: 1 - p would lose its digits where the loss is small. */
        for (int64_t j = 0; j < x->cols; j++) rest += j == target ? 0 : exp(row[j] - peak);
        const double total = rest + exp(row[target] - peak);
        const double value = row[target] == peak ? log1p(rest) : log(total) + peak - row[target];
        *loss += value * share;
        if (x->row_loss) x->row_loss[i] = value;
        if (!x->dlogits) continue;
        float *gradient = cse_row(x->dlogits, i);
        for (int64_t j = 0; j < x->cols; j++)
          gradient[j] += (float)(share * (j == target ? -rest : exp(row[j] - peak)) / total);
      }
      return CSE_OK;
    }

    """

  private static let pooler = """
    static cse_status pool(const cse_call *call, const cse_tokens *tokens, DLTensor *out) {
      (void)call;
      for (int64_t s = 0; s < tokens->n_seqs; s++) {
        const int64_t begin = tokens->offsets[s], end = tokens->offsets[s + 1];
        float *vector = cse_row(out, s);
        for (int64_t k = 0; k < tokens->dim; k++) vector[k] = 0;
        for (int64_t t = begin; t < end; t++) {
          const float *state = cse_row(tokens->layers[0], t);
          for (int64_t k = 0; k < tokens->dim; k++) vector[k] += state[k] / (float)(end - begin);
        }
      }
      return CSE_OK;
    }

    /* Gradients are added: += */
    static cse_status pool_backward(const cse_call *call, const cse_tokens *tokens, const DLTensor *out, const DLTensor *dout) {
      (void)call, (void)out;
      for (int64_t s = 0; s < tokens->n_seqs; s++) {
        const int64_t begin = tokens->offsets[s], end = tokens->offsets[s + 1];
        const float *vector = cse_row(dout, s);
        for (int64_t t = begin; t < end; t++) {
          float *state = cse_row(tokens->dlayers[0], t);
          for (int64_t k = 0; k < tokens->dim; k++) state[k] += vector[k] / (float)(end - begin);
        }
      }
      return CSE_OK;
    }

    /* What pool computes, in the words of model folders, so that an exported model carries it. Leave it out where none fit. */
    static const void *get_extension(const cse_component *component, const char *id) {
      static const cse_pooling_1 pooling = {sizeof pooling, CSE_POOL_MEAN, CSE_HEAD_NONE, 0, NULL};
      (void)component;
      return strcmp(id, CSE_POOLING_1) ? NULL : &pooling;
    }

    """
}
