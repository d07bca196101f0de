// The dropout of one pass: the host's masks where numbers are exact, else the device's own, seeded anew.
#pragma once
#include "dropout.h"
#include "input.h"
#include <mutex>

namespace torch_encoder {

// Where layers drop hidden states. Masks are the host's by the names of their streams (Documentation/Devices.md).
enum Site { ATTENTION_OUTPUT = 0,
            ACTIVATIONS = 1,
            OUTPUT = 2 };

class Dropped {
public:
  Dropped(const Shape &s, bool is_fast, uint64_t seed, at::Device device, const cse_pass &p, const Input &in)
      : s(s), in(in), is_fast(is_fast), seed(seed), batch(p.batch), hidden(p.hidden_dropout),
        attention(p.attention_dropout) {
    auto behind = [&](uint32_t block) { return (s.no_dropout & block) == 0 ? hidden : 0; };
    sites[ATTENTION_OUTPUT] = {"attention.output", s.is_modern ? attention : behind(CSE_ATTENTION_OUTPUT), s.hidden};
    sites[ACTIVATIONS] = {"activations", s.is_modern ? hidden : 0, s.intermediate};
    sites[OUTPUT] = {"output", behind(CSE_FEED_FORWARD), s.hidden};
    if (!is_fast || (hidden == 0 && attention == 0)) return;
    // A pass draws from its own seed alone: it can be repeated, and chunks of a batch differ.
    auto generator = at::globalContext().defaultGenerator(device);
    std::lock_guard<std::mutex> lock(generator.mutex());
    uint64_t first = (uint64_t)(p.first_rows ? p.first_rows[0] : 0);
    generator.set_current_seed(mixed(mixed(mixed(seed) ^ batch) ^ first));
  }

  Tensor embeddings(const Tensor &x) {
    if (hidden == 0) return x;
    if (is_fast) return at::dropout(x, hidden, true);
    Rate rate(hidden);
    uint64_t key = stream_key(seed, "encoder.embeddings.dropout");
    return scaled(x, kept_features({key}, batch, rate, in.rows, s.embedding)[0], rate);
  }

  // Of a layer (from 1).
  Tensor states(const Tensor &x, int64_t layer, Site site, bool only_first) {
    Masks &masks = sites[site];
    if (masks.rate == 0) return x;
    if (is_fast) return at::dropout(x, masks.rate, true);
    Rate rate(masks.rate);
    if (only_first) {
      auto kept = kept_features(keys(masks, layer, layer + 1), batch, rate, in.first_rows, masks.width);
      return scaled(x, kept[0], rate);
    }
    if (layer >= masks.until) make(masks, layer, rate);
    return scaled(x, masks.kept[layer - masks.from], rate);
  }

  // Factors of attention weights, undefined where there is no dropout.
  Tensor weights(int64_t layer, bool only_first, int64_t heads) {
    if (attention == 0) return {};
    Rate rate(attention);
    uint64_t key = stream_key(seed, root(layer) + "attention.probabilities");
    int64_t asking = only_first ? 1 : in.longest;
    Tensor rows = in.first_rows.unsqueeze(1) + at::arange(asking, in.first_rows.options());
    Tensor kept = kept_weights({key}, batch, rate, rows, heads, in.longest)[0];
    return kept.to(at::kFloat).mul_(rate.scale);
  }

  double attention_rate() const { return attention; }

private:
  // Of a site: the stream's name within a layer, and masks of the layers from `from` until `until`.
  struct Masks {
    const char *stream;
    double rate;
    int64_t width;
    Tensor kept = {};
    int64_t from = 0, until = 0;
  };

  static std::string root(int64_t layer) { return "encoder.layer." + std::to_string(layer - 1) + "."; }
  static Tensor scaled(const Tensor &x, const Tensor &kept, const Rate &rate) {
    return x * kept.to(at::kFloat).mul_(rate.scale);
  }
  std::vector<uint64_t> keys(const Masks &masks, int64_t from, int64_t until) const {
    std::vector<uint64_t> all;
    for (int64_t layer = from; layer < until; layer++) all.push_back(stream_key(seed, root(layer) + masks.stream));
    return all;
  }
  // Masks of as many layers at once as fit into some 64 MiB a word: many small operations take long on a GPU.
  void make(Masks &masks, int64_t layer, const Rate &rate) {
    int64_t words = in.tokens * ((masks.width + 127) / 128) * 16;
    int64_t count = std::min(s.layers - layer + 1, std::max<int64_t>(1, (int64_t)(8 << 20) / words));
    (masks.from = layer, masks.until = layer + count);
    masks.kept = kept_features(keys(masks, masks.from, masks.until), batch, rate, in.rows, masks.width);
  }

  const Shape &s;
  const Input &in;
  const bool is_fast;
  const uint64_t seed, batch;
  const double hidden, attention;
  Masks sites[3];
};
}  // namespace torch_encoder
