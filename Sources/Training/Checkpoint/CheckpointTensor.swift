// What of a model goes into a checkpoint beside its parameters. Collected by the models, written by CheckpointFile.

/// A tensor to be saved or restored; the memory belongs to the caller.
package struct CheckpointTensor {
  /// Distinct among the tensors of a checkpoint.
  package var name: String
  /// `F32`, `I64`, ... as in safetensors.
  package var type: String
  /// Sizes, the slowest first.
  package var shape: [Int]
  /// Its bytes, read when saving and filled when restoring.
  package var memory: UnsafeMutableRawBufferPointer
  /// Where there is one, the tensor may be missing: those of a group are restored all together or not at all.
  package var optionalGroup: String?

  /// A tensor over memory that lives as long as the model.
  package init(
    name: String, type: String, shape: [Int], memory: UnsafeMutableRawBufferPointer, optionalGroup: String? = nil
  ) {
    self.optionalGroup = optionalGroup
    self.name = name
    self.type = type
    self.shape = shape
    self.memory = memory
  }
}
