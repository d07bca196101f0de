// Whether flash attention with a window computes, forward and backward, what a mask on all scores does: asked once,
// when an encoder with local layers is opened, since kernels of other devices and versions were not all tried.
#pragma once
#include "attention.h"
#include "input.h"
#include <torch/csrc/autograd/autograd.h>

namespace torch_encoder {

// `kernel` makes the context [T, 2, D] of packed queries, keys and values of that shape, bf16, and of the offsets of
// two sequences, of which the longer one is longer than the window by more than a block of keys; it may throw torch's
// errors.
template <typename Kernel>
bool window_agrees(at::Device device, int64_t width, int64_t reach, Kernel kernel) {
  const int64_t longest = 2 * reach + 150, ends[3] = {0, longest, longest + reach / 2 + 3}, all = ends[2];
  at::AutoGradMode mode(true);
  auto options = at::TensorOptions().dtype(at::kFloat).device(device);
  auto numbers = [&](double step) {
    return at::arange(all * 2 * width, options).mul_(step).sin_().view({all, 2, width}).to(at::kBFloat16);
  };
  auto learning = [](Tensor x) { return x.set_requires_grad(true); };
  // Steps that share no period; queries are large enough for weights to differ.
  std::vector<Tensor> given = {numbers(0.7131) * 3, numbers(1.3717), numbers(2.1173)};
  Tensor upstream = numbers(0.5379);
  // bf16 leaves up to 0.06 between them, a window that is wider or narrower by one place some 1: means over many
  // numbers of both signs are small. A part that is zero is compared with what is small beside the upstream.
  auto agree = [](const Tensor &a, const Tensor &b) {
    double scale = b.norm().template item<double>() + 1e-3 * std::sqrt((double)b.numel());
    return (a.to(at::kFloat) - b).norm().template item<double>() < 0.15 * scale;
  };
  try {
    std::vector<Tensor> leaves;
    for (const Tensor &x : given) leaves.push_back(learning(x.detach().clone()));
    Tensor offsets = at::tensor({ends[0], ends[1], ends[2]}, at::kInt).to(device);
    Tensor found = kernel(leaves[0], leaves[1], leaves[2], offsets, longest);
    auto gradients = torch::autograd::grad({found}, leaves, {upstream});
    for (int i = 0; i < 2; i++) {
      int64_t start = ends[i], length = ends[i + 1] - start;
      std::vector<Tensor> x, own;
      for (const Tensor &t : given) own.push_back(learning(t.narrow(0, start, length).to(at::kFloat)));
      for (const Tensor &t : own) x.push_back(t.unsqueeze(0).transpose(1, 2));
      Tensor unseen = Input::far_cells(length, reach, device).view({1, 1, length, length});
      Tensor wanted = plain_attention(x[0], x[1], x[2], unseen, {}, [](Tensor w) { return w; })[0].transpose(0, 1);
      if (!agree(found.detach().narrow(0, start, length), wanted.detach())) return false;
      auto truth = torch::autograd::grad({wanted}, own, {upstream.narrow(0, start, length).to(at::kFloat)});
      for (int j = 0; j < 3; j++)
        if (!agree(gradients[j].narrow(0, start, length), truth[j])) return false;
    }
    return true;
  } catch (const c10::Error &) {
    return false;
  }
}

// Whether flash attention's does.
inline bool window_works(at::Device device, int64_t width, int64_t reach) {
  // A window of any size is the same code; a very wide one would take memory for its scores.
  reach = std::min<int64_t>(reach, 512);
  return window_agrees(device, width, reach,
                       [&](const Tensor &q, const Tensor &k, const Tensor &v, const Tensor &offsets, int64_t longest) {
                         return LongAttention::apply(q, k, v, offsets, offsets, longest, longest, 0.0, reach);
                       });
}
}  // namespace torch_encoder
