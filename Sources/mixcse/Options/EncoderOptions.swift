// The flags that say which encoder computes, and on what; shared by the subcommands that encode.

import ArgumentParser
import Objective
import Training

/// `--precision`.
struct PrecisionOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What products are made in: f32, bf16, or tf32 (plugins alone). (default: f32)",
      discussion: """
        The native encoder rounds the operands of products with its weights to bfloat16 and adds up in float32: faster \
        where the processor has instructions for it. In an encoder plugin, dropout masks are those of the native \
        encoder with f32 and tf32; with bf16, the fast one, they are the device's own. transformers has f32 and bf16, \
        and masks of its own. Weights, gradients and moments are float32 always.
        """))
  var precision: String?

  /// Puts what was typed over a description.
  func apply(to run: inout RunDescription) { run.take(\.encoder.precision, precision) }
}

/// `--encoder`, `--device`, `--precision`.
struct EncoderOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What computes hidden states: native, transformers, or an encoder plugin by name or path. (default: native)",
      discussion: """
        `mixcse encoder build torch` makes the plugin torch from the libtorch of a Python environment. transformers is \
        a process of Python's (MIXCSE_PYTHON) and takes any model that its AutoModel loads. Checkpoints and exports are \
        the same, and a run may go on with another encoder, which a note says.
        """, valueName: "name"))
  var encoder: String?

  @Option(help: ArgumentHelp("Where an encoder beside native computes: cpu, cuda or cuda:N. (default: cuda)"))
  var device: String?

  @OptionGroup var products: PrecisionOption

  /// Puts what was typed over a description.
  func apply(to run: inout RunDescription) {
    run.take(\.encoder.name, encoder)
    run.take(\.encoder.device, device)
    products.apply(to: &run)
  }

  func validate() throws {
    var run = RunDescription()
    apply(to: &run)
    // Settings without a plugin may belong to a file's; train looks at the whole description.
    if encoder == nil { run.encoder.name = "any" }
    do { try run.check() } catch let error as TrainingError { throw ValidationError("\(error)") }
  }
}
