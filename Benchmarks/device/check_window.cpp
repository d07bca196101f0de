// Whether what looks at windows of attention when an encoder is opened (Plugins/TorchEncoder/window.h) tells right ones
// from wrong ones: kernels made of plain operations on processors take the place of flash attention. check.sh runs it.
#include "window.h"
#include <cstdio>

using namespace torch_encoder;

// Attention of each sequence in float32 with weights and result rounded to bf16, as kernels round them.
template <typename Unseen>
Tensor attention(const Tensor &q, const Tensor &k, const Tensor &v, const Tensor &offsets, Unseen unseen) {
  std::vector<Tensor> contexts;
  for (int i = 0; i < 2; i++) {
    int64_t start = offsets[i].item<int>(), length = offsets[i + 1].item<int>() - start;
    auto part = [&](const Tensor &x) {
      return x.narrow(0, start, length).unsqueeze(0).transpose(1, 2).to(at::kFloat);
    };
    Tensor hidden = unseen(length).view({1, 1, length, length});
    Tensor context = plain_attention(part(q), part(k), part(v), hidden, {}, [](const Tensor &weights) {
      return weights.to(at::kBFloat16).to(at::kFloat);
    });
    contexts.push_back(context[0].transpose(0, 1).to(at::kBFloat16));
  }
  return at::cat(contexts);
}

int main() {
  int failures = 0;
  for (int64_t reach : {0, 1, 8, 64, 512}) {
    auto expect = [&](const char *name, bool wanted, auto unseen) {
      using T = const Tensor &;
      auto kernel = [&](T q, T k, T v, T offsets, int64_t) { return attention(q, k, v, offsets, unseen); };
      bool found = window_agrees(at::kCPU, 32, reach, kernel);
      failures += found != wanted;
      const char *verdict = found == wanted ? "ok  " : "FAIL";
      printf("  %s reach %d, %s: %s\n", verdict, (int)reach, name, found ? "taken" : "refused");
    };
    auto far = [](int64_t length, int64_t reach) { return Input::far_cells(length, reach, at::kCPU); };
    expect("the window", true, [&](int64_t length) { return far(length, reach); });
    expect("one place more", false, [&](int64_t length) { return far(length, reach + 1); });
    expect("no window", false, [&](int64_t length) { return far(length, length); });
    if (reach == 0) continue;
    expect("one place less", false, [&](int64_t length) { return far(length, reach - 1); });
    expect("one side alone", false, [&](int64_t length) {
      return far(length, reach).logical_or(at::ones({length, length}).triu(1).to(at::kBool));
    });
  }
  bool has_kernel = window_works(at::kCPU, 32, 8);
  printf("  %s a device without the kernel is refused\n", has_kernel ? "FAIL" : "ok  ");
  return failures + has_kernel > 0;
}
