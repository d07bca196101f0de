// The one error of everything that happens inside a plugin or with what it gave back.
// It says who, in which function, at which step, with which parameters, and what was wrong.

import PluginAPI
import PluginGrammar
import PluginLoading

/// The functions of a component, by the names of the header.
package enum PluginFunction: String, Sendable, CaseIterable {
  case create, plan, commit, augment, pool, sample
  case poolBackward = "pool_backward"
  case sampleBackward = "sample_backward"
  case onLogits = "on_logits"
  case onEmbeddings = "on_embeds"
  /// Of a pooler's extension `cse.pooling/1`.
  case layerWeights = "layer_weights"
}

/// A plugin reported an error, broke the contract, or gave numbers nobody can use.
package struct PluginFailure: Error, CustomStringConvertible, Sendable {
  /// What was wrong.
  package enum Reason: Error, Sendable, Equatable {
    /// The function returned an error status, with its own text (may be empty).
    case status(Int32, String)
    /// The run was asked to end while the call went on, and a parallel loop of it was cut short: nobody's fault.
    case cancelled
    /// `plan` declared something the host cannot do; the text says what and what is legal.
    case plan(String)
    /// It needs to know something of each row that the data does not say.
    case unsupervised(Supervision)
    /// It reads the texts of the data, and there are none.
    case textless
    /// A value is NaN or infinite: which tensor, the first index as text ("[3, 17]"), the value as text.
    case notFinite(tensor: String, index: String, value: String)
    /// A write outside of a buffer.
    case outOfBounds(String)
    /// Another rule of the header was broken.
    case contract(String)
    /// The plugin's own process ended; how, as text.
    case died(String)
    /// The plugin's own process was ended because a call took longer than so many seconds.
    case deadline(Double)
  }

  init(
    _ component: PluginComponent, instance: String, values: ParameterValues, _ function: PluginFunction, step: Int64?,
    _ reason: Reason
  ) {
    self.component = component.id
    self.instance = instance
    library = component.library.path
    sha256 = component.library.sha256
    self.function = function
    self.step = step
    parameters = values.resolved.map { "\($0.0)=\($0.1)" }.joined(separator: ", ")
    self.reason = reason
  }

  /// `library.id.name` of the component, and the name of the instance where it differs.
  package let component: String
  /// The instance's name in the run.
  package let instance: String
  /// Where the library was found.
  package let library: String
  /// Lower-case hexadecimal digits of the library's SHA-256.
  package let sha256: String
  /// The one that was called.
  package let function: PluginFunction
  /// The optimiser step, or nil outside of training steps.
  package let step: Int64?
  /// Parameter values, `lambda=0.2, mask=zero`.
  package let parameters: String
  /// What was wrong.
  package let reason: Reason

  /// 69: a plugin failed; 65: the data is not for it.
  package var exitCode: Int32 {
    switch reason {
    case .unsupervised, .textless: 65
    default: 69
    }
  }

  /// Who, where, what was wrong, and with which parameters.
  package var description: String {
    let place = step.map { " at step \($0)" } ?? ""
    let settings = parameters.isEmpty ? "no parameters" : "parameters: \(parameters)"
    let name = component.hasSuffix(".\(instance)") ? component : "\(component) (as \(instance))"
    return "plugin \(name), \(function.rawValue)\(place): \(reasonText)"
      + "\n  library: \(library) (sha256 \(sha256.prefix(12)))\n  \(settings)"
  }

  private var reasonText: String {
    switch reason {
    case .status(let status, let text):
      let label = Self.statusName(status)
      return text.isEmpty ? "it failed with status \(label) and gave no reason" : "\(text) (status \(label))"
    case .cancelled: return "stopped because the run was asked to end"
    case .plan(let text): return "its plan cannot be used: \(text)"
    case .unsupervised(let missing): return Self.advice(missing)
    case .textless:
      return "it reads the texts of the data, and there are none here, as in a probe or where embeddings come from a"
        + " file; train with it on a file of texts"
    case .notFinite(let tensor, let index, let value):
      return index.isEmpty
        ? "\(tensor) is \(value); expected a finite number"
        : "\(tensor) holds \(value) at \(index); expected finite numbers"
    case .outOfBounds(let text): return "\(text); a plugin may write only inside the buffers it is given"
    case .contract(let text): return text
    case .died(let text): return "its process \(text); the run itself is unharmed"
    case .deadline(let seconds):
      return "it did not return within \(ParameterRange.shortText(seconds)) s (--plugin-deadline), and its process was"
        + " ended; the run itself is unharmed"
    }
  }

  private static func advice(_ missing: Supervision) -> String {
    missing.contains(.scores)
      ? "it needs a score for each pair, and the data has none; a column named score has them, or name one:"
        + " --columns anchor=COLUMN,positive=COLUMN,score=COLUMN"
      : "it needs the class of each row, and the data has none; a column named label has them, or name one:"
        + " --columns anchor=COLUMN,label=COLUMN"
  }

  private static func statusName(_ status: Int32) -> String {
    switch Int(status) {
    case Int(CSE_E_INVALID): "1, invalid"
    case Int(CSE_E_UNSUPPORTED): "2, unsupported"
    case Int(CSE_E_NOMEM): "3, out of memory"
    case Int(CSE_E_CANCELLED): "4, cancelled"
    case Int(CSE_E_NUMERIC): "5, numeric"
    case Int(CSE_E_INTERNAL): "6, internal"
    default: "\(status), which the header does not define"
    }
  }
}
