// Which encoder computes: this program's own, or a plugin's with its device and precision. From the flags of train,
// encode and evaluate to an encoder of a model folder.

package import Encoder
package import Host
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

/// An encoder plugin with what it is to run on.
package struct EncoderChoice: Sendable {
  /// The name of this program's own encoder.
  package static let own = "native"

  /// The component of kind 4.
  package let component: PluginComponent
  /// `cpu`, `cuda`, `cuda:1`, as typed.
  package let device: String
  /// What products are made in.
  package let precision: Precision

  /// Looks a plugin up.
  /// - Throws: `PluginError` where there is none, or it cannot be loaded.
  package init(_ name: String, device: String?, precision: Precision, registry: PluginRegistry) throws {
    component = try registry.encoder(name)
    self.device = device ?? "cuda"
    self.precision = precision
  }

  /// The kind of device, without its number: `cpu`, `cuda`.
  package var deviceKind: String { String(device.prefix { $0 != ":" }) }

  /// The encoder of a folder.
  /// - Parameter seed: decides dropout.
  /// - Throws: `EncoderFailure`, errors of the weights.
  package func open(
    _ folder: ModelFolder, weights: any WeightSource, services: HostServices, seed: UInt64
  ) throws -> PluginEncoder {
    try PluginEncoder(
      self, configuration: folder.configuration, weights: weights, services: services, seed: seed)
  }
}
