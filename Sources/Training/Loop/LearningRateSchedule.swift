// The learning rate of each optimiser step: linear warm-up, then linear decay to 0. Used by the training loop.

/// Step numbers count from 0.
package struct LearningRateSchedule: Sendable, Equatable {
  /// The highest rate.
  package var peak: Double
  /// Optimiser steps of the whole run.
  package var totalSteps: Int
  /// Steps over which the rate rises from 0.
  package var warmupSteps: Int

  /// - Parameter peak: the highest rate, reached after `warmupSteps` steps.
  package init(peak: Double, totalSteps: Int, warmupSteps: Int = 0) {
    self.peak = peak
    self.totalSteps = totalSteps
    self.warmupSteps = warmupSteps
  }

  /// The rate of step `k`: `peak * k / warmup` before the warm-up ends, then `peak * (total - k) / (total - warmup)`;
  /// without warm-up `peak * (1 - k / total)`. The first step of a warm-up has rate 0.
  /// Source: `get_linear_schedule_with_warmup` of transformers.
  package func rate(step k: Int) -> Double {
    if k < warmupSteps { return peak * Double(k) / Double(max(1, warmupSteps)) }
    return peak * max(0, Double(totalSteps - k) / Double(max(1, totalSteps - warmupSteps)))
  }
}
