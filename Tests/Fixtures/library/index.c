/* Calls every function of mixcse.h about indexes, rightly and wrongly; prints each thing that is not as it should be.
 *
 *   index MODEL_FOLDER OTHER_MODEL FOLDER */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"

enum { TEXTS = 5 };
static const char *const texts[TEXTS] = {"word1 word2", "word3", "word4 word5 word6", "", "word7 \xff"};

static mixcse_encoder *encoder(mixcse_context *context, const char *folder) {
  mixcse_encoder_options options = {.struct_size = sizeof options, .folder = folder, .pooler = "avg"};
  mixcse_encoder *encoder = NULL;
  CHECK(mixcse_encoder_open(context, &options, &encoder) == 0);
  return encoder;
}

int main(int count, char **arguments) {
  if (count != 4) return 2;
  mixcse_context *context = NULL;
  CHECK(mixcse_context_open(NULL, &context) == 0);
  mixcse_encoder *own = encoder(context, arguments[1]), *other = encoder(context, arguments[2]);
  const char *folder = arguments[3];
  mixcse_index *index = NULL;

  FAILS(mixcse_index_open(context, own, folder, &index), MIXCSE_E_NO_INPUT, "expected an index");
  FAILS(mixcse_index_build(own, folder, 0, texts, NULL, 0), MIXCSE_E_DATA, "at least one");
  FAILS(mixcse_index_build(own, folder, 2, texts, NULL, TEXTS), MIXCSE_E_USAGE, "MIXCSE_REPLACE");
  FAILS(mixcse_index_build(NULL, folder, 0, texts, NULL, TEXTS), MIXCSE_E_USAGE, "encoder");
  CHECK(mixcse_index_build(own, folder, 0, texts, NULL, TEXTS) == 0);
  FAILS(mixcse_index_build(own, folder, 0, texts, NULL, TEXTS), MIXCSE_E_USAGE, "found an index");
  CHECK(mixcse_index_build(own, folder, MIXCSE_REPLACE, texts, NULL, TEXTS) == 0);
  FAILS(mixcse_index_open(context, other, folder, &index), MIXCSE_E_DATA, "expected the model that made the index");
  CHECK(!index);
  CHECK(mixcse_index_open(context, NULL, folder, &index) == 0);
  mixcse_index_close(index);
  CHECK(mixcse_index_open(context, own, folder, &index) == 0);
  int64_t width = mixcse_encoder_width(own);
  CHECK(mixcse_index_size(index) == TEXTS && mixcse_index_width(index) == width);
  CHECK(!strcmp(mixcse_index_text(index, 2), texts[2]) && !strcmp(mixcse_index_text(index, 4), "word7 \xef\xbf\xbd"));
  FAILS(mixcse_index_text(index, TEXTS) != NULL, 0, "0 to 4");

  float *vectors = calloc((size_t)(TEXTS * width), sizeof *vectors), scores[TEXTS * 7];
  int64_t rows[TEXTS * 7];
  CHECK(mixcse_encoder_encode(own, texts, NULL, TEXTS, vectors, NULL) == 0);
  CHECK(mixcse_index_search(index, vectors, TEXTS, 7, -2, rows, scores) == 0);
  for (int i = 0; i < TEXTS; i++) {
    CHECK(rows[7 * i] == i && fabsf(scores[7 * i] - 1) < 1e-6f);
    CHECK(rows[7 * i + TEXTS] == -1 && isnan(scores[7 * i + TEXTS]));
  }
  CHECK(mixcse_index_search(index, vectors, 1, 7, 0.99999, rows, scores) == 0 && rows[0] == 0 && rows[1] == -1);
  CHECK(mixcse_index_search(index, vectors, 0, 1, -2, NULL, NULL) == 0);
  FAILS(mixcse_index_search(index, vectors, 1, 0, -2, rows, scores), MIXCSE_E_USAGE, "k:");
  FAILS(mixcse_index_search(index, vectors, 1, 1, NAN, rows, scores), MIXCSE_E_USAGE, "threshold");
  FAILS(mixcse_index_search(index, NULL, 1, 1, -2, rows, scores), MIXCSE_E_USAGE, "queries");
  FAILS(mixcse_index_search(NULL, vectors, 1, 1, -2, rows, scores), MIXCSE_E_USAGE, "index");

  // Approximately: what needs the library that keeps graphs, and what does not.
  char *library = getenv("CSE_GRAPH") ? strdup(getenv("CSE_GRAPH")) : NULL;
  if (library) {
    int64_t linked = -1;
    CHECK(mixcse_index_graph(context, folder, NULL, &linked) == 0 && linked == TEXTS);
    CHECK(mixcse_index_search_approximately(index, vectors, TEXTS, 3, -2, 0, rows, scores) == 0);
    for (int i = 0; i < TEXTS; i++) CHECK(rows[3 * i] == i && fabsf(scores[3 * i] - 1) < 1e-6f);
    CHECK(mixcse_index_graph(context, folder, NULL, &linked) == 0 && linked == 0);
    mixcse_index_close(index);
    CHECK(mixcse_index_open(context, own, folder, &index) == 0);
  }
  setenv("CSE_GRAPH", "/nowhere/libMixCSEGraph.so", 1);
  FAILS(mixcse_index_search_approximately(index, vectors, 1, 3, -2, 0, rows, scores), MIXCSE_E_PLUGIN, "index library");
  FAILS(mixcse_index_search_approximately(index, vectors, 1, 3, -2, 2, rows, scores), MIXCSE_E_USAGE, "width");
  mixcse_graph_options graph = {.struct_size = sizeof graph, .links = 1};
  FAILS(mixcse_index_graph(context, folder, &graph, NULL), MIXCSE_E_USAGE, "options->links");
  graph.links = 0, graph.flags = 2;
  FAILS(mixcse_index_graph(context, folder, &graph, NULL), MIXCSE_E_USAGE, "options->flags");
  FAILS(mixcse_index_graph(context, folder, NULL, NULL), MIXCSE_E_PLUGIN, "index library");
  FAILS(mixcse_index_graph(context, arguments[1], NULL, NULL), MIXCSE_E_NO_INPUT, "expected an index");
  if (library) setenv("CSE_GRAPH", library, 1);
  free(library);

  vectors[0] = NAN;
  FAILS(mixcse_index_search(index, vectors, 1, 1, -2, rows, scores), MIXCSE_E_USAGE, "finite");

  FAILS(mixcse_index_add(other, folder, texts, NULL, TEXTS), MIXCSE_E_DATA, "expected the model that made the index");
  int64_t lengths[2] = {5, 0};
  CHECK(mixcse_index_add(own, folder, texts, lengths, 2) == 0 && mixcse_index_size(index) == TEXTS);
  mixcse_index_close(index);
  CHECK(mixcse_index_open(context, own, folder, &index) == 0 && mixcse_index_size(index) == TEXTS + 2);
  CHECK(!strcmp(mixcse_index_text(index, TEXTS), "word1") && !strcmp(mixcse_index_text(index, TEXTS + 1), ""));
  mixcse_index_close(index);
  mixcse_index_close(NULL);
  FAILS(mixcse_index_size(NULL), -1, "NULL");
  free(vectors);
  mixcse_encoder_close(own);
  mixcse_encoder_close(other);
  mixcse_context_close(context);
  if (!failures) printf("all as it should be\n");
  return failures;
}
