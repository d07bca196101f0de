// A transfer task as read from its files: labelled sentences, or pairs of them, in parts. Made by TransferFiles, scored
// by TransferScorer.

/// A labelled sentence or pair.
struct LabelledSample: Sendable, Equatable {
  var first: String
  /// The other sentence of a pair.
  var second: String?
  var label: Int32
}

/// Samples of one part.
struct LabelledPart: Sendable, Equatable {
  var path: String
  var samples: [LabelledSample]

  var labels: [Int32] { samples.map(\.label) }
}

/// A transfer task.
package struct TransferTask: Sendable {
  /// How the data is divided, and so how a classifier is chosen and scored.
  enum Design: Sendable, Equatable {
    /// One part: nested cross-validation.
    case nested(LabelledPart)
    /// Cross-validation on train chooses, test is scored.
    case trainTest(train: LabelledPart, test: LabelledPart)
    /// The dev part chooses and stops, test is scored.
    case split(train: LabelledPart, dev: LabelledPart, test: LabelledPart)
  }

  /// Which task it is.
  package let task: EvaluationTask
  let design: Design
  /// Names of the classes, in the order of their labels.
  let classes: [String]
  /// What was odd in its files, with file and line.
  package let warnings: [String]

  var parts: [LabelledPart] {
    switch design {
    case .nested(let all): [all]
    case .trainTest(let train, let test): [train, test]
    case .split(let train, let dev, let test): [train, dev, test]
    }
  }

  /// Samples of each part: all; train and test; or train, dev and test.
  package var sampleCounts: [Int] { parts.map(\.samples.count) }

  /// The samples whose labels are scored: all with nested folds, else the test part.
  private var scored: LabelledPart {
    switch design {
    case .nested(let all): all
    case .trainTest(_, let test), .split(_, _, let test): test
    }
  }

  /// The sentences of each scored sample by number, those of a single sentence twice.
  package func numbered(by numbering: inout SentenceNumbering) -> [SentencePair] {
    scored.samples.map { numbering.number($0.first, $0.second ?? $0.first) }
  }

  /// Everything that decides its figures: a line for each sample of every part. For hashes.
  package var lines: [String] {
    parts.flatMap { part in part.samples.map { "\($0.label)\t\($0.first)\t\($0.second ?? "")" } + [""] }
  }

  /// All its sentences, as often as they occur.
  package var sentences: [String] {
    parts.flatMap { $0.samples.flatMap { sample in [sample.first] + (sample.second.map { [$0] } ?? []) } }
  }

  /// - Throws: `EvaluationError.tooFewSamples` where a class cannot be shared out over the folds of both modes.
  func check() throws {
    for part in parts {
      let isTraining = part == parts.first
      for label in classes.indices {
        let found = part.samples.count { $0.label == Int32(label) }
        let needed = isTraining ? 20 : 1
        if found < needed {
          throw EvaluationError.tooFewSamples(
            path: part.path, label: classes[label], expected: needed, found: found)
        }
      }
    }
  }
}

extension LabelledPart {
  /// In the reference's order, on which the folds depend: by number of words, then label; ties stay in the order of the
  /// file.
  func sorted() -> LabelledPart {
    let keys = samples.enumerated().map { index, sample in
      (wordCount(sample.first), wordCount(sample.second ?? ""), Int(sample.label), index)
    }
    return LabelledPart(path: path, samples: keys.sorted(by: <).map { samples[$0.3] })
  }
}
