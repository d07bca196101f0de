// The files of the model folder as they were when the run started: what an export copies from there must still be what
// was trained with. Made by TrainingPlan, asked by SentenceModel before it writes.

import Files

/// Notices that a model folder changed under a run.
final class ModelSeal {
  private let folder: String
  private let digests: [RunInputs.FileDigest]
  private var identities: [String: FileIdentity] = [:]

  /// - Parameter digests: of the files at the start.
  init(folder: String, _ digests: [RunInputs.FileDigest]) {
    (self.folder, self.digests) = (folder, digests)
    for file in digests { identities[file.name] = try? open(file).identity }
  }

  /// A file that was only touched is the same: its bytes are looked at where its time differs.
  /// - Throws: `TrainingError.changedFile`; `FileError` where a file is gone.
  func check() throws {
    for file in digests {
      let input = try open(file)
      guard input.identity != identities[file.name] else { continue }
      guard try digest(of: input) == file.sha256 else {
        throw TrainingError.changedFile(path: input.path, found: "a later change")
      }
      identities[file.name] = input.identity
    }
  }

  private func open(_ file: RunInputs.FileDigest) throws -> InputFile {
    try InputFile(path: folder + "/" + file.name, expected: "a file of the model, as when the run started")
  }
}
