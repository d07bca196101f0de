// The functions of cse_graph.h over hnswlib. Compiled against the hnswlib of the user's machine (`mixcse index
// library`), loaded by `mixcse index` and `mixcse search --approximate`. Uses members that hnswlib 0.6 to 0.8 have.

#include "graph.h"

using namespace hnsw_graph;

// Calls a function for each index; a failure for want of memory in any of them is one of this call.
template <typename Body>
static void in_parallel(const cse_graph_threads &threads, size_t count, Body body) {
  struct Call {
    Body *body;
    std::atomic<bool> failed;
  } call{&body, {false}};
  auto run = [](void *argument, int64_t index) {
    Call &call = *static_cast<Call *>(argument);
    try {
      (*call.body)(size_t(index));
    } catch (...) { call.failed = true; }
  };
  threads.run(threads.pool, int64_t(count), run, &call);
  if (call.failed) throw std::bad_alloc();
}

// MARK: Rows

// Drawn from the row's number alone: a row is of level l or higher with chance M^-l. The mixing is that of SplitMix64;
// divisions, which are the same bits everywhere, stand in place of a logarithm.
int cse_graph::level_of(Row row) const {
  uint64_t z = (uint64_t(row) + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  const double u = double((z >> 11) + 1) * 0x1p-53;
  int level = 0;
  for (double chance = 1.0 / double(graph.M_); u <= chance; chance /= double(graph.M_)) level++;
  return level;
}

// A row without links.
void cse_graph::place(Row row, const char *element, int level) {
  memset(graph.data_level0_memory_ + row * graph.size_data_per_element_, 0, graph.size_data_per_element_);
  memcpy(graph.getDataByInternalId(row), element, graph.data_size_);
  graph.setExternalLabel(row, row);
  if (level > 0) {
    // hnswlib reads one number behind a list, to fetch what it does not use.
    char *lists = static_cast<char *>(calloc(1, graph.size_links_per_element_ * size_t(level) + sizeof(Row)));
    if (!lists) throw std::bad_alloc();
    graph.linkLists_[row] = lists;
  }
  graph.element_levels_[row] = level;
  graph.cur_element_count = row + 1;
}

// The search begins at the first row of the highest level.
void cse_graph::raise(Row row) {
  if (graph.element_levels_[row] <= graph.maxlevel_) return;
  graph.maxlevel_ = graph.element_levels_[row];
  graph.enterpoint_node_ = row;
}

void cse_graph::set(Row row, int level, const std::vector<Neighbour> &links) {
  auto *list = graph.get_linklist_at_level(row, level);
  graph.setListCount(list, static_cast<unsigned short>(links.size()));
  for (size_t i = 0; i < links.size(); i++) list[1 + i] = links[i].second;
}

// MARK: Linking

void cse_graph::append(const char *elements, int64_t count, const cse_graph_threads &threads) {
  for (int64_t done = 0; done < count;) {
    const Row first = Row(size_t(graph.cur_element_count));
    const int64_t size = std::min({count - done, largest_batch, std::max<int64_t>(first, 1)});
    for (int64_t i = 0; i < size; i++) {
      const Row row = first + Row(i);
      place(row, elements + (done + i) * int64_t(graph.data_size_), level_of(row));
    }
    append_batch(first, size, threads);
    done += size;
  }
}

void cse_graph::append_batch(Row first, int64_t count, const cse_graph_threads &threads) {
  std::vector<Chosen> chosen(static_cast<size_t>(count));
  in_parallel(threads, chosen.size(), [&](size_t i) { choose(first + Row(i), first, chosen[i]); });

  std::vector<BackLink> links;
  for (size_t i = 0; i < chosen.size(); i++) {
    const Row row = first + Row(i);
    for (size_t level = 0; level < chosen[i].size(); level++) {
      set(row, int(level), chosen[i][level]);
      for (const Neighbour &link : chosen[i][level]) links.push_back({int(level), link.second, row, link.first});
    }
    raise(row);
  }
  std::sort(links.begin(), links.end(), [](const BackLink &a, const BackLink &b) {
    return std::tie(a.level, a.target, a.source) < std::tie(b.level, b.target, b.source);
  });
  // Where the links to one list begin.
  std::vector<size_t> starts;
  for (size_t i = 0; i < links.size(); i++) {
    if (!i || links[i].target != links[i - 1].target || links[i].level != links[i - 1].level) starts.push_back(i);
  }
  starts.push_back(links.size());
  in_parallel(threads, starts.size() - 1, [&](size_t i) { link_back(&links[starts[i]], starts[i + 1] - starts[i]); });
}

// From the top to the level above `level`, always to a nearer row.
cse_graph::Row cse_graph::descend(const void *element, int level) const {
  Row nearest = graph.enterpoint_node_;
  float best = distance(element, nearest);
  for (int l = graph.maxlevel_; l > level; l--) {
    for (bool moved = true; moved;) {
      moved = false;
      auto *list = graph.get_linklist_at_level(nearest, l);
      const size_t count = graph.getListCount(list);
      for (size_t i = 0; i < count; i++) {
        const float found = distance(element, list[1 + i]);
        if (found < best) {
          best = found;
          nearest = list[1 + i];
          moved = true;
        }
      }
    }
  }
  return nearest;
}

// The neighbours of a new row among those before `first`, which are linked, and those of its batch before it.
void cse_graph::choose(Row row, Row first, Chosen &chosen) {
  const void *element = graph.getDataByInternalId(row);
  const int level = graph.element_levels_[row], top = graph.maxlevel_;
  chosen.resize(size_t(level) + 1);
  Row nearest = top >= 0 ? descend(element, level) : 0;
  for (int l = level; l >= 0; l--) {
    Nearest found;
    if (l <= top) found = graph.searchBaseLayer(nearest, element, l);
    for (Row mate = first; mate < row; mate++) {
      if (graph.element_levels_[mate] < l) continue;
      found.emplace(distance(element, mate), mate);
      if (found.size() > graph.ef_construction_) found.pop();
    }
    graph.getNeighborsByHeuristic2(found, graph.M_);
    for (; !found.empty(); found.pop()) {
      chosen[size_t(l)].push_back(found.top());
      // The next level's search begins at the nearest that has links.
      if (found.top().second < first) nearest = found.top().second;
    }
  }
}

// New links to one row on one level; where they are too many, the best of old and new ones.
void cse_graph::link_back(const BackLink *links, size_t count) {
  const Row target = links->target;
  const size_t room = links->level ? graph.maxM_ : graph.maxM0_;
  auto *list = graph.get_linklist_at_level(target, links->level);
  const size_t old = graph.getListCount(list);
  if (old + count <= room) {
    for (size_t i = 0; i < count; i++) list[1 + old + i] = links[i].source;
    return graph.setListCount(list, static_cast<unsigned short>(old + count));
  }
  const void *element = graph.getDataByInternalId(target);
  Nearest candidates;
  for (size_t i = 0; i < old; i++) candidates.emplace(distance(element, list[1 + i]), list[1 + i]);
  for (size_t i = 0; i < count; i++) candidates.emplace(links[i].distance, links[i].source);
  graph.getNeighborsByHeuristic2(candidates, room);
  std::vector<Neighbour> best;
  for (; !candidates.empty(); candidates.pop()) best.push_back(candidates.top());
  set(target, links->level, best);
}

// MARK: Lists as numbers

void cse_graph::restore(const char *elements, int64_t count, const uint32_t *lists) {
  for (int64_t i = 0; i < count; i++) {
    const Row row = Row(size_t(graph.cur_element_count));
    const int level = int(*lists++);
    place(row, elements + i * int64_t(graph.data_size_), level);
    for (int l = 0; l <= level; l++) {
      const uint32_t size = *lists++;
      auto *list = graph.get_linklist_at_level(row, l);
      graph.setListCount(list, static_cast<unsigned short>(size));
      memcpy(list + 1, lists, size * sizeof *lists);
      lists += size;
    }
    raise(row);
  }
}

int64_t cse_graph::lists(Row first, int64_t count, uint32_t *out) const {
  int64_t numbers = 0;
  auto write = [&](uint32_t number) {
    if (out) out[numbers] = number;
    numbers++;
  };
  for (Row row = first; row < first + Row(count); row++) {
    const int level = graph.element_levels_[row];
    write(uint32_t(level));
    for (int l = 0; l <= level; l++) {
      auto *list = graph.get_linklist_at_level(row, l);
      const uint32_t size = graph.getListCount(list);
      write(size);
      for (uint32_t i = 0; i < size; i++) write(list[1 + i]);
    }
  }
  return numbers;
}

// MARK: The table

static cse_graph *create(const cse_graph_space *space, int64_t capacity, int32_t links, int32_t build_width) {
  try {
    return new cse_graph(*space, capacity, links, build_width);
  } catch (...) { return nullptr; }
}

static void close_graph(cse_graph *graph) { delete graph; }

static int32_t append(cse_graph *graph, const void *elements, int64_t count, cse_graph_threads threads) {
  try {
    graph->append(static_cast<const char *>(elements), count, threads);
    return 0;
  } catch (...) { return 1; }
}

static int32_t restore(cse_graph *graph, const void *elements, int64_t count, const uint32_t *lists) {
  try {
    graph->restore(static_cast<const char *>(elements), count, lists);
    return 0;
  } catch (...) { return 1; }
}

static int64_t lists(cse_graph *graph, int64_t first, int64_t count, uint32_t *out) {
  return graph->lists(Row(first), count, out);
}

static int64_t nearest(const cse_graph *graph, const void *element, int64_t width, int64_t *rows) {
  try {
    int64_t count = 0;
    for (auto found = graph->graph.searchKnn(element, size_t(width)); !found.empty(); found.pop()) {
      // hnswlib takes at least ten where fewer are asked for, and gives as many as were.
      if (count < width) rows[count++] = int64_t(found.top().second);
    }
    return count;
  } catch (...) { return -1; }
}

static const cse_graph_functions functions = {CSE_GRAPH_ABI, "hnswlib", create, close_graph,
                                              append, restore, lists, nearest};

extern "C" __attribute__((visibility("default"))) const cse_graph_functions *cse_graph_open(uint32_t abi) {
  return abi == CSE_GRAPH_ABI ? &functions : nullptr;
}
