// A pass of masked language modelling, forward and backward at once: the model, and above it its head for masked words.
#pragma once
#include "masked.h"
#include "model.h"

namespace torch_encoder {

// The summed loss of the masked positions; adds `factor` times its gradients to those of all tensors.
inline double learn_words(Model &model, const cse_pass &pass, const cse_masked &masked) {
  const MaskedHead &head = model.s.masked;
  if (!head.is_there()) throw Refusal{"expected an encoder opened with a head for masked words, found none"};
  at::AutoGradMode mode(true);
  Tensors &tensors = model.tensors;
  tensors.drop_leaves();
  int32_t top = (int32_t)model.s.layers;
  cse_pass whole = pass;
  (whole.layers = &top, whole.n_layers = 1, whole.rows = CSE_ROWS_ALL);
  Tensor hidden = model.forward(whole)[0];
  auto leaves = tensors.take_leaves();
  auto there = [&](const void *numbers, at::ScalarType type) {
    Tensor here = at::from_blob(const_cast<void *>(numbers), {masked.n_positions}, type);
    return here.to(model.device, at::kLong, false, /*copy*/ true);
  };
  Tensor states = hidden.index_select(0, there(masked.positions, at::kLong)), d_states;
  double loss = head.learn(tensors, model.is_fast, states, there(masked.labels, at::kInt), masked.factor, d_states);
  std::vector<Tensor> inputs;
  for (auto &leaf : leaves) inputs.push_back(leaf.tensor);
  auto gradients = torch::autograd::grad({states}, inputs, {d_states}, false, false, /*allow_unused*/ true);
  at::NoGradGuard guard;
  tensors.add_gradients(leaves, gradients);
  return loss;
}
}  // namespace torch_encoder
