// The tensors of a checkpoint under canonical names, whatever file format they came from. Opened by
// ModelFolder.openWeights, emptied by TransformerEncoder, asked afterwards what nobody took.

import Encoder

/// The named tensors of a checkpoint: Hugging Face's names without a `bert.` or `roberta.` prefix.
package final class WeightTable: WeightSource {
  /// The checkpoint file or index, for messages.
  package var path: String { source.path }
  /// Canonical names in the order of the file.
  package let names: [String]
  private let source: any TensorSource
  private let indices: [String: Int]
  private var copied: Set<String> = []

  /// - Throws: `ModelFileError.ambiguousTensor` where two tensors of the file mean the same name.
  package init(_ source: any TensorSource) throws {
    self.source = source
    var indices: [String: Int] = [:]
    names = try source.entries.enumerated().map { index, entry in
      let name = TensorNames.canonical(entry.name)
      if let other = indices.updateValue(index, forKey: name) {
        throw ModelFileError.ambiguousTensor(
          path: source.path, name: name, first: source.entries[other].name, second: entry.name)
      }
      return name
    }
    self.indices = indices
  }

  /// Whether the checkpoint has a tensor of that name.
  package func contains(_ name: String) -> Bool { indices[name] != nil }

  /// The shape of a tensor, or nil where the checkpoint lacks it.
  package func shape(of name: String) -> [Int]? { indices[name].map { source.entries[$0].shape } }

  /// Whether the tensor is there in a type that can be loaded (F32, F16, BF16, F64).
  package func isLoadable(_ name: String) -> Bool { indices[name].map { source.entries[$0].type.isLoadable } ?? false }

  /// Checks names, shapes and types of everything a model needs before anything is loaded.
  /// - Throws: `ModelFileError.missingTensors` with all that are missing, `.tensorShape`, `.tensorType`.
  package func require(_ wanted: [(name: String, shape: [Int])]) throws {
    let missing = wanted.map(\.name).filter { !contains($0) }
    guard missing.isEmpty else { throw ModelFileError.missingTensors(path: path, names: missing) }
    for (name, shape) in wanted { _ = try checkLoadable(name, shape) }
  }

  /// Reads a tensor as float32, row-major; `destination` has room for the product of `shape`.
  /// - Throws: `FileError`, `ModelFileError` where the tensor is missing, of another shape or type, or cannot be read.
  package func copy(_ name: String, shape: [Int], into destination: UnsafeMutablePointer<Float>) throws {
    try source.read(try checkLoadable(name, shape), into: destination)
    copied.insert(name)
  }

  /// Reads a tensor of whole numbers (I64), row-major; `destination` has room for the product of `shape`.
  /// - Throws: `FileError`, `ModelFileError` where the tensor is missing, of another shape or type, or cannot be read.
  package func copy(_ name: String, shape: [Int], integers destination: UnsafeMutablePointer<Int64>) throws {
    try source.read(try check(name, shape), integers: destination)
    copied.insert(name)
  }

  /// Canonical names nobody has copied so far: parts of the checkpoint this program does not use.
  package var unused: [String] { names.filter { !copied.contains($0) } }

  /// The same for a tensor that can be read as float32.
  private func checkLoadable(_ name: String, _ shape: [Int]) throws -> Int {
    let index = try check(name, shape)
    let entry = source.entries[index]
    guard entry.type.isLoadable else {
      throw ModelFileError.tensorType(path: path, name: entry.name, found: entry.type.name)
    }
    return index
  }

  /// The index of a tensor of that shape.
  private func check(_ name: String, _ shape: [Int]) throws -> Int {
    guard let index = indices[name] else { throw ModelFileError.missingTensors(path: path, names: [name]) }
    let entry = source.entries[index]
    guard entry.shape == shape else {
      throw ModelFileError.tensorShape(path: path, name: entry.name, expected: shape, found: entry.shape)
    }
    try entry.refuseRepeats(path)
    return index
  }
}
