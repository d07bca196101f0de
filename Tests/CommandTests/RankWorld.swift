// What tests of several ranks share: the library that connects them, built once with the MPI of this machine, and
// `mpirun` around the command.

import Foundation
import TestSupport
import Testing

/// The library over MPI.
enum RankLibrary {
  static let path: Result<String, any Error> = Result {
    let folder = FileManager.default.temporaryDirectory.path + "/ranks-\(getpid())"
    let built = try shell([Resources.command, "ranks", "build", "--output", folder])
    guard built.code == 0 else { throw RanksNotBuilt(description: built.errors) }
    return folder + "/libMixCSERanks.so"
  }
}

struct RanksNotBuilt: Error, CustomStringConvertible {
  let description: String
}

extension CommandWorld {
  /// `mpirun` for this many ranks on this machine, whoever runs it and however many processors there are.
  static func mpirun(_ ranks: Int) throws -> [String] {
    [
      "mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-x",
      "CSE_RANKS=\(try RankLibrary.path.get())", "-n", "\(ranks)",
    ]
  }

  /// A short run on several ranks; 0: without a launcher.
  func rankedArguments(_ output: String, ranks: Int, _ more: [String]) throws -> [String] {
    (ranks == 0 ? [] : try Self.mpirun(ranks)) + [
      Resources.command, "train", "--model", path("model"), "--train-file", path("train.txt"), "--output-dir",
      path(output), "--plugin-path", try CommandPlugins.folder.get(), "--max-steps", "12", "--batch-size", "8",
      "--learning-rate", "1e-3", "--threads", "1", "--save-steps", "5",
    ] + more
  }

  func train(_ output: String, ranks: Int, _ more: [String]) throws -> ShellResult {
    try shell(try rankedArguments(output, ranks: ranks, more))
  }

  /// A number of those lines of metrics.jsonl that have it: steps have a loss, evaluations a score.
  func loggedNumbers(_ output: String, _ name: String) throws -> [Double] {
    try metrics(output).compactMap { line in
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      return object?[name] as? Double
    }
  }

  /// The process that is this rank of the run into a folder; nil as long as there is none.
  func process(ofRank rank: Int, _ output: String) -> pid_t? {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
      guard let id = pid_t(name), let arguments = FileManager.default.contents(atPath: "/proc/\(id)/cmdline"),
        String(decoding: arguments, as: UTF8.self).contains(path(output)),
        let variables = FileManager.default.contents(atPath: "/proc/\(id)/environ"),
        variables.split(separator: 0).contains(where: { $0.elementsEqual(Data("OMPI_COMM_WORLD_RANK=\(rank)".utf8)) })
      else { continue }
      return id
    }
    return nil
  }
}
