// The settings of the reference evaluator's classifiers, by mode. Read by TransferScorer and ClassifierGrid.

/// Which parts of the data are scored, and how carefully.
package enum EvaluationMode: String, Sendable, CaseIterable {
  /// Test figures, ten folds.
  case test
  /// Figures of the development parts, five folds.
  case dev
  /// Test figures with the quick settings of `dev`.
  case fasttest

  /// Whether development figures are made.
  package var isDev: Bool { self == .dev }
}

/// How a logistic regression is trained and chosen.
package struct TransferProtocol: Sendable {
  enum Optimizer: Sendable { case adam, rmsprop }

  /// Folds of a cross-validation.
  package var folds: Int
  var optimizer: Optimizer
  var learningRate: Float
  var batchSize: Int
  /// Checks without improvement that are forgiven, counted over the whole training.
  var tenacity: Int
  /// Passes over the training rows between two checks on the dev rows.
  var passesPerCheck: Int
  /// No new round of passes starts beyond that many.
  var maximumPasses = 200
  /// The grid; the first of equal scores wins.
  package var penalties: [Double] = [1e-5, 1e-4, 1e-3, 1e-2]
  /// The share of the training rows that stops the final fit.
  var heldOutShare = 0.05
  /// Seeds every classifier, each from the start, and the folds.
  var seed: UInt32 = 1111

  /// The reference's settings for a mode.
  package init(_ mode: EvaluationMode) {
    switch mode {
    case .test: (folds, optimizer, learningRate, batchSize, tenacity, passesPerCheck) = (10, .adam, 1e-3, 64, 5, 4)
    case .dev, .fasttest:
      (folds, optimizer, learningRate, batchSize, tenacity, passesPerCheck) = (5, .rmsprop, 1e-2, 128, 3, 2)
    }
  }
}

/// A share of 1 as per cent with two decimals, rounded as NumPy does.
func percent(_ share: Double) -> Double { rounded(100 * share) }

/// Two decimals, halves to even.
func rounded(_ value: Double) -> Double { (value * 100).rounded(.toNearestOrEven) / 100 }
