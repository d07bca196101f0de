// The tensors an instance owns between steps: states that its commit writes, weights that the optimiser moves.
// Allocated by PluginInstance from its plan; read and written back by checkpoints.

import Kernels
import PluginAPI

/// A named state of a plugin instance; checkpoints save and restore its bytes.
package final class StateTensor {
  /// `plugin.<instance>.<name>`
  package let name: String
  /// What the plan declared.
  package let declaration: TensorDeclaration
  /// What the plugin sees.
  package let tensor: Tensor
  private var undo: GuardedBuffer?

  init(_ declaration: TensorDeclaration, instance: String, seed: UInt64) {
    name = "plugin.\(instance).\(declaration.name)"
    self.declaration = declaration
    let storage = GuardedBuffer(
      byteCount: declaration.count * declaration.element.size, label: "state '\(declaration.name)'")
    tensor = Tensor(shape: declaration.shape, element: declaration.element, storage: storage)
    declaration.fill(storage.pointer, seed: seed, instance: instance)
  }

  /// Number of elements along each dimension.
  package var shape: [Int] { declaration.shape }
  /// The type of its elements.
  package var element: ElementType { declaration.element }
  /// The values, row-major without padding.
  package var bytes: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: tensor.dl.pointee.data, count: declaration.count * declaration.element.size)
  }

  /// Copies the values, for `restore`.
  func remember() {
    let copy = undo ?? GuardedBuffer(byteCount: bytes.count, label: "copy of a state", .own)
    undo = copy
    copy.pointer.copyMemory(from: tensor.floats, byteCount: bytes.count)
  }

  /// Takes the values of the last `remember` back.
  func restore() {
    guard let undo else { return }
    UnsafeMutableRawPointer(tensor.floats).copyMemory(from: undo.pointer, byteCount: bytes.count)
  }
}

/// A weight of a plugin instance with the buffer its gradients are written to before they are scaled and added.
final class PluginWeight {
  let declaration: TensorDeclaration
  let parameter: Parameter
  let tensor: Tensor
  let gradient: Tensor

  init(_ declaration: TensorDeclaration, instance: String, seed: UInt64) {
    self.declaration = declaration
    parameter = Parameter(
      name: "plugin.\(instance).\(declaration.name)", shape: declaration.shape, decays: declaration.decays,
      learningRateMultiplier: declaration.learningRateMultiplier, .shown)
    declaration.fill(parameter.value, seed: seed, instance: instance)
    tensor = Tensor(shape: declaration.shape)
    tensor.point(to: parameter.value)
    gradient = Tensor(
      shape: declaration.shape,
      storage: GuardedBuffer(byteCount: declaration.count * 4, label: "dweights '\(declaration.name)'"))
  }

  /// Adds `scale` times the collected gradient to the parameter's.
  func fold(scale: Float) {
    let source = gradient.floats
    for index in 0..<declaration.count { parameter.gradient[index] += scale * source[index] }
  }
}
