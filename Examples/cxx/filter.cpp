// A sampler in C++: takes likely false negatives out of the host's own block. It makes no vectors, so it has no
// gradient.
#include "cse_plugin.h"

#include <limits>

namespace {

cse_status plan(const cse_call *, const cse_limits *, cse_plan *plan) {
  plan->flags = CSE_EDIT_CELLS;
  return CSE_OK;
}

// Excludes (i, j) where the texts are equal, or where z2_j is closer to z1_i than z2_i is, by more than the margin.
cse_status sample(const cse_call *call, const cse_batch *batch, const cse_candidates *out) {
  const DLTensor *similarity = out->sim[0];
  const double margin = call->values[0].f;
  int64_t excluded = 0;
  for (int64_t i = 0; i < batch->rows; i++) {
    const float *cosines = similarity ? cse_row(similarity, i) : nullptr;
    float *bias = cse_row(out->bias[0], i);
    for (int64_t j = 0; j < batch->rows; j++) {
      if (i == j) continue;
      const bool is_equal = batch->text_ids[i] == batch->text_ids[j];
      if (!is_equal && !(cosines && cosines[j] > cosines[i] + margin)) continue;
      bias[j] += -std::numeric_limits<float>::infinity();
      excluded++;
    }
  }
  const int64_t cells = batch->rows * (batch->rows - 1);
  call->metrics[0] = cells ? static_cast<double>(excluded) / static_cast<double>(cells) : 0;
  return CSE_OK;
}

constexpr cse_component describe() {
  cse_component c{};
  c.struct_size = sizeof c;
  c.kind = CSE_SAMPLER;
  c.name = "filter";
  c.doc = "excludes in-batch negatives of equal text, or closer to the anchor than its positive by a margin";
  c.params = "margin: float = 0.05 live -- how much closer, in cosine\n";
  c.metrics = "share";
  c.plan = plan;
  c.sample = sample;
  return c;
}
constexpr cse_component component = describe();

}  // namespace

CSE_LIBRARY("org.example.filter", "1.0.0", "MIT", nullptr, &component)
