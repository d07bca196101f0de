// The inner loops of many small logistic regressions trained side by side on the same batches: they differ in their
// weights and penalties only, so one visit of a row serves them all. Called by the Evaluation module; one thread each.
#ifndef CCLASSIFIER_H
#define CCLASSIFIER_H

#include <stdint.h>

// `members` classifiers of `classes` classes: weights [members * classes, stride], features [rows, stride].
// `stride` is a multiple of 16; a feature that is always 1 carries the bias, the columns behind it are 0.
typedef struct {
  int64_t members, classes, stride;
} cc_shape;

// Rows of the features: feature row and label of batch row i are index[i] and labels[index[i]].
typedef struct {
  const float *features;
  const int32_t *labels;
  const int32_t *index;
  int64_t count;
} cc_rows;

// gradient = that of each member's mean cross-entropy over the rows. `scratch` holds count * members * classes floats.
void cc_gradient(cc_shape shape, cc_rows rows, const float *weights, float *gradient, float *scratch);

// right[k] += how many rows member k labels right; the first of equal logits wins. Scratch as above.
void cc_count_right(cc_shape shape, cc_rows rows, const float *weights, int64_t *right, float *scratch);
// predicted[i] = the class that member 0 gives row i.
void cc_predict(cc_shape shape, cc_rows rows, const float *weights, int32_t *predicted, float *scratch);

// One step of Adam (Kingma and Ba 2015) with the penalty in the gradient: g += penalty * w.
typedef struct {
  float rate;                // already divided by 1 - beta1^t
  float inverse_root_bias2;  // 1 / sqrt(1 - beta2^t)
  float beta1, beta2, epsilon, penalty;
} cc_adam;
void cc_adam_step(int64_t count, cc_adam settings, float *weights, const float *gradient, float *m, float *v);

// One step of RMSprop (Tieleman and Hinton 2012), as above.
typedef struct {
  float rate, alpha, epsilon, penalty;
} cc_rmsprop;
void cc_rmsprop_step(int64_t count, cc_rmsprop settings, float *weights, const float *gradient, float *v);

#endif
