// Which encoder computes: this program's own, a plugin, or a process of Python's with transformers; on which device and
// in which precision. From the flags of train, encode and evaluate to an encoder of a model folder.

package import Encoder
package import Host
import Kernels
package import ModelFiles
import PluginAPI

/// What products are made in; weights, gradients and moments stay float32.
package enum Precision: String, Sendable, CaseIterable {
  /// float32.
  case f32
  /// float32 rounded to 10 bits of fraction, where a device has units for that.
  case tf32
  /// bfloat16, 7 bits of fraction.
  case bf16

  /// Those of this program's own encoder.
  package static let own: [Precision] = [.f32, .bf16]

  var number: UInt32 {
    switch self {
    case .f32: UInt32(CSE_F32)
    case .tf32: UInt32(CSE_TF32)
    case .bf16: UInt32(CSE_BF16)
    }
  }
}

/// An encoder beside this program's own, with what it is to run on.
package struct EncoderChoice: Sendable {
  /// The name of this program's own encoder.
  package static let own = "native"
  /// The name of the one in a process of Python's.
  package static let transformers = PythonEncoder.name

  /// The component of kind 4; nil: transformers.
  package let component: PluginComponent?
  /// `cpu`, `cuda`, `cuda:1`, as typed.
  package let device: String
  /// What products are made in.
  package let precision: Precision
  /// Among the processes of this machine that each open it.
  package var seat = EncoderSeat.alone
  /// For transformers what the process said of itself, once a folder was opened by it.
  private var runtime = ""

  /// Looks a plugin up.
  /// - Throws: `PluginError` where there is none, or it cannot be loaded.
  package init(_ name: String, device: String?, precision: Precision, registry: PluginRegistry) throws {
    self.init(component: try registry.encoder(name), device: device, precision: precision)
  }

  /// Transformers. No process is started before a folder is opened.
  package init(transformersOn device: String?, precision: Precision) {
    self.init(component: nil, device: device, precision: precision)
  }

  private init(component: PluginComponent?, device: String?, precision: Precision) {
    (self.component, self.precision) = (component, precision)
    self.device = device ?? "cuda"
  }

  /// For messages: `torch`.
  package var name: String { component?.name ?? Self.transformers }
  /// For records: `library.id.name`, or `transformers`.
  package var id: String { component?.id ?? Self.transformers }
  /// Of what computes; of transformers nothing before a folder was opened.
  package var version: String { component?.library.version ?? runtime }
  /// The kind of device, without its number: `cpu`, `cuda`.
  package var deviceKind: String { String(device.prefix { $0 != ":" }) }

  /// Whether it can be opened with a head for masked words; of transformers it is known when they have read a model.
  /// - Throws: `PluginRefusal` where the plugin's table cannot be used.
  package func learnsMaskedWords() throws -> Bool { try component.map(EncoderPlugin.learnsMaskedWords) ?? true }

  /// The same, with what is known now that a folder was opened.
  package func after(opening folder: ModelFolder) -> EncoderChoice {
    running((folder.foreign as? TransformersModel)?.encoder.model.version ?? "")
  }

  /// The same, with the version that a process has said; a plugin has one of its own.
  package func running(_ version: String) -> EncoderChoice {
    var choice = self
    choice.runtime = version
    return choice
  }

  /// What opening a folder needs to know.
  package struct Opening {
    /// Of the run: decides dropout.
    package var seed: UInt64
    /// In place of the model's own probabilities; nil: as the model has them.
    package var dropout: Double?
    /// Seconds that one call into a process may take; 0: any time.
    package var deadline: Double
    /// Threads, and who takes what a process prints.
    package var services: HostServices
    /// With a head for masked words.
    package var masked: Bool

    /// An opening by its parts.
    package init(
      seed: UInt64, dropout: Double?, deadline: Double, services: HostServices, masked: Bool = false
    ) {
      (self.seed, self.dropout, self.deadline, self.services) = (seed, dropout, deadline, services)
      self.masked = masked
    }
  }

  /// Opens a model folder as this encoder reads it: transformers loads the model at once, whatever its architecture.
  /// - Throws: errors of the folder; `EncoderFailure` where there is no Python with transformers, or it cannot load it.
  package func openFolder(_ path: String, _ opening: Opening) throws -> ModelFolder {
    guard component == nil else { return try ModelFolder(path: path) }
    return try ModelFolder(path: path) { folder, changes in
      let bounds = Isolation.Bounds(
        deadline: opening.deadline, memoryBytes: 0, threads: opening.services.pool.threads)
      var order = PythonEncoder.Order(
        folder: folder, overrides: changes, device: device, precision: precision.rawValue, seed: opening.seed,
        dropout: opening.dropout)
      (order.seat, order.masked) = (seat, opening.masked)
      return TransformersModel(
        try PythonEncoder(order, PythonSettings(bounds: bounds, logger: opening.services.logger)))
    }
  }

  /// The encoder of a folder.
  /// - Parameters:
  ///   - seed: decides dropout, and what a head begins with that the folder lacks.
  ///   - masked: with a head for masked words; transformers have it where the folder was opened with one.
  /// - Throws: `EncoderFailure`, errors of the weights.
  package func open(
    _ folder: ModelFolder, weights: any WeightSource, services: HostServices, seed: UInt64, masked: Bool = false
  ) throws -> PluginEncoder {
    if let component {
      return try PluginEncoder(
        self, component, configuration: folder.configuration, weights: weights, services: services, seed: seed,
        masked: masked)
    }
    guard let model = folder.foreign as? TransformersModel else {
      preconditionFailure("a folder for transformers is opened by openFolder")
    }
    return try PluginEncoder(model, pool: services.pool, seed: seed)
  }
}

/// A model that transformers has loaded. Used by one thread at a time, as every encoder is.
final class TransformersModel: ForeignModel, @unchecked Sendable {
  let encoder: PythonEncoder

  init(_ encoder: PythonEncoder) { self.encoder = encoder }

  var shape: EncoderShape {
    let model = encoder.model
    return EncoderShape(
      vocabularySize: model.vocabulary, hiddenSize: model.hidden, layerCount: model.layers,
      maximumPositions: model.positions, hiddenDropout: model.hiddenDropout, attentionDropout: model.attentionDropout)
  }
}
