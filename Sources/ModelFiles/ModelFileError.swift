// What can be wrong with a model folder whose files are whole: one case per kind, each with what was expected, what was
// found, where, and what to do. Thrown throughout ModelFiles, printed by the command; broken files are `FileError`s.

/// A model folder that asks for what is not built, or whose files contradict each other.
package enum ModelFileError: Error, Equatable {
  /// A well-formed file that asks for something this program does not do.
  case unsupported(path: String, what: String, found: String, supported: String)
  /// Two tensors of a checkpoint claim one name.
  case ambiguousTensor(path: String, name: String, first: String, second: String)
  /// Tensors the model needs and the checkpoint lacks.
  case missingTensors(path: String, names: [String])
  /// A tensor whose shape contradicts the configuration.
  case tensorShape(path: String, name: String, expected: [Int], found: [Int])
  /// A wanted tensor stored in a type that is not read.
  case tensorType(path: String, name: String, found: String)
  /// A folder without weights in a form that is read; `found` are those in other forms.
  case noWeights(path: String, expected: [String], found: [String])
}

extension ModelFileError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unsupported(let path, let what, let found, let supported):
      return "\(path): \(what) is \(found), which is not supported; supported: \(supported)"
    case .ambiguousTensor(let path, let name, let first, let second):
      return "\(path): the tensors \"\(first)\" and \"\(second)\" both mean \(name); one of them must go"
    case .missingTensors(let path, let names):
      let more = names.count > 8 ? " and \(names.count - 8) more" : ""
      return "\(path): \(names.count) tensor(s) the configuration asks for are missing: "
        + names.prefix(8).joined(separator: ", ") + more + ". Does config.json belong to this checkpoint?"
    case .tensorShape(let path, let name, let expected, let found):
      return "\(path): tensor \(name): expected shape \(expected) by the configuration, found \(found). "
        + "Does config.json belong to this checkpoint?"
    case .tensorType(let path, let name, let found):
      return "\(path): tensor \(name): expected type F32, F16, BF16 or F64, found \(found). Convert the checkpoint"
    case .noWeights(let path, let expected, let found):
      let names = expected.joined(separator: ", ")
      guard !found.isEmpty else { return "\(path): expected one of \(names) in it, found no weights. Check the path" }
      return "\(path): expected one of \(names) in it, found only \(found.prefix(8).joined(separator: ", ")). "
        + "Fetch the model's weights for PyTorch, or save them so: save_pretrained of transformers"
    }
  }

  /// The exit code of the command for this error: bad data, or a file that is not there.
  package var exitCode: Int32 { if case .noWeights = self { 66 } else { 65 } }
}
