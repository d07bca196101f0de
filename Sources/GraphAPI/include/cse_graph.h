/*
 * cse_graph.h: what a library offers that keeps the rows of an index in a graph of near neighbours.
 *
 * The host opens such a library at run time. Rows are opaque to it: elements of one size, and a function of the host
 * that says how far apart two of them are. The host owns the file of the graph, and checks what it reads from it before
 * it passes it on. Plugins/HNSWGraph is the library over hnswlib.
 *
 * Calls on one graph take turns, but for nearest, which several threads may call at once. No call throws or prints.
 */
#ifndef CSE_GRAPH_H
#define CSE_GRAPH_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CSE_GRAPH_ABI 1u
/* The name of the entry function below. */
#define CSE_GRAPH_ENTRY "cse_graph_open"

typedef struct cse_graph cse_graph;

/* What lies in a graph. */
typedef struct cse_graph_space {
  int64_t element_bytes;
  /* How far apart two elements are: any finite number, the same both ways. Called from any thread. */
  float (*distance)(const void *a, const void *b, const void *context);
  const void *context; /* lives as long as the graph */
} cse_graph_space;

/* The threads of the host: run calls body for each index below count, in any order, several at once, and returns when
   all are done. */
typedef struct cse_graph_threads {
  void (*run)(void *pool, int64_t count, void (*body)(void *argument, int64_t index), void *argument);
  void *pool;
} cse_graph_threads;

/* Functions that return int32_t return 0, or 1 where there is no memory; the graph can only be closed then. */
typedef struct cse_graph_functions {
  uint32_t abi;        /* CSE_GRAPH_ABI */
  const char *library; /* for people */

  /* An empty graph with room for `capacity` rows, below 2^31. links: of a row on each level but the lowest, which has
     twice as many (M), from 2; build_width: how many of the nearest are looked at for a new row (ef_construction), from
     1. NULL: no memory. */
  cse_graph *(*create)(const cse_graph_space *space, int64_t capacity, int32_t links, int32_t build_width);
  void (*close)(cse_graph *graph);
  /* Adds rows behind those that are there and links them. The result depends on the rows before, on the elements and on
     `count`, not on threads. */
  int32_t (*append)(cse_graph *graph, const void *elements, int64_t count, cse_graph_threads threads);
  /* Adds rows with the links that they had: for each its level, then for each level from 0 up to it the number of links
     and the rows they lead to, as `lists` wrote them. */
  int32_t (*restore)(cse_graph *graph, const void *elements, int64_t count, const uint32_t *lists);
  /* Writes the lists of rows, if `out` is not NULL; returns how many numbers they are. */
  int64_t (*lists)(cse_graph *graph, int64_t first, int64_t count, uint32_t *out);
  /* Writes up to `width` rows (ef) that are near an element, in no order, and returns how many; -1: no memory. */
  int64_t (*nearest)(const cse_graph *graph, const void *element, int64_t width, int64_t *rows);
} cse_graph_functions;

/* NULL where the library does not speak this version. */
const cse_graph_functions *cse_graph_open(uint32_t abi);

#ifdef __cplusplus
}
#endif

#endif
