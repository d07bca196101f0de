// A pass of masked language modelling, forward and backward at once: the model, and above it its head for masked words,
// some positions at a time, so that the scores of all words for all of them are never there together.
// Letters: M masked positions, H hidden size, E width of embeddings.
#pragma once
#include "model.h"

namespace torch_encoder {

// As many rows of scores of 30,522 words take 62 MB.
constexpr int64_t words_at_once = 512;

// The cross-entropy of each of the states [M, H] with the words `labels` [M], float32 [M].
inline Tensor word_losses(Parts &m, const Tensor &states, const Tensor &labels) {
  const MaskedHead &head = m.s.masked;
  Tensor z = m.activated(m.linear(m.rounded(states), head.dense, head.embedding, head.width), head.activation);
  z = m.norm(z.to(at::kFloat), head.norm);
  Tensor table = m.tensors.leaf("embeddings.word_embeddings.weight", {head.words, head.embedding});
  Tensor scores = at::linear(m.rounded(z), m.rounded(table)).to(at::kFloat);
  Tensor bias = m.optional(head.word_bias, {head.words});
  if (bias.defined()) scores = scores + bias;
  return at::cross_entropy_loss(scores, labels, {}, at::Reduction::None);
}

// The summed loss of the masked positions; adds `factor` times its gradients to those of all tensors.
inline double learn_words(Model &model, const cse_pass &pass, const cse_masked &masked) {
  if (!model.s.masked.is_there()) throw Refusal{"expected an encoder opened with a head for masked words, found none"};
  at::AutoGradMode mode(true);
  Tensors &tensors = model.tensors;
  tensors.drop_leaves();
  int32_t top = (int32_t)model.s.layers;
  cse_pass whole = pass;
  (whole.layers = &top, whole.n_layers = 1, whole.rows = CSE_ROWS_ALL);
  Tensor hidden = model.forward(whole)[0];
  auto below = tensors.take_leaves();
  auto there = [&](const void *numbers, at::ScalarType type) {
    Tensor here = at::from_blob(const_cast<void *>(numbers), {masked.n_positions}, type);
    return here.to(model.device, at::kLong, false, /*copy*/ true);
  };
  Tensor states = hidden.index_select(0, there(masked.positions, at::kLong)), labels = there(masked.labels, at::kInt);
  Tensor sum = at::zeros({}, states.options().dtype(at::kDouble).requires_grad(false));
  std::vector<Tensor> d_states;
  for (int64_t start = 0; start < masked.n_positions; start += words_at_once) {
    int64_t count = std::min(words_at_once, masked.n_positions - start);
    Tensor part = states.detach().narrow(0, start, count).set_requires_grad(true);
    Tensor losses = word_losses(model, part, labels.narrow(0, start, count));
    auto leaves = tensors.take_leaves();
    d_states.push_back(tensors.backward(leaves, {losses}, {at::full_like(losses.detach(), masked.factor)}, {part})[0]);
    sum += losses.detach().sum(at::kDouble);
  }
  tensors.backward(below, {states}, {at::cat(d_states)});
  return sum.item<double>();
}
}  // namespace torch_encoder
