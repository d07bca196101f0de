// run.json: the description of a run, its identity, and what happened. Written by TrainingRun when the run starts,
// when a plugin is reloaded and at the end; `train --from` reads it to repeat the run.

package import Files

/// The names in records that other parts read.
package enum RunRecord {
  /// The description.
  package static let description = "run"
  /// What decided the numbers.
  package static let identity = "identity"
  /// The identity's hash.
  package static let hash = "hash"
  /// The file that says in a run's folder which run of a comparison it is.
  package static let ofComparison = "comparison.json"
}

/// Which program ran, and how it was started.
package struct RunOrigin: Sendable, Equatable {
  /// The program's version.
  package var version: String
  /// The commit it was built from.
  package var commit: String
  /// The compiler it was built with.
  package var compiler: String
  /// The command as typed.
  package var commandLine: [String]

  /// The origin by its parts.
  package init(version: String, commit: String, compiler: String, commandLine: [String]) {
    (self.version, self.commit, self.compiler, self.commandLine) = (version, commit, compiler, commandLine)
  }

  /// Version and commit in words.
  var text: String { Self.text(version, commit: commit) }

  static func text(_ version: String, commit: String) -> String { "\(version), commit \(commit)" }

  /// For records.
  package var members: [(String, JSONValue)] {
    [
      ("mixcse", .string(version)), ("commit", .string(commit)), ("compiler", .string(compiler)),
      ("commandLine", .array(commandLine.map { .string($0) })),
    ]
  }
}

/// The record of an earlier run that is to be repeated.
package struct RepeatedRun: Sendable {
  /// The file.
  package var path: String
  /// What was run.
  package var description: RunDescription
  /// What decided its numbers.
  package var identity: RunIdentity
  /// Version and commit of the program that ran it; nil where the record does not say.
  package var program: String?
  /// Train on what is there now, whatever changed.
  package var acceptsChanges = false

  /// Nil where the file is no record of a run.
  /// - Throws: `TrainingError.badDescription` where the record has no identity.
  package init?(_ file: DescriptionFile) throws {
    guard let record = file.record else { return nil }
    guard let identity = record[RunRecord.identity]?.object else {
      throw file.bad(
        RunRecord.identity, "expected what decided the run's numbers, found none; the record is incomplete")
    }
    path = file.path
    description = try RunDescription(file)
    self.identity = RunIdentity(identity)
    program = record["mixcse"]?.string.map { RunOrigin.text($0, commit: record["commit"]?.string ?? "unknown") }
  }

  /// Compares what is there now with what the record says was there.
  /// - Parameters:
  ///   - now: the identity of the run that is about to start.
  ///   - asked: its description; what it names itself is not looked at.
  ///   - origin: this program.
  ///   - say: hears of changes that were accepted.
  /// - Throws: `TrainingError.cannotRepeat`
  func compare(
    _ now: RunIdentity, _ asked: RunDescription, by origin: RunOrigin, say: (String) -> Void
  ) throws {
    var renamed: [String] = []
    if asked.training.trainFile != description.training.trainFile { renamed.append("--train-file") }
    if asked.training.evalData != description.training.evalData { renamed.append("--eval-data") }
    if asked.model != description.model { renamed.append("--model") }
    if let program, program != origin.text {
      say("note: \(path) was written by mixcse \(program); this is \(origin.text)")
    }
    if let step = identity.extensions.last {
      say(
        "note: the run of \(path) was extended after step \(step); this one is trained at a stretch, to other numbers")
    }
    if !identity.swaps.isEmpty {
      say(
        "note: strategies of the run of \(path) were swapped by hand; this one is trained without that, to other "
          + "numbers. --then plans the same")
    }
    let lost = now.lost(from: identity, renamed: renamed)
    guard !lost.isEmpty else { return }
    guard acceptsChanges else { throw TrainingError.cannotRepeat(path: path, differences: lost) }
    for line in lost { say("warning: not what \(path) recorded: \(line)") }
  }
}
