// The flags that say which encoder computes, and on what; shared by the subcommands that encode.

import ArgumentParser
import Objective
import Training

/// `--encoder`, `--device`, `--precision`.
struct EncoderOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What computes hidden states: native, or an encoder plugin by name or path. (default: native)",
      discussion: """
        `mixcse encoder build torch` makes the plugin torch from the libtorch of a Python environment. Checkpoints and \
        exports are the same, and a run may go on with another encoder, which a note says.
        """, valueName: "name"))
  var encoder: String?

  @Option(help: ArgumentHelp("Where an encoder plugin computes: cpu, cuda or cuda:N. (default: cuda)"))
  var device: String?

  @Option(
    help: ArgumentHelp(
      "What an encoder plugin makes products in: f32, tf32 or bf16. (default: f32)",
      discussion: """
        With f32 and tf32 dropout masks are those of the native encoder; with bf16, the fast one, they are the device's \
        own. Weights, gradients and moments are float32 always.
        """))
  var precision: String?

  /// Puts what was typed over a description.
  func apply(to run: inout RunDescription) {
    run.take(\.encoder.name, encoder)
    run.take(\.encoder.device, device)
    run.take(\.encoder.precision, precision)
  }

  func validate() throws {
    var run = RunDescription()
    apply(to: &run)
    // Settings without a plugin may belong to a file's; train looks at the whole description.
    if encoder == nil { run.encoder.name = "any" }
    do { try run.check() } catch let error as TrainingError { throw ValidationError("\(error)") }
  }
}
