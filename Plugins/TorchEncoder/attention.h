// Attention on packed sequences by torch's fused CUDA kernels, in bf16, with sums in a fixed order in backward: the
// memory-efficient kernel where sequences are short (its blocks fit them), flash attention where they are long or where
// tokens see only near ones. And attention by way of all scores, for everything that no kernel does.
#pragma once
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <cmath>
#include <torch/csrc/autograd/custom_function.h>

namespace torch_encoder {
using at::Tensor;

// From here on flash attention is the faster one (H200, heads of 64: 128 and 32 tokens, Documentation/Devices.md).
constexpr int64_t short_sequence = 128;

// Which queries and keys belong to each sequence: offsets [S + 1] int32, and the longest of each.
struct PackedSequences {
  Tensor queries, keys;
  int64_t longest_query, longest_key;
};

class ShortAttention : public torch::autograd::Function<ShortAttention> {
public:
  static Tensor forward(torch::autograd::AutogradContext *context, const Tensor &q, const Tensor &k, const Tensor &v,
                        const Tensor &queries, const Tensor &keys, int64_t longest_query, int64_t longest_key,
                        double dropout) {
    auto made = at::_efficient_attention_forward(q.unsqueeze(0), k.unsqueeze(0), v.unsqueeze(0), {}, queries, keys,
                                                 longest_query, longest_key, dropout, 0, true);
    const Tensor &out = std::get<0>(made);
    context->save_for_backward({q, k, v, out, std::get<1>(made), std::get<2>(made), std::get<3>(made), queries, keys});
    context->saved_data["dropout"] = dropout;
    context->saved_data["longest query"] = longest_query;
    context->saved_data["longest key"] = longest_key;
    return out.squeeze(0);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                 torch::autograd::variable_list gradients) {
    auto saved = context->get_saved_variables();
    auto found = at::_efficient_attention_backward(
        gradients[0].unsqueeze(0), saved[0].unsqueeze(0), saved[1].unsqueeze(0), saved[2].unsqueeze(0), {}, saved[3],
        saved[7], saved[8], context->saved_data["longest query"].toInt(), context->saved_data["longest key"].toInt(),
        saved[4], context->saved_data["dropout"].toDouble(), saved[5], saved[6], 0, false, {},
        /*num_splits_key: one part, or sums would depend on the order of threads*/ 1);
    Tensor none;
    return {std::get<0>(found).squeeze(0), std::get<1>(found).squeeze(0), std::get<2>(found).squeeze(0), none, none,
            none, none, none};
  }
};

class LongAttention : public torch::autograd::Function<LongAttention> {
public:
  static Tensor forward(torch::autograd::AutogradContext *context, const Tensor &q, const Tensor &k, const Tensor &v,
                        const Tensor &queries, const Tensor &keys, int64_t longest_query, int64_t longest_key,
                        double dropout, int64_t reach) {
    auto side = window(reach);
    auto made = at::_flash_attention_forward(q, k, v, queries, keys, longest_query, longest_key, dropout, false, false,
                                             std::optional<double>(), side, side);
    const Tensor &out = std::get<0>(made);
    context->save_for_backward({q, k, v, out, std::get<1>(made), std::get<2>(made), std::get<3>(made), queries, keys});
    context->saved_data["dropout"] = dropout;
    context->saved_data["longest query"] = longest_query;
    context->saved_data["longest key"] = longest_key;
    context->saved_data["reach"] = reach;
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                 torch::autograd::variable_list gradients) {
    auto saved = context->get_saved_variables();
    auto side = window(context->saved_data["reach"].toInt());
    // The kernel asks for this alone; products would be slowed down by it.
    at::globalContext().setDeterministicAlgorithms(true, false);
    auto found = at::_flash_attention_backward(
        gradients[0].contiguous(), saved[0], saved[1], saved[2], saved[3], saved[4], saved[7], saved[8],
        context->saved_data["longest query"].toInt(), context->saved_data["longest key"].toInt(),
        context->saved_data["dropout"].toDouble(), false, saved[5], saved[6], std::optional<double>(), side, side);
    at::globalContext().setDeterministicAlgorithms(false, false);
    Tensor none;
    return {std::get<0>(found), std::get<1>(found), std::get<2>(found), none, none, none, none, none, none};
  }

private:
  // As many keys on either side of a query, which is among them; none: all.
  static std::optional<int64_t> window(int64_t reach) {
    return reach < 0 ? std::optional<int64_t>() : std::optional<int64_t>(reach);
  }
};

// The context [R, A, D] of queries [R, A, D], keys and values [T, A, D]. `reach`: how many places away a token still
// sees another, for which every token asks; below 0: any.
inline Tensor packed_attention(const Tensor &q, const Tensor &k, const Tensor &v, const PackedSequences &s,
                               double dropout, bool has_flash, int64_t reach) {
  if (reach >= 0 || (s.longest_key > short_sequence && has_flash))
    return LongAttention::apply(q, k, v, s.queries, s.keys, s.longest_query, s.longest_key, dropout, reach);
  return ShortAttention::apply(q, k, v, s.queries, s.keys, s.longest_query, s.longest_key, dropout);
}

// The context [S, A, Q, D] of queries [S, A, Q, D], keys and values [S, A, L, D]. `unseen` [S, 1, 1 or Q, L]: keys that
// a query does not see; `added` [A, Q, L]: to scores, where it is defined; `drop` changes the weights, float32.
template <typename Drop>
Tensor plain_attention(const Tensor &q, const Tensor &k, const Tensor &v, const Tensor &unseen, const Tensor &added,
                       Drop drop) {
  Tensor scores = at::matmul(q, k.transpose(2, 3)) * (1 / std::sqrt((double)q.size(3)));
  if (added.defined()) scores = scores + added;
  return at::matmul(drop(at::softmax(scores.masked_fill(unseen, -INFINITY), -1, at::kFloat)), v);
}
}  // namespace torch_encoder
