// A pass as the device reads it: token ids, places, and where each token lies in the packed and in the padded form.
// Letters: T tokens, S sequences, L the longest.
#pragma once
#include "shape.h"

namespace torch_encoder {

// A pass with what the device needs of it.
struct Input {
  int64_t sequences, tokens, longest = 0;
  bool is_first_only;
  Tensor ids, positions, starts, offsets;  // [T], [T], [S], [S + 1], all int64
  Tensor narrow_offsets, query_offsets;    // int32: of tokens, of one query each
  Tensor rows, first_rows;                 // numbers of tokens [T], [S]: what dropout is keyed by
  Tensor cells, is_token;                  // padded: where each token lies in [S L], which cells hold one [S, 1, 1, L]
  Tensor no_token, unseen;                 // the others, and with them what is too far from a query [S, 1, L, L]

  Input(const cse_pass &p, const Shape &shape, at::Device device)
      : sequences(p.n_seqs), tokens(p.n_tokens), device(device) {
    is_first_only = p.rows == CSE_ROWS_FIRST;
    const int64_t *numbers = p.first_rows ? p.first_rows : p.offsets;
    for (int64_t s = 0; s < sequences; s++) longest = std::max(longest, p.offsets[s + 1] - p.offsets[s]);
    // One array, one copy: ids, positions, rows, cells [T each], offsets [S + 1], first rows [S].
    std::vector<int64_t> all(4 * tokens + 2 * sequences + 1);
    int64_t *at = all.data();
    for (int64_t s = 0; s < sequences; s++) {
      int64_t next = shape.first_position;
      for (int64_t i = p.offsets[s], k = 0; i < p.offsets[s + 1]; i++, k++) {
        at[i] = p.token_ids[i];
        // RoBERTa's padding token has the row before the first and moves no other, also where a text holds it.
        bool uncounted = shape.first_position > 0 && p.token_ids[i] == shape.first_position - 1;
        at[tokens + i] = uncounted ? shape.first_position - 1 : next++;
        at[2 * tokens + i] = numbers[s] + k;
        at[3 * tokens + i] = s * longest + k;
      }
      at[4 * tokens + s] = p.offsets[s];
      at[4 * tokens + sequences + 1 + s] = numbers[s];
    }
    at[4 * tokens + sequences] = tokens;
    Tensor there = at::tensor(all, at::kLong).to(device);
    auto part = [&](int64_t start, int64_t count) { return there.narrow(0, start, count); };
    ids = part(0, tokens);
    positions = part(tokens, tokens);
    rows = part(2 * tokens, tokens);
    cells = part(3 * tokens, tokens);
    offsets = part(4 * tokens, sequences + 1);
    starts = part(4 * tokens, sequences);
    first_rows = part(4 * tokens + sequences + 1, sequences);
  }

  // What only the packed or only the padded attention reads. `reach`: how many places away a token still sees another,
  // where that is to be said; below 0: not.
  void prepare(bool is_packed, bool is_padded, int64_t reach) {
    if (is_packed) {
      narrow_offsets = offsets.to(at::kInt);
      query_offsets = at::arange(sequences + 1, narrow_offsets.options());
    }
    if (!is_padded) return;
    Tensor lengths = offsets.narrow(0, 1, sequences) - starts;
    is_token = at::arange(longest, ids.options()).lt(lengths.unsqueeze(1)).view({sequences, 1, 1, longest});
    no_token = is_token.logical_not();
    // Cells without a token see all the same, or their weights would be no numbers and spread in backward.
    if (reach < 0) return;
    unseen = no_token.logical_or(far_cells(longest, reach, device).logical_and(is_token.transpose(2, 3)));
  }

  // Which keys [L] are more than `reach` places from a query [L].
  static Tensor far_cells(int64_t length, int64_t reach, at::Device device) {
    Tensor places = at::arange(length, at::TensorOptions().dtype(at::kLong).device(device));
    return (places.unsqueeze(1) - places).abs().gt(reach);
  }

private:
  at::Device device;
};
}  // namespace torch_encoder
