// What every pass is made of: an encoder's tensors and device, and maps and norms by their names.
#pragma once
#include "dropped.h"
#include "window.h"

namespace torch_encoder {

struct Parts {
  Parts(const Shape &shape, const Opened &opened, uint64_t seed)
      : s(shape), device(opened.device), is_fast(opened.is_fast),
        is_packed(opened.is_packed && shape.distance_buckets == 0), has_flash(opened.has_flash),
        has_window(is_packed && has_flash && s.has_local() && window_works(device, s.head_width(), s.reach)),
        seed(seed), tensors(places_of(shape), device, is_fast) {}

  const Shape s;
  const at::Device device;
  // Fused attention without padding, the kernel for long sequences, and for local layers: what this device has.
  const bool is_fast, is_packed, has_flash, has_window;
  const uint64_t seed;
  Tensors tensors;

  // What a product reads: rounded in the fast mode, where the stream of hidden states stays float32.
  Tensor rounded(const Tensor &x) const { return is_fast ? x.to(at::kBFloat16) : x; }

  // A tensor of that name and shape; not defined where the encoder has none.
  Tensor optional(const std::string &name, at::IntArrayRef shape) {
    return tensors.has(name) ? tensors.leaf(name, shape) : Tensor();
  }
  Tensor linear(const Tensor &x, const std::string &name, int64_t out, int64_t in) {
    return at::linear(x, tensors.leaf(name + ".weight", {out, in}), optional(name + ".bias", {out}));
  }
  Tensor norm(const Tensor &x, const std::string &name) {
    int64_t width = x.size(1);
    return at::layer_norm(x, {width}, tensors.leaf(name + ".weight", {width}), optional(name + ".bias", {width}),
                          s.epsilon);
  }
  Tensor activated(const Tensor &x) const { return activated(x, s.activation); }
  static Tensor activated(const Tensor &x, uint32_t kind) {
    return kind == CSE_RELU ? at::relu(x) : at::gelu(x, kind == CSE_GELU_TANH ? "tanh" : "none");
  }
};
}  // namespace torch_encoder
