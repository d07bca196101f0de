// The encoder beside this program's own that a comparison's runs compute with, opened once before the first of them: a
// library, driver or Python that is missing is found here, and what computes is known to the report. It is opened in a
// process of its own (`mixcse open-encoder`), which a mistake may end, and which gives the device back. Used by
// ComparisonPlan.

package import Files
import Processes
import Training

/// What an opened encoder says of itself.
package struct OpenedEncoder: Sendable, Equatable {
  /// How encoders are opened before the first run.
  struct Opening {
    /// The file of this program.
    var program: String
    /// Runs are carried out on other machines: what is known there only is not asked for here.
    var isElsewhere: Bool
  }

  /// In words: `encoder torch: torch 2.11.0 on NVIDIA H200, bf16, dropout of its own`; empty where it is opened
  /// elsewhere.
  package var text: String
  /// Of what computes, as run identities name it.
  package var version: String
  /// What it computes with and on: `torch 2.11.0`, `NVIDIA H200`; the device is empty where it is elsewhere.
  package var library, deviceName: String
  /// The longest sequence that it takes.
  package var maximumTokens: Int

  /// An encoder by its parts.
  package init(text: String, version: String, library: String, deviceName: String, maximumTokens: Int) {
    (self.text, self.version, self.library, self.deviceName) = (text, version, library, deviceName)
    self.maximumTokens = maximumTokens
  }

  /// As one process says it to the other.
  package var json: JSONValue {
    .object(
      JSONObject([
        ("text", .string(text)), ("version", .string(version)), ("library", .string(library)),
        ("deviceName", .string(deviceName)), ("maximumTokens", .integer(maximumTokens)),
      ]))
  }

  private init?(_ json: JSONValue?) {
    guard let members = json?.object, let text = members["text"]?.string, let version = members["version"]?.string,
      let library = members["library"]?.string, let deviceName = members["deviceName"]?.string,
      let maximumTokens = members["maximumTokens"]?.integer
    else { return nil }
    self.init(
      text: text, version: version, library: library, deviceName: deviceName, maximumTokens: maximumTokens)
  }

  /// Opens the encoder of a run in a process of its own, and lets it compute a few tokens. Of runs elsewhere, whose
  /// device is not here, only transformers are opened, on processors: they know models and versions that nobody else
  /// does.
  /// - Returns: nil where this program's own encoder computes, or a library that is opened elsewhere.
  /// - Throws: `ComparisonError.encoder` with what that process says; `ComparisonError.system`.
  init?(of run: RunDescription, _ opening: Opening) throws {
    let program = opening.program
    guard !run.encoder.isOwn else { return nil }
    var run = run
    if opening.isElsewhere {
      guard run.encoder.isTransformers else { return nil }
      (run.encoder.device, run.encoder.precision) = ("cpu", nil)
    }
    let arguments =
      ["open-encoder", "--model", run.model] + run.encoder.arguments
      + (run.training.dropout.map { ["--dropout", "\($0)"] } ?? [])
      + (run.training.trainsMaskedLanguage ? ["--mlm"] : []) + run.plugins.arguments
    let child: ChildOutput
    do { child = try ChildOutput(of: program, arguments) } catch {
      throw ComparisonError.system(path: program, operation: error.operation, code: error.code)
    }
    guard child.isSuccess, let opened = OpenedEncoder(try? JSONValue.parse(Array(child.output.utf8))) else {
      throw Self.failure(child)
    }
    self = opened
    if opening.isElsewhere { (text, deviceName) = ("", "") }
  }

  private static func failure(_ child: ChildOutput) -> ComparisonError {
    let said = child.errors.split(separator: "\n").drop { !$0.hasPrefix("error: ") }.joined(separator: "\n")
    switch child.end {
    case .exited(let code) where code != 0 && !said.isEmpty:
      return .encoder(String(said.trimmingPrefix("error: ")), code: code)
    case .signalled(let signal):
      return .encoder("opening the encoder ended a process by \(SignalName.explained(signal))", code: 69)
    default: return .encoder("opening the encoder ended a process without a word", code: 69)
    }
  }
}

extension EncoderDescription {
  /// The flags that say this, for a child process.
  fileprivate var arguments: [String] { scoringArguments + (precision.map { ["--precision", $0] } ?? []) }

  /// The flags of `mixcse evaluate` for models that this encoder has trained: final models are scored in float32,
  /// whatever they were trained in.
  var scoringArguments: [String] {
    guard let name, !isOwn else { return [] }
    return ["--encoder", name] + (device.map { ["--device", $0] } ?? [])
  }
}
