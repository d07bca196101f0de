// The head for masked words where the weights are: from hidden states of the masked tokens to the loss, and back, some
// positions at a time, so that the scores of all words for all of them are never there together.
// Letters: M masked positions, H hidden size, E width of embeddings, V words.
#pragma once
#include "device.h"
#include "tensors.h"
#include <torch/csrc/autograd/autograd.h>

namespace torch_encoder {

class MaskedHead {
public:
  explicit MaskedHead(const cse_encoder_source &s)
      : words(s.vocabulary), width(s.hidden), embedding(s.hidden), epsilon(s.norm_epsilon) {
    if (CSE_HAS(&s, cse_encoder_source, no_dropout) && s.embedding > 0) embedding = s.embedding;
    if (!CSE_HAS(&s, cse_encoder_source, masked_activation)) return;
    parts = s.masked_head;
    activation = s.masked_activation;
  }

  bool is_there() const { return (parts & CSE_MASKED_HEAD) != 0; }

  // Adds its tensors. Biases of words are numbers of the loss itself, so they are float32 as norms are.
  void declare(std::vector<Place> &all) const {
    if (!is_there()) return;
    all.push_back({WEIGHT, dense + ".weight", {embedding, width}, 0, embedding * width});
    if (parts & CSE_MASKED_DENSE_BIAS) all.push_back({BIAS, dense + ".bias", {embedding}, 0, embedding});
    all.push_back({NORM, norm + ".weight", {embedding}, 0, embedding});
    if (parts & CSE_MASKED_NORM_BIAS) all.push_back({NORM, norm + ".bias", {embedding}, 0, embedding});
    if (parts & CSE_MASKED_WORD_BIAS) all.push_back({NORM, word_bias, {words}, 0, words});
  }

  // The summed loss of `states` [M, H] with the words `labels` [M]. Adds `factor` times the gradients of the head's
  // tensors and of the table of words, and writes those of the states.
  double learn(Tensors &tensors, bool is_fast, const Tensor &states, const Tensor &labels, double factor,
               Tensor &d_states) const {
    Tensor sum = at::zeros({}, states.options().dtype(at::kDouble).requires_grad(false));
    std::vector<Tensor> d_parts;
    for (int64_t start = 0; start < states.size(0); start += at_once) {
      int64_t count = std::min(at_once, states.size(0) - start);
      Tensor part = states.detach().narrow(0, start, count).detach();
      part.set_requires_grad(true);
      tensors.drop_leaves();
      Tensor found = losses(tensors, is_fast, part, labels.narrow(0, start, count));
      auto leaves = tensors.take_leaves();
      std::vector<Tensor> inputs;
      for (auto &leaf : leaves) inputs.push_back(leaf.tensor);
      inputs.push_back(part);
      auto gradients = torch::autograd::grad({found}, inputs, {at::full_like(found.detach(), factor)});
      at::NoGradGuard guard;
      sum += found.detach().sum(at::kDouble);
      d_parts.push_back(gradients.back());
      gradients.pop_back();
      tensors.add_gradients(leaves, gradients);
    }
    d_states = at::cat(d_parts);
    return sum.item<double>();
  }

private:
  // The cross-entropy of each row, float32 [M].
  Tensor losses(Tensors &tensors, bool is_fast, const Tensor &states, const Tensor &labels) const {
    auto rounded = [&](const Tensor &x) { return is_fast ? x.to(at::kBFloat16) : x; };
    auto vector = [&](uint32_t part, const std::string &name, int64_t count) {
      return parts & part ? tensors.leaf(name, {count}) : Tensor();
    };
    Tensor bias = vector(CSE_MASKED_DENSE_BIAS, dense + ".bias", embedding);
    Tensor z = at::linear(rounded(states), tensors.leaf(dense + ".weight", {embedding, width}), bias);
    z = activation == CSE_RELU ? at::relu(z) : at::gelu(z, activation == CSE_GELU_TANH ? "tanh" : "none");
    z = at::layer_norm(z.to(at::kFloat), {embedding}, tensors.leaf(norm + ".weight", {embedding}),
                       vector(CSE_MASKED_NORM_BIAS, norm + ".bias", embedding), epsilon);
    Tensor table = tensors.leaf("embeddings.word_embeddings.weight", {words, embedding});
    Tensor scores = at::linear(rounded(z), rounded(table)).to(at::kFloat);
    Tensor of_words = vector(CSE_MASKED_WORD_BIAS, word_bias, words);
    if (of_words.defined()) scores = scores + of_words;
    return at::cross_entropy_loss(scores, labels, {}, at::Reduction::None);
  }

  // As many rows of scores of 30,522 words take 62 MB.
  static constexpr int64_t at_once = 512;
  const std::string dense = "cls.predictions.transform.dense", norm = "cls.predictions.transform.LayerNorm";
  const std::string word_bias = "cls.predictions.bias";
  int64_t words, width, embedding;
  double epsilon;
  uint32_t parts = 0, activation = CSE_GELU_ERF;
};
}  // namespace torch_encoder
