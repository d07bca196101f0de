// hnswlib's graph, filled in an order that does not depend on threads. hnswlib links one row after the other, and what
// it finds for a row depends on which rows other threads have linked by then; here rows come in batches. Each row of a
// batch looks for neighbours in the graph as it was before the batch, and among the rows of the batch before it; then
// all are linked, each list by one thread.
// Source: Malkov and Yashunin, Efficient and robust approximate nearest neighbor search using hierarchical navigable
// small world graphs (2016), algorithms 1, 2, 4 and 5.
#pragma once
#include "cse_graph.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <limits>
#include <mutex>
#include <new>
#include <tuple>
#include <vector>

#include <hnswlib/hnswlib.h>

namespace hnsw_graph {

using Row = hnswlib::tableint;
using Links = hnswlib::HierarchicalNSW<float>;
using Neighbour = std::pair<float, Row>;
// The farthest is on top.
using Nearest = std::priority_queue<Neighbour, std::vector<Neighbour>, Links::CompareByFirst>;

class Space final : public hnswlib::SpaceInterface<float> {
public:
  explicit Space(const cse_graph_space &host) : host(host) {}
  size_t get_data_size() override { return size_t(host.element_bytes); }
  hnswlib::DISTFUNC<float> get_dist_func() override { return host.distance; }
  void *get_dist_func_param() override { return const_cast<void *>(host.context); }

private:
  cse_graph_space host;
};

// How rows of a batch become known to a row that was there, or to one before it in the batch.
struct BackLink {
  int level;
  Row target, source;
  float distance;
};

}  // namespace hnsw_graph

struct cse_graph {
  using Row = hnsw_graph::Row;

  cse_graph(const cse_graph_space &host, int64_t capacity, int links, int build_width)
      : space(host), graph(&space, size_t(std::max<int64_t>(capacity, 1)), size_t(links), size_t(build_width)) {}

  void append(const char *elements, int64_t count, const cse_graph_threads &threads);
  void restore(const char *elements, int64_t count, const uint32_t *lists);
  int64_t lists(Row first, int64_t count, uint32_t *out) const;

  hnsw_graph::Space space;
  hnsw_graph::Links graph;

private:
  // The links of a new row, level by level, the farthest first.
  using Chosen = std::vector<std::vector<hnsw_graph::Neighbour>>;
  // Enough that threads have work. The rows of a batch are compared with each other one by one, a small share of the
  // work then.
  static constexpr int64_t largest_batch = 512;

  int level_of(Row row) const;
  void place(Row row, const char *element, int level);
  void raise(Row row);
  void append_batch(Row first, int64_t count, const cse_graph_threads &threads);
  void choose(Row row, Row first, Chosen &chosen);
  Row descend(const void *element, int level) const;
  void link_back(const hnsw_graph::BackLink *links, size_t count);
  void set(Row row, int level, const std::vector<hnsw_graph::Neighbour> &links);
  float distance(const void *element, Row row) const {
    return graph.fstdistfunc_(element, graph.getDataByInternalId(row), graph.dist_func_param_);
  }
};
