// What can go wrong with a model folder, its files and what is written: one case per kind, each with what was
// expected, what was found, where, and what to do. Thrown throughout Encoder, printed by the command.

import Glibc

/// An error of the Encoder module.
package enum EncoderError: Error, Equatable {
  /// A file or folder that must be there is not.
  case notFound(path: String, expected: String)
  /// The operating system refused to open or read a file.
  case unreadable(path: String, operation: String, code: Int32)
  /// A file whose contents break its format, at a named place.
  case malformed(path: String, place: String, expected: String, found: String)
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
  /// The operating system refused to write.
  case cannotWrite(path: String, operation: String, code: Int32)
  /// Something stands where the output should go, and replacing it could lose work.
  case wouldOverwrite(path: String, found: String)
  /// A sequence of a batch with no token or with more than the model has positions for.
  case sequenceLength(sequence: Int, tokens: Int, maximum: Int)
  /// A token id of a batch outside the vocabulary.
  case tokenOutOfRange(sequence: Int, position: Int, token: Int32, vocabularySize: Int)
}

extension EncoderError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notFound(let path, let expected):
      return "\(path): not found; expected \(expected). Check the path"
    case .unreadable(let path, let operation, let code):
      return "\(path): \(operation) failed: \(Self.text(of: code))"
    case .malformed(let path, let place, let expected, let found):
      return "\(path): \(place): expected \(expected), found \(found). The file is broken or incomplete; fetch it again"
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
      return "\(path): tensor \(name): expected type F32, F16 or BF16, found \(found). Convert the checkpoint"
    case .cannotWrite(let path, let operation, let code):
      return "\(path): \(operation) failed: \(Self.text(of: code))\(Self.advice(for: code)). Nothing was replaced"
    case .wouldOverwrite(let path, let found):
      return "\(path): expected a new, an empty or an earlier exported folder, found \(found) in it. "
        + "Choose another folder or move it away"
    case .sequenceLength(let sequence, let tokens, let maximum):
      return "sequence \(sequence) of the batch: expected 1 to \(maximum) tokens, found \(tokens). "
        + "Cut sequences to the model's maximum length"
    case .tokenOutOfRange(let sequence, let position, let token, let vocabularySize):
      return "sequence \(sequence) of the batch, position \(position): expected a token id from 0 to "
        + "\(vocabularySize - 1), found \(token). Does the tokenizer belong to this model?"
    }
  }

  /// The exit code of the command for this error: 65 bad data, 66 a file is missing, 75 stopped by a limit.
  package var exitCode: Int32 {
    switch self {
    case .notFound, .unreadable: return 66
    case .cannotWrite(_, _, let code): return Self.isFull(code) ? 75 : 66
    case .wouldOverwrite: return 64
    default: return 65
    }
  }

  private static func isFull(_ code: Int32) -> Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }

  private static func advice(for code: Int32) -> String {
    if isFull(code) { return "; free some space or choose another disk, then run again" }
    if code == EACCES || code == EPERM || code == EROFS { return "; choose a folder you may write to" }
    return ""
  }

  private static func text(of code: Int32) -> String {
    strerror(code).map { String(cString: $0) } ?? "error \(code)"
  }
}
