// SentEval's folder of data sets and where in it each task lies. Used by the readers of all tasks.

import Files

/// SentEval's `downstream` folder.
package struct DownstreamFolder: Sendable {
  /// The folder that holds STS, SICK, MR and the others.
  package let path: String

  /// `path` holds or is the folder.
  /// - Throws: `EvaluationError.notFound`.
  package init(path: String) throws {
    let inner = [path + "/downstream", path + "/data/downstream", path]
    let known = ["STS", "SICK", "MR", "CR", "SUBJ", "MPQA", "SST", "TREC", "MRPC"]
    guard let found = inner.first(where: { folder in known.contains { Path.isFolder(folder + "/" + $0) } }) else {
      throw EvaluationError.notFound(
        path: path, expected: "SentEval's downstream (a folder with STS, SICK, MR, ...) or a folder that holds it")
    }
    self.path = found
  }

  func file(_ name: String) -> String { path + "/" + name }

  /// Whether the folder of a task is there.
  package func holds(_ task: EvaluationTask) -> Bool { Path.isFolder(file(task.folder)) }
}
