// The tensors of an encoder on its device: all weights in one buffer, gradients and moments in three more, so that
// casts, sums, the optimiser's step and clearing are one operation each.
#pragma once
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <cse_encoder.h>
#include <algorithm>
#include <map>
#include <string>
#include <torch/csrc/autograd/autograd.h>
#include <utility>
#include <vector>

namespace torch_encoder {
using at::Tensor;

// Tables and norms are computed with as float32 in every precision; weights and biases of products as these are made.
// What attention adds for distances counts as a norm: its name says bias, so it does not decay.
enum Kind { TABLE,
            WEIGHT,
            BIAS,
            NORM };

// A tensor by its place in the buffers.
struct Place {
  Kind kind;
  std::string name;
  std::vector<int64_t> shape;
  int64_t start, count;
};

class Tensors {
public:
  // Kind by kind, which puts what no weight decay applies to behind the rest; within each in the order given.
  Tensors(std::vector<Place> wanted, at::Device device, bool halves) : places(std::move(wanted)) {
    int64_t at = 0;
    for (Kind kind : {TABLE, WEIGHT, BIAS, NORM}) {
      for (Place &place : places) {
        if (place.kind != kind) continue;
        place.start = at;
        at += place.count;
      }
      if (kind == WEIGHT) decayed = at;
    }
    auto options = at::TensorOptions().dtype(at::kFloat).device(device);
    for (Tensor &part : parts) part = at::zeros({at}, options);
    if (halves) computed = at::zeros({at}, options.dtype(at::kBFloat16));
    steps = at::zeros({}, options);
    for (size_t i = 0; i < places.size(); i++) index[places[i].name] = i;
  }

  // Tensor `i` of the values, gradients or moments.
  Tensor part(size_t i, int what) const { return view(parts[what], places[i], places[i].shape); }

  bool has(const std::string &name) const { return index.count(name) != 0; }

  // What a pass computes with: neighbours from `name` on as one tensor of `shape`, a leaf of its graph.
  Tensor leaf(const std::string &name, at::IntArrayRef shape) {
    int64_t count = 1;
    for (int64_t n : shape) count *= n;
    auto known = made.find({name, count});
    if (known == made.end()) known = made.emplace(std::make_pair(name, count), make_leaf(name, count, shape)).first;
    const Leaf &leaf = known->second;
    // Layers may share their weights, whose gradient is one sum.
    auto is_same = [&](const Leaf &other) { return other.start == leaf.start && other.count == leaf.count; };
    if (at::GradMode::is_enabled() && std::none_of(leaves.begin(), leaves.end(), is_same)) leaves.push_back(leaf);
    return leaf.tensor;
  }

  // A leaf of a pass with its place in the buffers.
  struct Leaf {
    int64_t start, count;
    Tensor tensor;
  };

private:
  Leaf make_leaf(const std::string &name, int64_t count, at::IntArrayRef shape) {
    const Place &first = places[index.at(name)];
    bool is_product = first.kind == WEIGHT || first.kind == BIAS;
    const Tensor &from = is_product && computed.defined() ? computed : parts[CSE_WEIGHT];
    Tensor t = from.detach().narrow(0, first.start, count).view(shape);
    t.set_requires_grad(true);
    return {first.start, count, t};
  }

public:
  // Rounds the weights anew where they moved since.
  void refresh() {
    if (computed.defined() && is_stale) computed.copy_(parts[CSE_WEIGHT]);
    is_stale = false;
  }

  // The leaves of the pass since the last drop.
  std::vector<Leaf> take_leaves() { return std::exchange(leaves, {}); }
  void drop_leaves() { leaves.clear(); }

private:
  // Adds the gradients of the leaves of a pass; undefined ones are zero. Gaps between leaves are not touched.
  void add_gradients(std::vector<Leaf> &of, std::vector<Tensor> &found) {
    std::vector<size_t> order(of.size());
    for (size_t i = 0; i < order.size(); i++) order[i] = i;
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return of[a].start < of[b].start; });
    Tensor &all = parts[CSE_GRADIENT];
    // Neighbours are added in one operation.
    for (size_t at = 0; at < order.size();) {
      int64_t start = of[order[at]].start, end = start;
      std::vector<Tensor> run;
      for (; at < order.size() && of[order[at]].start == end && found[order[at]].defined(); at++) {
        if (!run.empty() && found[order[at]].scalar_type() != run[0].scalar_type()) break;
        run.push_back(found[order[at]].reshape({-1}));
        end += of[order[at]].count;
        found[order[at]].reset();
      }
      if (run.empty()) {
        at++;
        continue;
      }
      all.narrow(0, start, end - start).add_(run.size() == 1 ? run[0] : at::cat(run));
    }
  }

public:
  // Backward of a pass: adds what gradients `upstream` of its outputs cause in the leaves `of`, and returns those of
  // `others`, of which the outputs are made, too.
  std::vector<Tensor> backward(std::vector<Leaf> &of, const std::vector<Tensor> &outputs,
                               const std::vector<Tensor> &upstream, const std::vector<Tensor> &others = {}) {
    std::vector<Tensor> inputs;
    for (auto &leaf : of) inputs.push_back(leaf.tensor);
    inputs.insert(inputs.end(), others.begin(), others.end());
    if (inputs.empty()) return {};
    auto found = torch::autograd::grad(outputs, inputs, upstream, false, false, /*allow_unused*/ true);
    std::vector<Tensor> rest(found.begin() + (int64_t)of.size(), found.end());
    found.resize(of.size());
    at::NoGradGuard guard;
    add_gradients(of, found);
    return rest;
  }

  void step(const cse_adamw &s) {
    steps.fill_((double)s.step);
    Tensor &gradients = parts[CSE_GRADIENT];
    if (s.gradient_scale != 1) gradients.mul_(s.gradient_scale);
    int64_t all = gradients.size(0);
    for (bool matrices : {true, false}) {
      int64_t start = matrices ? 0 : decayed, count = matrices ? decayed : all - decayed;
      if (count == 0) continue;
      auto cut = [&](int what) { return std::vector<Tensor>{parts[what].narrow(0, start, count)}; };
      at::_fused_adamw_(cut(CSE_WEIGHT), cut(CSE_GRADIENT), cut(CSE_MOMENT1), cut(CSE_MOMENT2), {}, {steps},
                        s.learning_rate, s.beta1, s.beta2, matrices ? s.weight_decay : 0.0, s.epsilon, false, false);
    }
    gradients.zero_();
    is_stale = true;
  }

  void touch() { is_stale = true; }
  // Norms of stretches in float32, their squares added in double: no copy of all gradients in double is made.
  double squared_gradients() const {
    const Tensor &all = parts[CSE_GRADIENT];
    const int64_t stretch = 1 << 16, rows = all.size(0) / stretch, whole = rows * stretch;
    auto squared = [](const Tensor &x) {
      return at::linalg_vector_norm(x, 2, at::IntArrayRef{1}).to(at::kDouble).square().sum();
    };
    Tensor sum = squared(all.narrow(0, whole, all.size(0) - whole).view({1, -1}));
    if (rows > 0) sum = sum + squared(all.narrow(0, 0, whole).view({rows, stretch}));
    return sum.item<double>();
  }
  void clear_gradients() { parts[CSE_GRADIENT].zero_(); }
  // All of them, one after the other.
  const Tensor &gradients() const { return parts[CSE_GRADIENT]; }

  std::vector<Place> places;

private:
  static Tensor view(const Tensor &of, const Place &place, const std::vector<int64_t> &shape) {
    return of.narrow(0, place.start, place.count).view(shape);
  }
  Tensor parts[4], computed, steps;
  int64_t decayed = 0;
  bool is_stale = true;
  std::map<std::string, size_t> index;
  std::map<std::pair<std::string, int64_t>, Leaf> made;
  std::vector<Leaf> leaves;
};
}  // namespace torch_encoder
