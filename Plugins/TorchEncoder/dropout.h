// The host's dropout masks, made on the device by tensor operations: Philox4x32-10 in 64-bit integers, many streams at
// once. Which half word decides which cell is said in Documentation/Devices.md; the host's own are Sources/CKernels.
#pragma once
#include <ATen/ATen.h>
#include <cmath>
#include <string>
#include <vector>

namespace torch_encoder {
using at::Tensor;

// The finaliser of SplitMix64, as RandomStream's.
inline uint64_t mixed(uint64_t value) {
  uint64_t z = value + 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

// The key of the stream `name` under a seed.
inline uint64_t stream_key(uint64_t seed, const std::string &name) {
  uint64_t hash = 0xcbf29ce484222325ull;  // FNV-1a
  for (unsigned char byte : name) hash = (hash ^ byte) * 0x100000001b3ull;
  return mixed(mixed(seed) ^ hash);
}

// A probability as sixteen bits decide it; kept numbers are multiplied by `scale`.
struct Rate {
  int64_t threshold;
  double scale;
  explicit Rate(double rate) {
    threshold = std::min<int64_t>(std::max<int64_t>((int64_t)std::lroundf((float)rate * 65536.f), 0), 65535);
    scale = (double)(65536.f / (float)(65536 - threshold));
  }
};

// Words of Philox4x32-10 for counters c0, c1 (of one shape together) under keys [n, 1, ...], n streams at once; the
// step fills the upper two counter words. Returns the eight half words in the order low, high of word 0, 1, 2, 3.
inline std::vector<Tensor> half_words(const Tensor &c0, const Tensor &c1, uint64_t step,
                                      const std::vector<uint64_t> &keys) {
  const int64_t low_word = 0xffffffff;
  std::vector<int64_t> shape(c0.dim() + 1, 1), first(keys.size()), second(keys.size());
  shape[0] = (int64_t)keys.size();
  for (size_t i = 0; i < keys.size(); i++) {
    first[i] = (int64_t)(keys[i] & 0xffffffff);
    second[i] = (int64_t)(keys[i] >> 32);
  }
  auto there = [&](std::vector<int64_t> &v) { return at::tensor(v, at::kLong).view(shape).to(c0.device()); };
  Tensor k0 = there(first), k1 = there(second);
  // Steps wrap around in the signed type as they would in the unsigned one; shifts are masked.
  Tensor a = c0, b = c1, c = at::full({}, (int64_t)(step & 0xffffffff), c0.options());
  Tensor d = at::full({}, (int64_t)(step >> 32), c0.options());
  for (int round = 0; round < 10; round++) {
    Tensor p = a * (int64_t)0xD2511F53, q = c * (int64_t)0xCD9E8D57;
    Tensor high_p = p.__rshift__(32).bitwise_and_(low_word), high_q = q.__rshift__(32).bitwise_and_(low_word);
    Tensor next_a = high_q.bitwise_xor(b).bitwise_xor(k0), next_c = high_p.bitwise_xor(d).bitwise_xor(k1);
    b = q.bitwise_and_(low_word);
    d = p.bitwise_and_(low_word);
    a = next_a;
    c = next_c;
    k0 = (k0 + (int64_t)0x9E3779B9).bitwise_and_(low_word);
    k1 = (k1 + (int64_t)0xBB67AE85).bitwise_and_(low_word);
  }
  std::vector<Tensor> halves;
  for (const Tensor &word : at::broadcast_tensors({a, b, c, d})) {
    halves.push_back(word.bitwise_and(0xffff));
    halves.push_back(word.__rshift__(16));
  }
  return halves;
}

// Which numbers of hidden states stay, bool [streams, rows, width]. Feature 128 g + 16 w + l is decided by half word w
// of block 16 g + l. `rows` [R]: numbers of the tokens.
inline Tensor kept_features(const std::vector<uint64_t> &keys, uint64_t step, const Rate &rate, const Tensor &rows,
                            int64_t width) {
  int64_t groups = (width + 127) / 128, n = (int64_t)keys.size(), count = rows.size(0);
  Tensor blocks = at::arange(groups * 16, rows.options()).view({1, groups * 16}).expand({count, groups * 16});
  auto halves = half_words(blocks, rows.view({count, 1}).expand({count, groups * 16}), step, keys);
  for (Tensor &half : halves) half = half.ge(rate.threshold).view({n, count, groups, 1, 16});
  return at::cat(halves, 3).view({n, count, groups * 128}).slice(2, 0, width);
}

// Which attention weights stay, bool [streams, S, heads, Q, L]. Key 8 b + w is decided by half word w of the block of
// head << 16 | b. `rows` [S, Q]: numbers of the tokens that ask.
inline Tensor kept_weights(const std::vector<uint64_t> &keys, uint64_t step, const Rate &rate, const Tensor &rows,
                           int64_t heads, int64_t length) {
  int64_t blocks = (length + 7) / 8, n = (int64_t)keys.size(), s = rows.size(0), q = rows.size(1);
  Tensor head = at::arange(heads, rows.options()).__lshift__(16).view({1, heads, 1, 1});
  Tensor block = at::arange(blocks, rows.options()).view({1, 1, 1, blocks});
  auto halves = half_words((head + block).expand({s, heads, q, blocks}),
                           rows.view({s, 1, q, 1}).expand({s, heads, q, blocks}), step, keys);
  for (Tensor &half : halves) half = half.ge(rate.threshold).unsqueeze(-1);
  return at::cat(halves, -1).view({n, s, heads, q, blocks * 8}).slice(4, 0, length);
}
}  // namespace torch_encoder
