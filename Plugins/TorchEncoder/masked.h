// The head for masked words, as the host describes it, and its tensors. What it computes: masked_pass.h.
// Letters: H hidden size, E width of embeddings.
#pragma once
#include "device.h"
#include "tensors.h"

namespace torch_encoder {

struct MaskedHead {
  int64_t words, width, embedding;
  uint32_t parts = 0, activation = CSE_GELU_ERF;
  const std::string dense = "cls.predictions.transform.dense", norm = "cls.predictions.transform.LayerNorm";
  const std::string word_bias = "cls.predictions.bias";

  explicit MaskedHead(const cse_encoder_source &s)
      : words(s.vocabulary), width(s.hidden), embedding(s.hidden) {
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
};
}  // namespace torch_encoder
