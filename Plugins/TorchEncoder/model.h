// BERT, RoBERTa and their kin as tensor operations, two ways. Exact: padded attention with the host's dropout masks.
// Fast: packed sequences from end to end, fused attention, dropout from the device's own generator, seeded anew for
// each pass.
// Letters: T tokens, S sequences, L the longest, R rows computed, H hidden size, A heads, E width of embeddings.
#pragma once
#include "attention.h"
#include "dropout.h"
#include "device.h"
#include "masked.h"
#include "tensors.h"
#include <c10/util/Exception.h>

namespace torch_encoder {

struct Shape {
  int64_t vocabulary, hidden, layers, heads, intermediate, position_rows, first_position, type_rows;
  double epsilon;
  uint32_t activation;
  // As in cse_encoder_source.
  int64_t embedding;
  bool has_projection;
  int64_t task_rows, distance_buckets, layer_sets;
  uint32_t no_dropout;
  MaskedHead masked;

  explicit Shape(const cse_encoder_source &s)
      : vocabulary(s.vocabulary), hidden(s.hidden), layers(s.layers), heads(s.heads), intermediate(s.intermediate),
        position_rows(s.position_rows), first_position(s.first_position), type_rows(s.type_rows),
        epsilon(s.norm_epsilon), activation(s.activation), embedding(s.hidden), has_projection(false), task_rows(0),
        distance_buckets(0), layer_sets(s.layers), no_dropout(0), masked(s) {
    if (s.family == CSE_BERT || s.family == CSE_ROBERTA) return;
    if (s.family != CSE_BERT_LIKE || !CSE_HAS(&s, cse_encoder_source, no_dropout))
      throw Refusal{"expected an encoder like BERT, found family " + std::to_string(s.family)};
    embedding = s.embedding;
    has_projection = s.has_projection != 0;
    task_rows = s.task_rows;
    distance_buckets = s.distance_buckets;
    layer_sets = s.layer_sets;
    no_dropout = s.no_dropout;
  }

  // What the weights of a layer (from 1) are called.
  std::string root(int64_t layer) const {
    int64_t set = (int64_t)((double)(layer - 1) / ((double)layers / (double)layer_sets));
    return "encoder.layer." + std::to_string(set) + ".";
  }
};

// All tensors by Hugging Face's names; query, key and value are neighbours.
inline std::vector<Place> places_of(const Shape &s) {
  std::vector<Place> all;
  auto add = [&](Kind kind, const std::string &name, std::vector<int64_t> shape) {
    int64_t count = 1;
    for (int64_t n : shape) count *= n;
    all.push_back({kind, name, std::move(shape), 0, count});
  };
  auto linear = [&](const std::string &name, int64_t out, int64_t in) {
    add(WEIGHT, name + ".weight", {out, in});
    add(BIAS, name + ".bias", {out});
  };
  auto norm = [&](const std::string &name, int64_t width) {
    add(NORM, name + ".weight", {width});
    add(NORM, name + ".bias", {width});
  };
  auto table = [&](const char *name, int64_t rows) {
    if (rows > 0) add(TABLE, std::string("embeddings.") + name + ".weight", {rows, s.embedding});
  };
  table("word_embeddings", s.vocabulary);
  table("position_embeddings", s.position_rows);
  table("token_type_embeddings", s.type_rows);
  table("task_type_embeddings", s.task_rows);
  norm("embeddings.LayerNorm", s.embedding);
  if (s.has_projection) linear("embeddings_project", s.hidden, s.embedding);
  if (s.distance_buckets > 0) add(NORM, "encoder.relative_attention_bias.weight", {s.distance_buckets, s.heads});
  for (int64_t layer = 0; layer < s.layer_sets; layer++) {
    std::string root = "encoder.layer." + std::to_string(layer) + ".";
    for (const char *part : {"query", "key", "value"}) linear(root + "attention.self." + part, s.hidden, s.hidden);
    linear(root + "attention.output.dense", s.hidden, s.hidden);
    norm(root + "attention.output.LayerNorm", s.hidden);
    linear(root + "intermediate.dense", s.intermediate, s.hidden);
    linear(root + "output.dense", s.hidden, s.intermediate);
    norm(root + "output.LayerNorm", s.hidden);
  }
  s.masked.declare(all);
  return all;
}

// A pass with what the device needs of it.
struct Input {
  int64_t sequences, tokens, longest = 0;
  bool is_first_only;
  Tensor ids, positions, starts, offsets;  // [T], [T], [S], [S + 1], all int64
  Tensor narrow_offsets, query_offsets;    // int32: of tokens, of one query each
  Tensor rows, first_rows;                 // numbers of tokens [T], [S]: what dropout is keyed by
  Tensor cells, is_token;                  // padded: where each token lies in [S L], which cells hold one [S, 1, 1, L]

  Input(const cse_pass &p, const Shape &shape, at::Device device) : sequences(p.n_seqs), tokens(p.n_tokens) {
    is_first_only = p.rows == CSE_ROWS_FIRST;
    const int64_t *numbers = p.first_rows ? p.first_rows : p.offsets;
    for (int64_t s = 0; s < sequences; s++) longest = std::max(longest, p.offsets[s + 1] - p.offsets[s]);
    // One array, one copy: ids, positions, rows, cells [T each], offsets [S + 1], first rows [S].
    std::vector<int64_t> all(4 * tokens + 2 * sequences + 1);
    int64_t *at = all.data();
    for (int64_t s = 0; s < sequences; s++) {
      int64_t next = shape.first_position;
      for (int64_t i = p.offsets[s], k = 0; i < p.offsets[s + 1]; i++, k++) {
        at[i] = p.token_ids[i];
        // RoBERTa's padding token has the row before the first and moves no other, also where a text holds it.
        bool uncounted = shape.first_position > 0 && p.token_ids[i] == shape.first_position - 1;
        at[tokens + i] = uncounted ? shape.first_position - 1 : next++;
        at[2 * tokens + i] = numbers[s] + k;
        at[3 * tokens + i] = s * longest + k;
      }
      at[4 * tokens + s] = p.offsets[s];
      at[4 * tokens + sequences + 1 + s] = numbers[s];
    }
    at[4 * tokens + sequences] = tokens;
    Tensor there = at::tensor(all, at::kLong).to(device);
    auto part = [&](int64_t start, int64_t count) { return there.narrow(0, start, count); };
    ids = part(0, tokens);
    positions = part(tokens, tokens);
    rows = part(2 * tokens, tokens);
    cells = part(3 * tokens, tokens);
    offsets = part(4 * tokens, sequences + 1);
    starts = part(4 * tokens, sequences);
    first_rows = part(4 * tokens + sequences + 1, sequences);
  }

  // What only the padded or only the packed attention reads.
  void prepare(bool is_packed) {
    if (is_packed) {
      narrow_offsets = offsets.to(at::kInt);
      query_offsets = at::arange(sequences + 1, narrow_offsets.options());
    } else {
      Tensor lengths = offsets.narrow(0, 1, sequences) - starts;
      is_token = at::arange(longest, ids.options()).lt(lengths.unsqueeze(1)).view({sequences, 1, 1, longest});
    }
  }
};

class Model {
public:
  Model(const Shape &shape, const Opened &opened, uint64_t seed)
      : s(shape), device(opened.device), is_fast(opened.is_fast),
        is_packed(opened.is_packed && shape.distance_buckets == 0), has_flash(opened.has_flash), seed(seed),
        tensors(places_of(shape), device, is_fast) {}

  // Hidden states of the layers asked for, float32 [R, H] each.
  std::vector<Tensor> forward(const cse_pass &p) {
    if (p.n_seqs == 0) return std::vector<Tensor>(p.n_layers, at::zeros({0, s.hidden}, device));
    tensors.refresh();
    Input in(p, s, device);
    in.prepare(is_packed);
    Dropped drop(*this, p, in);
    int64_t top = 0;
    for (uint32_t i = 0; i < p.n_layers; i++) top = std::max<int64_t>(top, p.layers[i]);
    std::vector<Tensor> out(p.n_layers);
    Tensor h = embed(in, drop);
    hand_out(p, in, 0, false, h, out);
    Tensor distances = s.distance_buckets > 0 && top > 0 ? distance_scores(in.longest) : Tensor();
    for (int64_t layer = 1; layer <= top; layer++) {
      bool only_first = in.is_first_only && layer == top;
      h = transform(layer, h, only_first, in, distances, drop);
      hand_out(p, in, layer, only_first, h, out);
    }
    return out;
  }

  const Shape s;
  const at::Device device;
  const bool is_fast, is_packed, has_flash;
  const uint64_t seed;
  Tensors tensors;

private:
  enum Site { ATTENTION_OUTPUT = 0,
              OUTPUT = 1 };

  // The dropout of one pass.
  class Dropped {
  public:
    Dropped(Model &m, const cse_pass &p, const Input &in)
        : m(m), in(in), batch(p.batch), hidden(p.hidden_dropout), attention(p.attention_dropout) {
      if (!m.is_fast || (hidden == 0 && attention == 0)) return;
      // A pass draws from its own seed alone: it can be repeated, and chunks of a batch differ.
      auto generator = at::globalContext().defaultGenerator(m.device);
      std::lock_guard<std::mutex> lock(generator.mutex());
      uint64_t first = (uint64_t)(p.first_rows ? p.first_rows[0] : 0);
      generator.set_current_seed(mixed(mixed(mixed(m.seed) ^ batch) ^ first));
    }

    Tensor embeddings(const Tensor &x) {
      if (hidden == 0) return x;
      if (m.is_fast) return at::dropout(x, hidden, true);
      Rate rate(hidden);
      uint64_t key = stream_key(m.seed, "encoder.embeddings.dropout");
      return scaled(x, kept_features({key}, batch, rate, in.rows, m.s.embedding)[0], rate);
    }

    Tensor states(const Tensor &x, int64_t layer, Site site, bool only_first) {
      uint32_t block = site == OUTPUT ? CSE_FEED_FORWARD : CSE_ATTENTION_OUTPUT;
      if (hidden == 0 || (m.s.no_dropout & block) != 0) return x;
      if (m.is_fast) return at::dropout(x, hidden, true);
      Rate rate(hidden);
      if (only_first) {
        auto kept = kept_features(keys(layer, layer + 1), batch, rate, in.first_rows, m.s.hidden);
        return scaled(x, kept[site], rate);
      }
      if (layer >= made_until) make(layer, rate);
      return scaled(x, kept_states[2 * (layer - made_from) + site], rate);
    }

    // Factors of attention weights, undefined where there is no dropout.
    Tensor weights(int64_t layer, bool only_first) {
      if (attention == 0) return {};
      Rate rate(attention);
      uint64_t key = stream_key(m.seed, root(layer) + "attention.probabilities");
      int64_t asking = only_first ? 1 : in.longest;
      Tensor rows = in.first_rows.unsqueeze(1) + at::arange(asking, in.first_rows.options());
      Tensor kept = kept_weights({key}, batch, rate, rows, m.s.heads, in.longest)[0];
      return kept.to(at::kFloat).mul_(rate.scale);
    }

    double attention_rate() const { return attention; }

  private:
    static std::string root(int64_t layer) { return "encoder.layer." + std::to_string(layer - 1) + "."; }
    static Tensor scaled(const Tensor &x, const Tensor &kept, const Rate &rate) {
      return x * kept.to(at::kFloat).mul_(rate.scale);
    }
    std::vector<uint64_t> keys(int64_t from, int64_t until) {
      std::vector<uint64_t> all;
      for (int64_t layer = from; layer < until; layer++) {
        all.push_back(stream_key(m.seed, root(layer) + "attention.output"));
        all.push_back(stream_key(m.seed, root(layer) + "output"));
      }
      return all;
    }
    // Masks of as many layers at once as fit into some 64 MiB a word: many small operations take long on a GPU.
    void make(int64_t layer, const Rate &rate) {
      int64_t words = 2 * in.tokens * ((m.s.hidden + 127) / 128) * 16;
      int64_t count = std::min(m.s.layers - layer + 1, std::max<int64_t>(1, (int64_t)(8 << 20) / words));
      (made_from = layer, made_until = layer + count);
      kept_states = kept_features(keys(made_from, made_until), batch, rate, in.rows, m.s.hidden);
    }

    Model &m;
    const Input &in;
    const uint64_t batch;
    const double hidden, attention;
    Tensor kept_states;
    int64_t made_from = 0, made_until = 0;
  };

  // What a product reads: rounded in the fast mode, where the stream of hidden states stays float32.
  Tensor rounded(const Tensor &x) { return is_fast ? x.to(at::kBFloat16) : x; }

  Tensor linear(const Tensor &x, const std::string &name, int64_t out, int64_t in) {
    return at::linear(x, tensors.leaf(name + ".weight", {out, in}), tensors.leaf(name + ".bias", {out}));
  }
  Tensor norm(const Tensor &x, const std::string &name) {
    int64_t width = x.size(1);
    Tensor gamma = tensors.leaf(name + ".weight", {width}), beta = tensors.leaf(name + ".bias", {width});
    return at::layer_norm(x, {width}, gamma, beta, s.epsilon);
  }

  Tensor embed(const Input &in, Dropped &drop) {
    auto table = [&](const char *name, int64_t rows) {
      return tensors.leaf(std::string("embeddings.") + name + ".weight", {rows, s.embedding});
    };
    Tensor word = at::embedding(table("word_embeddings", s.vocabulary), in.ids);
    Tensor sum = word + at::embedding(table("position_embeddings", s.position_rows), in.positions);
    if (s.type_rows > 0) sum = sum + table("token_type_embeddings", s.type_rows).narrow(0, 0, 1);
    if (s.task_rows > 0) sum = sum + table("task_type_embeddings", s.task_rows).narrow(0, 0, 1);
    Tensor x = drop.embeddings(norm(sum, "embeddings.LayerNorm"));
    return s.has_projection ? linear(rounded(x), "embeddings_project", s.hidden, s.embedding).to(at::kFloat) : x;
  }

  // What each head adds to the score of a query and a key [A, L, L] for the places between them. Buckets: half of them
  // for either direction; of these half for single distances, the rest for ranges that grow by the square root of 2.
  // Source: Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", 2020,
  // section 2.1, as in MPNet of transformers.
  Tensor distance_scores(int64_t length) {
    int64_t side = s.distance_buckets / 2, single = side / 2;
    auto bucket = [&](int64_t distance) {
      int64_t size = std::abs(distance), first = distance > 0 ? side : 0, range = 0;
      if (size < single) return first + size;
      // Powers of two of the squares, so that no logarithm is rounded.
      while (range < side - single - 1 && size * size >= (2 * single * single) << range) range++;
      return first + single + range;
    };
    std::vector<int64_t> buckets;
    for (int64_t query = 0; query < length; query++)
      for (int64_t key = 0; key < length; key++) buckets.push_back(bucket(key - query));
    Tensor table = tensors.leaf("encoder.relative_attention_bias.weight", {s.distance_buckets, s.heads});
    Tensor numbers = at::tensor(buckets, at::kLong).to(device);
    return at::embedding(table, numbers).view({length, length, s.heads}).permute({2, 0, 1});
  }

  Tensor transform(int64_t layer, const Tensor &h, bool only_first, const Input &in, const Tensor &distances,
                   Dropped &drop) {
    std::string root = s.root(layer);
    Tensor residual = only_first ? h.index_select(0, in.starts) : h, all = rounded(h);
    Tensor context = attend(layer, all, only_first ? rounded(residual) : all, only_first, in, distances, drop);
    Tensor a = linear(context, root + "attention.output.dense", s.hidden, s.hidden);
    a = norm(drop.states(a, layer, ATTENTION_OUTPUT, only_first) + residual, root + "attention.output.LayerNorm");
    Tensor wide = linear(rounded(a), root + "intermediate.dense", s.intermediate, s.hidden);
    wide = s.activation == CSE_RELU ? at::relu(wide) : at::gelu(wide, s.activation == CSE_GELU_TANH ? "tanh" : "none");
    Tensor b = linear(wide, root + "output.dense", s.hidden, s.intermediate);
    return norm(drop.states(b, layer, OUTPUT, only_first) + a, root + "output.LayerNorm");
  }

  // The context [R, H] of a layer: of all tokens, or of first ones, which alone ask then.
  Tensor attend(int64_t layer, const Tensor &h, const Tensor &asking, bool only_first, const Input &in,
                const Tensor &distances, Dropped &drop) {
    std::string self = s.root(layer) + "attention.self.";
    int64_t H = s.hidden, A = s.heads, D = H / A, T = in.tokens;
    Tensor q, k, v;
    if (only_first) {
      q = linear(asking, self + "query", H, H).view({-1, A, D});
      Tensor weight = tensors.leaf(self + "key.weight", {2 * H, H}), bias = tensors.leaf(self + "key.bias", {2 * H});
      auto both = at::linear(h, weight, bias).view({T, 2, A, D}).unbind(1);
      (k = both[0], v = both[1]);
    } else {
      Tensor weight = tensors.leaf(self + "query.weight", {3 * H, H});
      Tensor bias = tensors.leaf(self + "query.bias", {3 * H});
      auto three = at::linear(h, weight, bias).view({T, 3, A, D}).unbind(1);
      (q = three[0], k = three[1], v = three[2]);
    }
    if (is_packed) {
      PackedSequences sequences = {only_first ? in.query_offsets : in.narrow_offsets, in.narrow_offsets,
                                   only_first ? 1 : in.longest, in.longest};
      return packed_attention(q, k, v, sequences, drop.attention_rate(), has_flash).reshape({-1, H});
    }
    int64_t S = in.sequences, L = in.longest, asked = only_first ? 1 : L;
    auto padded = [&](const Tensor &x) {
      return at::zeros({S * L, A, D}, x.options()).index_copy(0, in.cells, x).view({S, L, A, D}).transpose(1, 2);
    };
    q = only_first ? q.view({S, 1, A, D}).transpose(1, 2) : padded(q);
    (k = padded(k), v = padded(v));
    Tensor context;
    if (is_fast && !distances.defined()) {
      context = at::scaled_dot_product_attention(q, k, v, in.is_token, drop.attention_rate(), false);
    } else {
      // With distances in bf16, too: the sums of their gradients have an order that way.
      Tensor scores = at::matmul(q, k.transpose(2, 3)) * (1 / std::sqrt((double)D));
      if (distances.defined()) scores = scores + distances.narrow(1, 0, asked);
      Tensor weights = at::softmax(scores.masked_fill(in.is_token.logical_not(), -INFINITY), -1);
      if (is_fast) {
        weights = at::dropout(weights.to(v.scalar_type()), drop.attention_rate(), drop.attention_rate() > 0);
      } else if (Tensor factors = drop.weights(layer, only_first); factors.defined()) {
        weights = weights * factors;
      }
      context = at::matmul(weights, v);
    }
    context = context.transpose(1, 2).reshape({S * asked, H});
    return only_first ? context : context.index_select(0, in.cells);
  }

  void hand_out(const cse_pass &p, const Input &in, int64_t layer, bool only_first, const Tensor &h,
                std::vector<Tensor> &out) {
    for (uint32_t i = 0; i < p.n_layers; i++) {
      if (p.layers[i] != layer) continue;
      Tensor t = h;
      if (p.rows == CSE_ROWS_FIRST && !only_first) t = t.index_select(0, in.starts);
      if (p.rows == CSE_ROWS_MEAN) {
        t = at::segment_reduce(t, "mean", {}, {}, in.offsets, 0, /*unsafe*/ true, {});
      }
      out[i] = t;
    }
  }
};
}  // namespace torch_encoder
