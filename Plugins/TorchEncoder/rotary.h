// The turns of queries and keys that stand for their places.
// Source: Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021; angles in float32 and their
// sines in double, as the host's own encoder has them.
#pragma once
#include "input.h"
#include <cmath>

namespace torch_encoder {

// Of each token of a pass [T, 1, 1, D / 2]: cosines and sines of its pairs' angles.
struct Turns {
  Tensor cosines, sines;
};

// Tables of turns by base, for as many places as were needed so far.
class Rotary {
public:
  Turns turns(double base, int64_t width, const Input &in) {
    Tensor &table = tables[base];
    if (!table.defined() || table.size(1) < in.longest) {
      int64_t places = 64;
      while (places < in.longest) places *= 2;
      table = made(base, width, places).to(in.ids.device());
    }
    Tensor own = table.index_select(1, in.positions).view({2, in.tokens, 1, 1, width / 2});
    return {own[0], own[1]};
  }

private:
  // [2, places, D / 2].
  static Tensor made(double base, int64_t width, int64_t places) {
    int64_t half = width / 2;
    std::vector<float> numbers((size_t)(2 * places * half));
    for (int64_t pair = 0; pair < half; pair++) {
      float frequency = 1 / (float)std::pow(base, (double)((float)(2 * pair) / (float)width));
      for (int64_t place = 0; place < places; place++) {
        double angle = (double)((float)place * frequency);
        numbers[(size_t)(place * half + pair)] = (float)std::cos(angle);
        numbers[(size_t)((places + place) * half + pair)] = (float)std::sin(angle);
      }
    }
    return at::tensor(numbers, at::kFloat).view({2, places, half});
  }

  std::map<double, Tensor> tables;
};

// Heads [T, n, A, D] turned: number i of a head makes a pair with number i + D / 2. In float32, whatever they are in.
inline Tensor turned(const Tensor &x, const Turns &by) {
  auto halves = x.to(at::kFloat).chunk(2, -1);
  Tensor first = halves[0] * by.cosines - halves[1] * by.sines, second = halves[1] * by.cosines + halves[0] * by.sines;
  return at::cat({first, second}, -1).to(x.scalar_type());
}
}  // namespace torch_encoder
