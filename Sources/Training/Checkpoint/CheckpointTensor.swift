// What of a model goes into a checkpoint beside its parameters. Collected by the models, written by CheckpointFile.

/// A tensor to be saved or restored; the memory belongs to the caller.
package struct CheckpointTensor {
  package var name: String
  /// `F32`, `I64`, ... as in safetensors.
  package var type: String
  package var shape: [Int]
  package var memory: UnsafeMutableRawBufferPointer
  /// Where there is one, the tensor may be missing: those of a group are restored all together or not at all.
  package var optionalGroup: String?

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
