// Attention of a layer from queries, keys and values to the context, in the form that device, precision and layer have:
// packed by a fused kernel, else padded.
#pragma once
#include "parts.h"

namespace torch_encoder {

// What sets a layer's attention apart.
struct Attending {
  int64_t layer;         // from 1
  bool only_first;       // first tokens alone ask
  Tensor distances;      // what is added to scores [A, L, L]; not defined: nothing
  bool is_near = false;  // tokens see only those within the model's reach; then all ask
};

// The context [R, H] of queries [R, A, D], keys and values [T, A, D].
inline Tensor attend(const Parts &m, const Input &in, Dropped &drop, const Attending &a, Tensor q, Tensor k, Tensor v) {
  int64_t H = m.s.hidden, A = m.s.heads, D = m.s.head_width();
  if (m.is_packed && (!a.is_near || m.has_window)) {
    PackedSequences sequences = {a.only_first ? in.query_offsets : in.narrow_offsets, in.narrow_offsets,
                                 a.only_first ? 1 : in.longest, in.longest};
    return packed_attention(q, k, v, sequences, drop.attention_rate(), m.has_flash, a.is_near ? m.s.reach : -1)
        .reshape({-1, H});
  }
  int64_t S = in.sequences, L = in.longest, asked = a.only_first ? 1 : L;
  auto padded = [&](const Tensor &x) {
    return at::zeros({S * L, A, D}, x.options()).index_copy(0, in.cells, x).view({S, L, A, D}).transpose(1, 2);
  };
  q = a.only_first ? q.view({S, 1, A, D}).transpose(1, 2) : padded(q);
  (k = padded(k), v = padded(v));
  Tensor context;
  if (m.is_fast && !a.distances.defined() && !a.is_near) {
    context = at::scaled_dot_product_attention(q, k, v, in.is_token, drop.attention_rate(), false);
  } else {
    // In bf16, too: sums of gradients have an order that way.
    Tensor added = a.distances.defined() ? a.distances.narrow(1, 0, asked) : Tensor();
    context = plain_attention(q, k, v, a.is_near ? in.unseen : in.no_token, added, [&](const Tensor &weights) {
      if (m.is_fast) return at::dropout(weights.to(v.scalar_type()), drop.attention_rate(), drop.attention_rate() > 0);
      Tensor factors = drop.weights(a.layer, a.only_first, A);
      return factors.defined() ? weights * factors : weights;
    });
  }
  context = context.transpose(1, 2).reshape({S * asked, H});
  return a.only_first ? context : context.index_select(0, in.cells);
}
}  // namespace torch_encoder
