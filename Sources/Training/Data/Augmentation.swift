// Augmenters at work: each edits the tokens of a view before the encoder sees them. Made by TrainingPlan, called by
// BatchMaker for every training batch.

package import Host
import Objective
package import Tokenizer

/// The augmenters of a run, in the order they edit.
package final class Augmentation {
  /// Their instances, for schedules and records.
  package let instances: [PluginInstance]
  private let words: WordStarts
  private let specialIDs: Set<Int32>
  private let bounds: TokenBounds

  /// Plans every augmenter for the batches of a run.
  ///
  /// - Parameters:
  ///   - limits: of the largest batch.
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
    instances = try uses.map { use in
      let instance = try PluginInstance(
        component: use.component, values: ParameterValues(use.parameters), name: use.name, services: services,
        seed: seed)
      try instance.prepare(limits)
      return instance
    }
  }

  /// What augmenters reported of the last batch.
  var metrics: [(name: String, value: Double)] { reportedMetrics(of: instances) }

  /// The sequences of a batch, view by view, as the augmenters leave them.
  /// - Throws: `PluginFailure`.
  func edit(_ sequences: [[Int32]], rows: [Int], at position: StepPosition) throws -> [[Int32]] {
    var sequences = sequences
    for instance in instances {
      instance.begin(position)
      for view in instance.plan.editedViews {
        let range = view * rows.count..<(view + 1) * rows.count
        let given = Array(sequences[range])
        let words = given.map { self.words.words(of: $0, isSpecial: specialIDs.contains) }
        let tokens = TokenView(view: view, sequences: given, words: words, rowIDs: rows.map(Int64.init))
        sequences.replaceSubrange(range, with: try instance.augment(tokens, within: bounds))
      }
    }
    return sequences
  }
}
