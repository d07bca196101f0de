// `--encoder`: which plugin computes, what such a run refuses, what is said and remembered of it. Used by TrainingPlan.

import Encoder
import Files
package import Host
package import Kernels
package import Objective

extension EncoderDescription {
  /// The name of this program's own encoder.
  package static let ownName = EncoderChoice.own

  /// Whether this program's own encoder computes.
  package var isOwn: Bool { name == nil || name == EncoderChoice.own }

  /// Whether a process of Python's computes.
  package var isTransformers: Bool { name == EncoderChoice.transformers }

  /// What this program's own encoder rounds the operands of products to, where it computes.
  package var ownPrecision: ProductPrecision { precision == Precision.bf16.rawValue ? .bf16 : .float32 }

  /// Whether this program's own encoder computes, and rounds what it multiplies.
  package var isRounded: Bool { isOwn && ownPrecision != .float32 }

  /// A setting that this program's own encoder does not have, where it computes.
  var problem: (name: String, problem: DescriptionProblem)? {
    guard isOwn else { return nil }
    if device != nil {
      return ("device", DescriptionProblem(expected: "--encoder with a plugin beside it", found: "none"))
    }
    guard let precision, !Precision.own.map(\.rawValue).contains(precision) else { return nil }
    let own = Precision.own.map(\.rawValue).joined(separator: " or ")
    return (
      "precision",
      DescriptionProblem(expected: "\(own), or --encoder with a plugin beside it", found: "'\(precision)'")
    )
  }

  private var products: Precision { precision.flatMap(Precision.init(rawValue:)) ?? .f32 }

  /// The encoder beside this program's own that was asked for; nil for this program's own.
  /// - Throws: `PluginError` where there is none, or it cannot be loaded; `UsageError.ambiguous`;
  ///   `TrainingError.usage` for what transformers cannot do.
  package func choice(in registry: PluginRegistry) throws -> EncoderChoice? {
    guard let name, !isOwn else { return nil }
    return try transformers() ?? EncoderChoice(name, device: device, precision: products, registry: registry)
  }

  /// Transformers, if that was asked for, which is in no registry.
  /// - Throws: `TrainingError.usage`.
  package func transformers() throws -> EncoderChoice? {
    guard isTransformers else { return nil }
    guard products != .tf32 else {
      throw TrainingError.usage(
        place: "--encoder transformers --precision", expected: "f32 or bf16", found: "tf32",
        advice: "tf32 is for encoder plugins, such as torch")
    }
    return EncoderChoice(transformersOn: device, precision: products)
  }
}

extension TrainingPlan {
  /// What computes in place of this program's own encoder, and on which kind of device: `mixcse.torch.torch 2.11.0
  /// cuda`; nil for this program's own.
  package var encoderName: String? { encoder.map { "\($0.id) \($0.version) \($0.deviceKind)" } }

  /// What no encoder beside this program's own can do yet, before anything is read.
  /// - Throws: `TrainingError.usage`; `PluginRefusal` where the plugin's table cannot be used.
  package func checkEncoderFlags() throws {
    guard let encoder else { return }
    guard encoder.component?.place == nil else {
      throw TrainingError.usage(
        place: "--encoder \(description.encoder.name ?? "") --isolate",
        expected: "the names of plugins beside the encoder, which runs in this process", found: "all plugins",
        advice: "Write --isolate=NAME,...")
    }
    guard options.trainsMaskedLanguage, try !encoder.learnsMaskedWords() else { return }
    let advice =
      encoder.component?.library.id == "mixcse.torch"
      ? "It is of an earlier version: build it again (mixcse encoder build torch)"
      : "Leave one out; this program's own encoder (native) has such a head, torch and transformers have"
    throw TrainingError.usage(
      place: "--encoder \(description.encoder.name ?? "") --mlm", expected: "an encoder that learns to guess words",
      found: "one that learns from hidden states alone", advice: advice)
  }

  /// Looks whether augmenters leave the encoder's dropout alone, which is one for all texts in a plugin. What they make
  /// of it they say no sooner than with a batch, so the first one is edited here.
  /// - Throws: `TrainingError.usage`; errors of the data, `PluginFailure`.
  func checkEncoder(_ strategy: Strategy, _ batches: BatchMaker, rows: Int) throws {
    guard encoder != nil, batches.augmentation != nil else { return }
    let first = DataOrder(rows: rows, seed: options.seed, isShuffled: options.isShuffled)
      .batch(epoch: 0, position: 0, size: options.batchSize)
    guard try batches.batch(rows: first, at: StepPosition()).packed.dropout != nil else { return }
    throw TrainingError.usage(
      place: "--encoder \(description.encoder.name ?? "")", expected: "augmenters that leave dropout as it is",
      found: "a dropout of its own for each text (\(strategy.augmenters.map(\.name).joined(separator: ", ")))",
      advice: "Only this program's own encoder (native) has that: leave out --encoder, or the augmenter")
  }
}

extension PluginEncoder {
  /// What the user is told when it is opened.
  package func text(_ choice: EncoderChoice) -> String {
    let masks = calls.facts.hasExactDropout ? "the dropout masks of the native encoder" : "dropout of its own"
    return "encoder \(choice.name): \(calls.facts.libraryName) on \(calls.facts.deviceName), "
      + "\(choice.precision.rawValue), \(masks)"
  }
}

extension RunIdentity {
  /// The member that says which encoder computes.
  package static let encoder = "encoder"
  /// The member that lists the encoders of earlier steps.
  static let earlierEncoders = "encoders before"

  /// What identifies an encoder plugin.
  static func record(_ choice: EncoderChoice) -> JSONValue {
    .object(
      JSONObject([
        ("id", .string(choice.id)), ("version", .string(choice.version)),
        ("sha256", choice.component.map { .string($0.library.sha256) } ?? .null),
        ("device", .string(choice.deviceKind)), ("precision", .string(choice.precision.rawValue)),
      ]))
  }

  /// For messages.
  var encoderText: String {
    guard let record = members[Self.encoder]?.object else { return EncoderChoice.own }
    return ["id", "version", "device", "precision"].compactMap { record[$0]?.string }.joined(separator: " ")
  }

  /// Goes on from a checkpoint of `earlier`, written after `step`: remembers its encoder where it is another one.
  /// - Returns: what the user should know; nil where nothing changed.
  mutating func takeOver(_ earlier: RunIdentity, step: Int) -> String? {
    var before = earlier.members[Self.earlierEncoders]?.array ?? []
    let hasChanged = earlier.members[Self.encoder] != members[Self.encoder]
    if hasChanged {
      before.append(
        .object(JSONObject([("until step", .integer(step)), (Self.encoder, earlier.members[Self.encoder] ?? .null)])))
    }
    members[Self.earlierEncoders] = before.isEmpty ? nil : .array(before)
    guard hasChanged else { return nil }
    return "going on with another encoder: \(earlier.encoderText) up to step \(step), \(encoderText) from here; the "
      + "numbers are not those of one of them alone"
  }
}
