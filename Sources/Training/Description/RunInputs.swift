// The hashes of what a run reads: its training file, the pairs it is scored on, its model. Part of a run's identity;
// made by TrainingPlan for one run and by ComparisonPlan for all of its runs.

package import Evaluation
package import Files
import ModelFiles

/// What the paths of a description lead to. SHA-256 in hexadecimal digits.
package struct RunInputs: Sendable, Equatable {
  /// Of the training file as it lies on the disk.
  package var trainFile: String
  /// Of the pairs, their order and their gold scores, not of how the files are laid out; nil: no evaluation.
  package var evalData: String?
  /// Of what each guide reads.
  package var guides: [String] = []
  /// Of the files of the model folder that a run reads, by name.
  package var model: [FileDigest]

  /// A file of the model folder.
  package struct FileDigest: Sendable, Equatable {
    /// Without the folder.
    package var name: String
    /// SHA-256 in hexadecimal digits.
    package var sha256: String
  }

  /// - Parameter evalData: the sub-datasets of the evaluation; nil without one.
  package init(trainFile: String, evalData: [PairSet]?, model: [FileDigest], guides: [String] = []) {
    self.trainFile = trainFile
    self.evalData = evalData.map(Self.digest)
    self.model = model
    self.guides = guides
  }

  /// By flag, as a run's identity names them.
  package var members: [(String, JSONValue)] {
    [
      ("--train-file (sha256)", .string(trainFile)),
      ("--eval-data (sha256 of the pairs)", evalData.map { .string($0) } ?? .null),
    ] + model.map { ("--model \($0.name) (sha256)", .string($0.sha256)) }
      + guides.enumerated().map { ("--guide \($0 + 1) (sha256)", .string($1)) }
  }

  /// The hash of sets of pairs.
  package static func digest(_ sets: [PairSet]) -> String {
    var text = ""
    for set in sets {
      for index in 0..<set.count { text += "\(set.gold[index])\t\(set.first[index])\t\(set.second[index])\n" }
      text += "\n"
    }
    return SHA256.digits(of: Array(text.utf8))
  }

  /// The hash of what a guide reads.
  /// - Throws: the errors of reading.
  package static func digest(_ guide: GuideName) throws -> String {
    SHA256.digits(of: Array(try guide.digests().joined(separator: "\n").utf8))
  }

  /// Hashes the files of a model folder that decide what a run computes.
  /// - Throws: the errors of reading.
  package static func modelFiles(_ folder: String) throws -> [FileDigest] {
    try ModelFolder.digests(folder).map { FileDigest(name: $0.name, sha256: $0.sha256) }
  }
}
