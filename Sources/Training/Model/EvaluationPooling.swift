// Which vector of a model its scores are about: one rule for training, comparing, evaluating and encoding. Made by
// TrainingPlan and ComparisonPlan; the evaluate and encode commands say the same with --pooler and --before-head.

package import Host
import Objective

/// The pooling that a run is evaluated with, and whether its vectors go through the head.
///
/// The rule: scores are about the training pooler's vector before the head. A pooler that was asked for is taken as it
/// was typed, and where nothing but the head learns (`--frozen`), scores are about the head.
package struct EvaluationPooling: Sendable, Equatable {
  /// What is scored; `skipsHead` where it is the vector before the head.
  package let pooler: PoolerSpec
  /// Whether the instances that train are the ones that are evaluated, with the weights they have learned.
  package let isTrainingPooler: Bool
  /// Whether the vectors go through the head of training.
  package let usesHead: Bool

  /// Applies the rule to one run.
  /// - Parameters:
  ///   - training: the pooler of training.
  ///   - hasHead: whether a head is trained behind it.
  ///   - asked: the pooler of `--eval-pooler`; nil where none was given.
  ///   - isFrozen: whether nothing but the head learns.
  package init(training: PoolerSpec, hasHead: Bool, asked: PoolerSpec? = nil, isFrozen: Bool = false) {
    var pooler = asked ?? training
    if asked == nil, hasHead, !isFrozen { pooler.skipsHead = true }
    self.pooler = pooler
    isTrainingPooler = pooler.chain == training.chain
    usesHead = isTrainingPooler && hasHead && !pooler.skipsHead
  }

  /// The flags of `mixcse evaluate` and `mixcse encode` that ask an exported model for these vectors.
  package var arguments: [String] { ["--pooler", pooler.text] + (pooler.needsBeforeHead ? ["--before-head"] : []) }

  /// The pooling in words, for records: `avg`, `cls_before_pooler`, `avg (before the head)`.
  package var text: String { pooler.label }
}
