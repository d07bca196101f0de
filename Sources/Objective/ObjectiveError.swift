// What can be wrong with an objective before or while it runs; failures inside plugins are PluginFailure.

/// A strategy that cannot be composed, or numbers that cannot be used.
package enum ObjectiveError: Error, CustomStringConvertible, Sendable, Equatable {
  /// Neither a loss plugin nor a recipe with one was given.
  case noLoss
  /// Two samplers both replace the positives' block.
  case twoBases(first: String, second: String)
  /// `--temperature` or learning it was asked for, but no loss of the strategy has the parameter.
  case noTemperature(losses: [String])
  /// The loss used `dsim`: how it depends on the temperature is then unknown to the host.
  case temperatureNotLearnable(loss: String)
  /// An input does not fit: what, expected, found.
  case shape(what: String, expected: String, found: String)
  /// A number of the input is NaN or infinite.
  case inputNotFinite(what: String, row: Int)
  /// A number made outside of plugins is NaN or infinite.
  case notFinite(what: String, row: Int)
  /// The pooler cannot be trained through: it has no pool_backward.
  case poolerCannotTrain(String)
  /// `--max-seq-length` outside of what the model can take.
  case maximumLength(found: Int, limit: Int)
  /// A text has a token that the model has no vector for.
  case tokenWithoutVector(token: String, id: Int32, text: String, vocabularySize: Int)
  /// A component asks for an encoding of the batch that nobody here can make.
  case encodingMissing(component: String, encoding: String)
  /// A model folder records a pooling that this program does not have.
  case unsupportedPooling(folder: String, reason: String)

  /// 64 for a strategy that makes no sense, 65 for unfit inputs and models.
  package var exitCode: Int32 {
    switch self {
    case .shape, .inputNotFinite, .notFinite, .tokenWithoutVector, .unsupportedPooling: 65
    default: 64
    }
  }

  /// What was expected, what was found, and what to do.
  package var description: String {
    switch self {
    case .noLoss: "the strategy has no loss; give --loss NAME or a --method that has one"
    case .twoBases(let first, let second):
      "samplers \(first) and \(second) both replace the block of the positives (CSE_BASE); use one of them"
    case .noTemperature(let losses):
      "a temperature was given, but no loss of this strategy has one (losses: \(losses.joined(separator: ", ")))"
    case .temperatureNotLearnable(let loss):
      "the temperature of \(loss) cannot be learned: it gives a gradient with respect to the similarity (dsim), and how"
        + " that depends on the temperature is known to the plugin alone; let it write dlogits or dtemperature, or fix"
        + " the temperature"
    case .shape(let what, let expected, let found): "\(what): expected \(expected), found \(found)"
    case .inputNotFinite(let what, let row):
      "\(what), row \(row) (from 0), holds NaN or an infinity; expected finite numbers"
    case .notFinite(let what, let row):
      "\(what), row \(row), is not a finite number; the training diverged (try a lower learning rate)"
        + " or the input is broken"
    case .poolerCannotTrain(let pooler):
      "pooler \(pooler) has no pool_backward, so nothing below it can be trained; use it for encoding only"
    case .maximumLength(let found, let limit):
      "--max-seq-length: expected 2 to \(limit), the model's limit, found \(found)"
    case .tokenWithoutVector(let token, let id, let text, let size):
      "\"\(text.prefix(60))\(text.count > 60 ? "..." : "")\": expected tokens that the model has vectors for (ids 0 to"
        + " \(size - 1)), found \(token) (id \(id)) of its tokenizer; give the model's word matrix the rows"
        + " (resize_token_embeddings in transformers), or take the token out of the tokenizer's files"
    case .encodingMissing(let component, let encoding):
      "\(component) asks for \(encoding), which is made in training only: mixcse train"
    case .unsupportedPooling(let folder, let reason):
      "\(folder) asks for a pooling this program does not have: \(reason); choose one with --pooler"
    }
  }
}
