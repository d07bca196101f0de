// What an encoder is, as the host describes it, and the tensors that follow from it.
// Letters: H hidden size, I width between the feed-forward maps, A heads.
#pragma once
#include "device.h"
#include "masked.h"
#include "tensors.h"

namespace torch_encoder {

struct Shape {
  int64_t vocabulary, hidden, layers, heads, intermediate, position_rows, first_position, type_rows;
  double epsilon;
  uint32_t activation;
  // As in cse_encoder_source; here what BERT has of it.
  int64_t embedding;
  bool has_projection = false;
  int64_t task_rows = 0, distance_buckets = 0, layer_sets;
  uint32_t no_dropout = 0;
  int64_t padding_word = -1;
  bool is_modern = false;
  double global_base = 0, local_base = 0;
  std::vector<bool> local_layers;
  int64_t reach = 0;
  uint32_t no_bias = 0;
  MaskedHead masked;

  explicit Shape(const cse_encoder_source &s)
      : vocabulary(s.vocabulary), hidden(s.hidden), layers(s.layers), heads(s.heads), intermediate(s.intermediate),
        position_rows(s.position_rows), first_position(s.first_position), type_rows(s.type_rows),
        epsilon(s.norm_epsilon), activation(s.activation), embedding(s.hidden), layer_sets(s.layers), masked(s) {
    if (CSE_HAS(&s, cse_encoder_source, padding_word)) padding_word = s.padding_word;
    if (s.family == CSE_BERT || s.family == CSE_ROBERTA) return;
    if (s.family == CSE_MODERNBERT && CSE_HAS(&s, cse_encoder_source, no_bias)) {
      read_modern(s);
      return;
    }
    if (s.family != CSE_BERT_LIKE || !CSE_HAS(&s, cse_encoder_source, no_dropout))
      throw Refusal{"expected an encoder like BERT or ModernBERT, found family " + std::to_string(s.family)};
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

  int64_t head_width() const { return hidden / heads; }
  // Whether tokens see only near ones in a layer (from 1).
  bool is_local(int64_t layer) const { return is_modern && local_layers[layer - 1]; }
  bool has_local() const { return std::find(local_layers.begin(), local_layers.end(), true) != local_layers.end(); }
  // Whether some token of a sequence of that length does not see all others in layers that are local.
  bool hides(int64_t length) const { return has_local() && length > reach + 1; }
  // Whether a layer's hidden state is the sum before the norm.
  bool shows_sums(int64_t layer) const { return is_modern && layer < layers; }

private:
  void read_modern(const cse_encoder_source &s) {
    is_modern = true;
    no_dropout = s.no_dropout;
    (global_base = s.global_base, local_base = s.local_base);
    (reach = s.reach, no_bias = s.no_bias);
    local_layers.assign((size_t)layers, false);
    for (int64_t layer = 0; s.local_layers && layer < layers; layer++) local_layers[layer] = s.local_layers[layer] != 0;
    if (head_width() % 2 != 0)
      throw Refusal{"expected heads of an even width, found " + std::to_string(head_width())};
    if (!(global_base > 0 && local_base > 0 && reach >= 0))
      throw Refusal{"expected bases above 0 and a reach of 0 or more, found " + std::to_string(global_base) + ", " +
                    std::to_string(local_base) + " and " + std::to_string(reach)};
    if (position_rows != 0 || type_rows != 0 || first_position != 0)
      throw Refusal{"expected no tables of positions and types for ModernBERT, found " +
                    std::to_string(position_rows) + " and " + std::to_string(type_rows) + " rows"};
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
  auto linear = [&](const std::string &name, int64_t out, int64_t in, uint32_t unbiased = 0) {
    add(WEIGHT, name + ".weight", {out, in});
    if ((s.no_bias & unbiased) == 0) add(BIAS, name + ".bias", {out});
  };
  auto norm = [&](const std::string &name, int64_t width) {
    add(NORM, name + ".weight", {width});
    if ((s.no_bias & CSE_NORMS) == 0) add(NORM, name + ".bias", {width});
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
    if (s.is_modern) {
      linear(root + "attention.self.query_key_value", 3 * s.hidden, s.hidden, CSE_ATTENTION_MAPS);
    } else {
      for (const char *part : {"query", "key", "value"}) linear(root + "attention.self." + part, s.hidden, s.hidden);
    }
    linear(root + "attention.output.dense", s.hidden, s.hidden, CSE_ATTENTION_MAPS);
    norm(root + "attention.output.LayerNorm", s.hidden);
    // Rows of gates follow those that are activated.
    linear(root + "intermediate.dense", (s.is_modern ? 2 : 1) * s.intermediate, s.hidden, CSE_FEED_FORWARD_MAPS);
    linear(root + "output.dense", s.hidden, s.intermediate, CSE_FEED_FORWARD_MAPS);
    norm(root + "output.LayerNorm", s.hidden);
  }
  s.masked.declare(all);
  return all;
}
}  // namespace torch_encoder
