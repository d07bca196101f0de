/* One batch: reads z1.bin and z2.bin, row i in class i % 3; prints the loss, writes dz1.bin and dz2.bin.
 *
 *   evaluate STRATEGY ROWS WIDTH FOLDER */
#include <stdio.h>
#include <stdlib.h>
#include "mixcse.h"

static void transfer(const char *folder, const char *name, float *numbers, size_t count, int writes) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s.bin", folder, name);
  FILE *file = fopen(path, writes ? "wb" : "rb");
  size_t done = !file ? 0 : writes ? fwrite(numbers, 4, count, file) : fread(numbers, 4, count, file);
  if (done != count || fclose(file)) exit(1);
}

int main(int count, char **arguments) {
  if (count != 5) return 64;
  int64_t rows = atoi(arguments[2]), width = atoi(arguments[3]);
  size_t numbers = (size_t)(rows * width);
  float *z[2] = {malloc(numbers * 4), malloc(numbers * 4)}, *dz[2] = {malloc(numbers * 4), malloc(numbers * 4)};
  int64_t *classes = malloc((size_t)rows * 8);
  for (int64_t row = 0; row < rows; row++) classes[row] = row % 3;
  transfer(arguments[4], "z1", z[0], numbers, 0);
  transfer(arguments[4], "z2", z[1], numbers, 0);
  mixcse_context *context = NULL;
  mixcse_objective *objective = NULL;
  mixcse_objective_options options = {.struct_size = sizeof options, .strategy = arguments[1], .seed = 42};
  options.width = width, options.rows = rows;
  mixcse_batch batch = {.struct_size = sizeof batch, .n_views = 2, .rows = rows, .dz = dz, .classes = classes};
  batch.z = (const float *const *)z;
  double loss;
  if (mixcse_context_open(NULL, &context) || mixcse_objective_open(context, &options, &objective) ||
      mixcse_objective_evaluate(objective, &batch, &loss)) {
    fprintf(stderr, "%s\n", mixcse_last_error());
    return 1;
  }
  transfer(arguments[4], "dz1", dz[0], numbers, 1);
  transfer(arguments[4], "dz2", dz[1], numbers, 1);
  printf("%.17g", loss);
  return 0;
}
