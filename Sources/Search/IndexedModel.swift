// Which model made the vectors of an index, and how it was opened: what a query has to be embedded with as well.

import Files
package import Host
package import ModelFiles

/// The model that made the vectors of an index.
package struct IndexedModel: Sendable, Equatable {
  /// The folder as it was named, for those who open the index without naming one.
  package var folder: String
  /// What decides the vectors: the files of the folder by name, and their SHA-256.
  package var digests: [String: String]
  /// The pooler, as text.
  package var pooler: String
  /// Its vector is taken before the head.
  package var beforeHead: Bool
  /// Tokens of a text at most; nil: what the folder says.
  package var maximumLength: Int?
  /// What was put before each text; nil: the folder's default prompt. Queries have one of their own.
  package var prompt: String?

  /// A model by its parts.
  package init(folder: String, digests: [String: String], pooler: String, beforeHead: Bool, maximumLength: Int?) {
    (self.folder, self.digests, self.maximumLength) = (folder, digests, maximumLength)
    (self.pooler, self.beforeHead) = (pooler, beforeHead)
  }

  /// A folder with the settings it is opened with.
  /// - Throws: the errors of reading its files.
  package init(_ folder: ModelFolder, pooler: PoolerSpec, maximumLength: Int?, prompt: String? = nil) throws {
    self.init(
      folder: Path.resolved(folder.path) ?? folder.path,
      digests: Dictionary(uniqueKeysWithValues: try ModelFolder.digests(folder.path)), pooler: pooler.text,
      beforeHead: pooler.skipsHead, maximumLength: maximumLength)
    self.prompt = prompt
  }

  /// What is another in `other`, for messages; nil where both make the same vectors.
  package func difference(from other: IndexedModel) -> String? {
    if digests != other.digests {
      let names = Set(digests.keys).union(other.digests.keys).filter { digests[$0] != other.digests[$0] }
      return "another \(names.sorted().joined(separator: ", "))"
    }
    if (pooler, beforeHead) != (other.pooler, other.beforeHead) {
      return "pooler \(other.pooler)\(other.beforeHead ? " before the head" : "")"
    }
    if maximumLength != other.maximumLength {
      return "a limit of \(other.maximumLength.map { "\($0) tokens" } ?? "the folder's own length")"
    }
    return nil
  }
}
