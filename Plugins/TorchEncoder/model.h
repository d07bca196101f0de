// BERT, RoBERTa, ModernBERT and their kin as tensor operations, two ways. Exact: padded attention with the host's
// dropout masks. Fast: packed sequences from end to end, fused attention, dropout from the device's own generator,
// seeded anew for each pass.
// Letters: T tokens, S sequences, L the longest, R rows computed, H hidden size, A heads, E width of embeddings.
#pragma once
#include "modern.h"

namespace torch_encoder {

class Model : public Parts {
public:
  using Parts::Parts;

  // Hidden states of the layers asked for, float32 [R, H] each.
  std::vector<Tensor> forward(const cse_pass &p) {
    if (p.n_seqs == 0) return std::vector<Tensor>(p.n_layers, at::zeros({0, s.hidden}, device));
    tensors.refresh();
    Input in(p, s, device);
    bool hides = s.hides(in.longest);
    in.prepare(is_packed, !is_packed || (hides && !has_window), hides ? s.reach : -1);
    Dropped drop(s, is_fast, seed, device, p, in);
    int64_t top = 0;
    for (uint32_t i = 0; i < p.n_layers; i++) top = std::max<int64_t>(top, p.layers[i]);
    std::vector<Tensor> out(p.n_layers);
    Tensor embedded = embed(in, drop);
    hand_out(p, in, 0, false, embedded, out);
    Tensor distances = s.distance_buckets > 0 && top > 0 ? distance_scores(in.longest) : Tensor();
    std::optional<ModernLayers> modern;
    if (s.is_modern && top > 0) modern.emplace(*this, rotary, in, drop);
    Stream h = {embedded, embedded};
    for (int64_t layer = 1; layer <= top; layer++) {
      bool only_first = in.is_first_only && layer == top;
      if (modern) {
        h = modern->layer(layer, h, only_first, layer < top || !s.shows_sums(layer));
      } else {
        h.sum = h.normed = transform(layer, h.normed, only_first, in, distances, drop);
      }
      hand_out(p, in, layer, only_first, s.shows_sums(layer) ? h.sum : h.normed, out);
    }
    return out;
  }

private:
  Tensor embed(const Input &in, Dropped &drop) {
    auto table = [&](const char *name, int64_t rows) {
      return tensors.leaf(std::string("embeddings.") + name + ".weight", {rows, s.embedding});
    };
    // The rows of the padding token learn nothing from texts that hold it.
    Tensor sum = at::embedding(table("word_embeddings", s.vocabulary), in.ids, s.padding_word);
    int64_t unused = s.first_position > 0 ? s.first_position - 1 : -1;
    if (s.position_rows > 0)
      sum = sum + at::embedding(table("position_embeddings", s.position_rows), in.positions, unused);
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
    Tensor context = attention(layer, all, only_first ? rounded(residual) : all, only_first, in, distances, drop);
    Tensor a = linear(context, root + "attention.output.dense", s.hidden, s.hidden);
    a = norm(drop.states(a, layer, ATTENTION_OUTPUT, only_first) + residual, root + "attention.output.LayerNorm");
    Tensor wide = activated(linear(rounded(a), root + "intermediate.dense", s.intermediate, s.hidden));
    Tensor b = linear(wide, root + "output.dense", s.hidden, s.intermediate);
    return norm(drop.states(b, layer, OUTPUT, only_first) + a, root + "output.LayerNorm");
  }

  // The context [R, H] of a layer: of all tokens, or of first ones, which alone ask then.
  Tensor attention(int64_t layer, const Tensor &h, const Tensor &asking, bool only_first, const Input &in,
                   const Tensor &distances, Dropped &drop) {
    std::string self = s.root(layer) + "attention.self.";
    int64_t H = s.hidden, A = s.heads, D = s.head_width(), T = in.tokens;
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
    return attend(*this, in, drop, {layer, only_first, distances}, q, k, v);
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

  Rotary rotary;
};
}  // namespace torch_encoder
