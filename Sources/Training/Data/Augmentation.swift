// Augmenters at work: each edits the tokens of a view before the encoder sees them, or makes a further view of them.
// Made by TrainingPlan, called by BatchMaker for every training batch.

package import Host
import Objective
package import Tokenizer

/// The augmenters of a run, in the order they edit.
package final class Augmentation {
  /// Their instances, for schedules and records.
  package let instances: [PluginInstance]
  /// How many views they add behind those of the data.
  package let addedViews: Int
  private let words: WordStarts
  private let specialIDs: Set<Int32>
  private let bounds: TokenBounds

  /// Plans every augmenter for the batches of a run.
  ///
  /// - Parameters:
  ///   - limits: of the largest batch, without views that are added.
  ///   - vocabularySize: ids the encoder has vectors for; `maximumTokens`: of a sequence.
  /// - Throws: `PluginFailure` where a plugin refuses.
  package init(
    _ uses: [ComponentUse], limits: PluginLimits, tokenizer: any Tokenizer, vocabularySize: Int, maximumTokens: Int,
    services: HostServices, seed: UInt64
  ) throws {
    words = WordStarts(tokenizer)
    specialIDs = tokenizer.specialIDs
    bounds = TokenBounds(
      vocabularySize: vocabularySize, maximumTokens: maximumTokens, maskID: tokenizer.maskID, padID: tokenizer.padID)
    var limits = limits
    limits.vocabulary = VocabularyTexts(of: tokenizer, size: vocabularySize)
    instances = try uses.map { use in
      let instance = try PluginInstance(
        component: use.component, values: ParameterValues(use.parameters), name: use.name, services: services,
        seed: seed)
      try instance.prepare(limits)
      if instance.plan.addsView {
        // Who comes later may edit it.
        let tokens = limits.maxTokens / limits.viewCount
        limits.viewCount += 1
        limits.addedViews += 1
        limits.maxTokens += tokens
        limits.maxSequences += limits.maxRows
        guard limits.viewCount <= 16 else {
          throw instance.failure(.plan, .plan("it adds view z\(limits.viewCount), and there is room for 16"))
        }
      }
      return instance
    }
    addedViews = limits.addedViews
  }

  /// What augmenters reported of the last batch.
  var metrics: [(name: String, value: Double)] { reportedMetrics(of: instances) }

  /// The sequences of a batch, view by view, as the augmenters leave them, views that they add behind the others; and
  /// of each sequence its dropout, where one asks for any.
  /// - Throws: `PluginFailure`.
  package func edit(
    _ sequences: [[Int32]], rows: [Int], at position: StepPosition
  ) throws -> (sequences: [[Int32]], dropout: [Float]?) {
    var sequences = sequences
    var dropout = [Float](repeating: -1, count: sequences.count)
    for instance in instances {
      instance.begin(position)
      for view in instance.plan.editedViews {
        let range = view * rows.count..<(view + 1) * rows.count
        let given = Array(sequences[range])
        let words = given.map { self.words.words(of: $0, isSpecial: specialIDs.contains) }
        let made = try instance.augment(
          TokenView(
            view: instance.plan.addsView ? sequences.count / rows.count : view, sequences: given, words: words,
            rowIDs: rows.map(Int64.init), dropout: Array(dropout[range])), within: bounds)
        if instance.plan.addsView {
          sequences += made.sequences
          dropout += made.dropout
        } else {
          sequences.replaceSubrange(range, with: made.sequences)
          dropout.replaceSubrange(range, with: made.dropout)
        }
      }
    }
    return (sequences, dropout.allSatisfy { $0 == -1 } ? nil : dropout)
  }
}
