// The checkpoints of a run: `checkpoints/step-00000125.ckpt` and the best model so far, `checkpoints/best-00000125/`.
// The newest that is whole is used; older ones are removed once a newer one is on the disk. Used by the training loop.

import Files
import Glibc

/// The checkpoint folder of one output folder.
struct CheckpointFolder {
  /// How many checkpoints stay.
  static let kept = 2

  let path: String

  /// Of the folder in the output folder.
  static let name = "checkpoints"

  init(outputFolder: String) { path = outputFolder + "/" + Self.name }

  func create() throws { try Folders.create(path) }

  func checkpointPath(step: Int) -> String { path + "/step-" + padded(step) + ".ckpt" }

  /// The folder of the best model, written before the first checkpoint that names it.
  func bestPath(step: Int) -> String { path + "/best-" + padded(step) }

  /// The steps that have a checkpoint, newest first, whole or not.
  var steps: [Int] {
    Folders.names(path).compactMap { name in
      guard name.hasPrefix("step-"), name.hasSuffix(".ckpt") else { return nil }
      return Int(name.dropFirst(5).dropLast(5))
    }.sorted(by: >)
  }

  /// Whether a run writes something of this name here.
  private static func isOurs(_ name: String) -> Bool {
    for (start, end) in [("step-", ".ckpt"), ("best-", "")] where name.hasPrefix(start) && name.hasSuffix(end) {
      let number = name.dropFirst(start.count).dropLast(end.count)
      if number.count >= 8, number.allSatisfy({ $0.isASCII && $0.isNumber }) { return true }
    }
    return false
  }

  /// What a run wrote.
  var ownNames: [String] { Folders.names(path).filter(Self.isOurs) }

  /// Whether all that is there was written by a run.
  var isAllOurs: Bool { Folders.names(path).allSatisfy(Self.isOurs) }

  /// Removes what a run wrote, checkpoints first, and the folder where nothing else is in it.
  /// - Throws: `FileError`
  func removeOwn() throws {
    for name in ownNames.sorted(by: >) { try Folder.remove(path + "/" + name) }
    rmdir(path)
  }

  /// The newest checkpoint that is whole, and why newer ones were passed over; nil where there is none at all.
  /// - Parameter take: reads the checkpoint; damage that it finds leads to the one before.
  /// - Throws: `TrainingError.brokenCheckpoints` where there are some and none is whole; what else `take` throws.
  func newest<Result>(_ take: (CheckpointFile) throws -> Result) throws -> (Result, passedOver: [String])? {
    var reasons: [String] = []
    for step in steps {
      do {
        return (try take(try CheckpointFile(path: checkpointPath(step: step))), reasons)
      } catch let error as TrainingError where error.isDamage {
        reasons.append(error.description)
      }
    }
    if reasons.isEmpty { return nil }
    throw TrainingError.brokenCheckpoints(path: path, reasons: reasons)
  }

  /// Removes all but the newest checkpoints and the best models they name.
  func prune(bestOfStep: [Int: Int]) {
    let keep = Array(steps.prefix(Self.kept))
    for step in steps.dropFirst(Self.kept) { unlink(checkpointPath(step: step)) }
    let best = Set(keep.compactMap { bestOfStep[$0] })
    for name in ownNames where name.hasPrefix("best-") {
      guard let step = Int(name.dropFirst(5)), !best.contains(step) else { continue }
      try? Folder.remove(path + "/" + name)
    }
  }

  /// Removes what a killed run left unfinished.
  func removeUnfinished() { Temporary.removeStale(in: path, where: Self.isOurs) }

  private func padded(_ step: Int) -> String {
    let digits = String(step)
    return String(repeating: "0", count: max(0, 8 - digits.count)) + digits
  }
}

/// What the run needs of folders.
enum Folders {
  /// Makes a folder and those above it.
  /// - Throws: `TrainingError.cannotWrite`.
  static func create(_ path: String) throws {
    do { try Folder.create(path) } catch FileError.cannotWrite(let path, let operation, let code) {
      throw TrainingError.cannotWrite(path: path, operation: operation, code: code)
    }
  }

  /// The names in a folder, sorted; none where it cannot be read.
  static func names(_ path: String) -> [String] { (try? Folder.names(in: path)) ?? [] }
}
