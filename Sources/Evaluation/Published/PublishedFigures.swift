// Figures from papers and model cards to lay one's own beside. Printed by the evaluate command (--published).

/// A published row of figures, in per cent; test parts.
package struct PublishedFigures: Sendable {
  /// A figure with its standard deviation over seeds, where that was published.
  package struct Figure: Sendable, Equatable {
    /// The figure, x 100.
    package var value: Double
    /// Its standard deviation over runs, where one was published.
    package var spread: Double?

    init(_ value: Double, _ spread: Double? = nil) { (self.value, self.spread) = (value, spread) }
  }

  /// The model's name, as in its paper.
  package var name: String
  /// Where the figures were published.
  package var source: String
  /// The figure of each task.
  package var figures: [EvaluationTask: Figure] = [:]
  /// The average over the seven STS sets, as published.
  package var stsAverage: Figure?
  /// The average over the seven transfer tasks, as published.
  package var transferAverage: Figure?

  /// All rows there are.
  package static let all: [PublishedFigures] = [
    PublishedFigures(
      "all-minilm-l6-v2", "leaderboard, mean pooling", sts: [72.369, 80.603, 75.589, 85.390, 78.990, 82.033, 77.147],
      average: 78.874),
    PublishedFigures(
      "bert-base-avg", "bert-base-uncased, mean pooling", sts: [30.87, 59.89, 47.73, 60.29, 63.73, 47.29, 58.22],
      average: 52.57),
    PublishedFigures(
      "bert-base-cls", "bert-base-uncased, cls_before_pooler",
      sts: [21.54, 32.11, 21.28, 37.89, 44.24, 20.30, 42.42], average: 31.40),
    PublishedFigures(
      "bert-base-first-last", "bert-base-uncased, avg_first_last (embedding layer)",
      sts: [39.70, 59.38, 49.67, 66.03, 66.19, 53.87, 62.06], average: 56.70),
    PublishedFigures(
      "bert-base-layer1-last", "bert-base-uncased, avg_first_last:first=layer1",
      sts: [45.09, 64.30, 54.56, 70.52, 67.87, 59.05, 63.75], average: 60.73),
    PublishedFigures(
      "unsup-simcse-bert-base", "Gao et al. 2021, cls_before_pooler",
      sts: [68.40, 82.41, 74.38, 80.91, 78.56, 76.85, 72.23], average: 76.25,
      transfer: [81.18, 86.46, 94.45, 88.88, 85.50, 89.80, 74.43], transferAverage: 85.81),
    PublishedFigures(
      "sup-simcse-bert-base", "Gao et al. 2021, cls",
      sts: [75.30, 84.67, 80.19, 85.40, 80.82, 84.26, 80.39], average: 81.58,
      transfer: [82.69, 89.25, 94.81, 89.59, 87.31, 88.40, 73.51], transferAverage: 86.51),
    PublishedFigures(
      "unsup-simcse-roberta-base", "Gao et al. 2021, cls_before_pooler",
      sts: [70.16, 81.77, 73.24, 81.36, 80.65, 80.22, 68.56], average: 76.57,
      transfer: [81.04, 87.74, 93.28, 86.94, 86.60, 84.60, 73.68], transferAverage: 84.84),
    PublishedFigures(
      "sup-simcse-roberta-base", "Gao et al. 2021, cls",
      sts: [76.53, 85.21, 80.95, 86.03, 82.57, 85.83, 80.50], average: 82.52,
      transfer: [84.92, 92.00, 94.11, 89.82, 91.27, 88.80, 75.65], transferAverage: 88.08),
    PublishedFigures(
      "mixcse-bert-base", "Zhang et al. 2022, mean and deviation over seeds",
      sts: [71.71, 83.14, 75.49, 83.64, 79.00, 78.48, 72.19], average: 77.66,
      spread: [4.04, 0.72, 1.25, 2.32, 0.16, 0.82, 0.46], averageSpread: 0.61),
    PublishedFigures("mixcse-bert-large", "Zhang et al. 2022", sts: [], average: 78.80, averageSpread: 0.09),
    PublishedFigures("unsup-simcse-bert-large", "Gao et al. 2021", sts: [], average: 78.41),
  ]

  private init(
    _ name: String, _ source: String, sts: [Double], average: Double, spread: [Double] = [],
    averageSpread: Double? = nil, transfer: [Double] = [], transferAverage: Double? = nil
  ) {
    (self.name, self.source) = (name, source)
    for (index, value) in sts.enumerated() {
      figures[EvaluationTask.sts[index]] = Figure(value, index < spread.count ? spread[index] : nil)
    }
    for (task, value) in zip(EvaluationTask.transfer, transfer) { figures[task] = Figure(value) }
    stsAverage = Figure(average, averageSpread)
    self.transferAverage = transferAverage.map { Figure($0) }
  }

  /// Case does not matter.
  /// - Throws: `EvaluationError.unknownName`.
  package static func named(_ name: String) throws -> PublishedFigures {
    guard let found = all.first(where: { $0.name == name.lowercased() }) else {
      throw EvaluationError.unknownName(kind: "published row (--published)", name: name, known: all.map(\.name))
    }
    return found
  }
}
