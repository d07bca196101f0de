// What `--guide` names: a model folder with the pooler to use on it, or vectors in files.

import Files

/// A frozen encoder of a run, as it is written on the command line.
package struct GuideName: Sendable, Equatable {
  /// Where its vectors come from.
  package enum Source: Sendable, Equatable {
    /// A model folder; nil: the pooler it records.
    case model(folder: String, pooler: String?)
    /// A .npy file for each text column of the training file, with a vector for each row.
    case files([String])
  }

  /// As typed.
  package let text: String
  /// Where its vectors come from.
  package let source: Source

  /// Reads `DIR[:pooler]` or `FILE.npy[,FILE.npy...]`. A colon that is part of the folder's own name stays with it.
  package init(_ text: String) {
    self.text = text
    if text.hasSuffix(".npy") {
      source = .files(text.split(separator: ",", omittingEmptySubsequences: false).map(String.init))
      return
    }
    let colons = text.indices.filter { text[$0] == ":" }
    let colon = Path.exists(text) ? nil : colons.last { Path.isFolder(String(text[..<$0])) } ?? colons.last
    source = .model(
      folder: colon.map { String(text[..<$0]) } ?? text, pooler: colon.map { String(text[text.index(after: $0)...]) })
  }

  /// What is read, for those who must not write over it.
  package var paths: [String] {
    switch source {
    case .model(let folder, _): [folder]
    case .files(let files): files
    }
  }

  /// What decides its vectors: the contents of its files, not where they lie.
  /// - Throws: the errors of reading.
  package func digests() throws -> [String] {
    switch source {
    case .files(let files): return try files.map { try fileDigest($0).sha256 }
    case .model(let folder, let pooler):
      return try RunInputs.modelFiles(folder).map { "\($0.name) \($0.sha256)" }
        + (pooler.map { ["pooler \($0)"] } ?? [])
    }
  }
}
