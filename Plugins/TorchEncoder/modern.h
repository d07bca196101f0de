// Layers as ModernBERT has them: norms of what goes into a block, gated units, queries and keys turned by their places,
// and in local layers tokens that see only near ones. A norm has the name of the sum that it is of.
// Source: Warner et al., "Smarter, Better, Faster, Longer: A Modern Bidirectional Encoder", 2024.
// Letters: R rows computed, H hidden size, A heads, D = H / A.
#pragma once
#include "attend.h"
#include "rotary.h"

namespace torch_encoder {

// Between two layers [R, H], float32: what a block adds to, and the same normed, which its maps read.
struct Stream {
  Tensor sum, normed;
};

class ModernLayers {
public:
  ModernLayers(Parts &m, Rotary &rotary, const Input &in, Dropped &drop)
      : m(m), in(in), drop(drop), global(rotary.turns(m.s.global_base, m.s.head_width(), in)),
        local(rotary.turns(m.s.local_base, m.s.head_width(), in)) {}

  // The output of a layer (from 1); `is_normed`: whether it is read but as a sum.
  Stream layer(int64_t layer, const Stream &x, bool only_first, bool is_normed) {
    std::string root = m.s.root(layer);
    int64_t H = m.s.hidden, I = m.s.intermediate;
    Tensor context = attention(layer, m.rounded(x.normed), only_first);
    Tensor sum = only_first ? x.sum.index_select(0, in.starts) : x.sum;
    Tensor a = m.linear(context, root + "attention.output.dense", H, H);
    sum = sum + drop.states(a, layer, ATTENTION_OUTPUT, only_first);
    Tensor normed = m.norm(sum, root + "attention.output.LayerNorm");
    auto halves = m.linear(m.rounded(normed), root + "intermediate.dense", 2 * I, H).chunk(2, -1);
    Tensor units = drop.states(m.activated(halves[0]) * halves[1], layer, ACTIVATIONS, only_first);
    sum = sum + m.linear(units, root + "output.dense", H, I);
    return {sum, is_normed ? m.norm(sum, root + "output.LayerNorm") : Tensor()};
  }

private:
  // The context [R, H] of what a layer's maps read [T, H].
  Tensor attention(int64_t layer, const Tensor &x, bool only_first) {
    int64_t H = m.s.hidden, A = m.s.heads, D = m.s.head_width(), T = in.tokens;
    // A window goes by the places of queries and keys alike: all tokens ask where one hides something.
    bool is_near = m.s.is_local(layer) && m.s.hides(in.longest), asks_first = only_first && !is_near;
    const Turns &turns = m.s.is_local(layer) ? local : global;
    std::string name = m.s.root(layer) + "attention.self.query_key_value";
    Tensor weight = m.tensors.leaf(name + ".weight", {3 * H, H}), bias = m.optional(name + ".bias", {3 * H});
    Tensor q, k, v;
    if (asks_first) {
      auto part = [&](const Tensor &of, int64_t from, int64_t count) {
        return of.defined() ? of.narrow(0, from, count) : of;
      };
      // First tokens have place 0, which turns nothing.
      q = at::linear(x.index_select(0, in.starts), part(weight, 0, H), part(bias, 0, H)).view({-1, A, D});
      Tensor both = at::linear(x, part(weight, H, 2 * H), part(bias, H, 2 * H)).view({T, 2, A, D});
      (k = turned(both.narrow(1, 0, 1), turns).squeeze(1), v = both.select(1, 1));
    } else {
      Tensor three = at::linear(x, weight, bias).view({T, 3, A, D});
      auto two = turned(three.narrow(1, 0, 2), turns).unbind(1);
      (q = two[0], k = two[1], v = three.select(1, 2));
    }
    Tensor context = attend(m, in, drop, {layer, asks_first, {}, is_near}, q, k, v);
    return only_first && !asks_first ? context.index_select(0, in.starts) : context;
  }

  Parts &m;
  const Input &in;
  Dropped &drop;
  const Turns global, local;
};
}  // namespace torch_encoder
