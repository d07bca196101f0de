// A wish for another strategy and its answer, as two hidden files in the folder of a run: `mixcse swap` writes the one
// and waits for the other. Read and answered by StrategySwapper.
//
// The wish stays where it is until it is answered, so that there is one at a time; whoever waits may take it back by
// removing it.

import Files
import Glibc

/// A wish for another strategy.
package struct SwapRequest: Sendable, Equatable {
  /// Which answer belongs to it.
  package let id: String
  /// As typed.
  package let strategy: String

  /// A wish by its parts.
  package init(id: String, strategy: String) { (self.id, self.strategy) = (id, strategy) }
}

/// What became of a wish.
package struct SwapAnswer: Sendable, Equatable {
  /// Of the wish.
  package var id: String
  /// Optimiser steps done when the strategy took over, or was refused.
  package var step: Int
  /// The strategy in the canonical form, or as typed where it could not be looked up.
  package var strategy: String
  /// Why the run goes on as it was; nil where the strategy trains.
  package var refusal: String?
  /// What a user should know.
  package var notes: [String] = []
}

/// The two files.
package struct SwapFiles: Sendable {
  /// Why there is no wish to be answered.
  package enum Failure: Error, Equatable {
    /// Another one is not answered yet.
    case pending
    /// What lies there is none, or could be somebody else's.
    case unusable(String)
  }

  static let names = [".swap-request.json", ".swap-answer.json"]
  /// More is no strategy.
  private static let maximumSize = 1 << 16

  private let requestPath, answerPath: String

  /// Names the files of a run's folder; nothing is looked at.
  package init(folder: String) {
    requestPath = folder + "/" + Self.names[0]
    answerPath = folder + "/" + Self.names[1]
  }

  // MARK: Who asks

  /// Puts a wish there, whole or not at all.
  /// - Throws: `Failure.pending`; `FileError.cannotWrite`
  package func ask(_ request: SwapRequest) throws {
    let document = JSONObject([("id", .string(request.id)), ("strategy", .string(request.strategy))])
    let aside = requestPath + "." + request.id
    try AtomicFile.write(to: aside) { try $0.write(JSONValue.object(document).text() + "\n") }
    defer { unlink(aside) }
    chmod(aside, 0o600)
    // A second name, and no renaming: where there is a wish already, it stays.
    guard link(aside, requestPath) == 0 else {
      let code = errno
      throw code == EEXIST
        ? Failure.pending : FileError.cannotWrite(path: requestPath, operation: "link", code: code)
    }
  }

  /// The answer to a wish, which is then removed; nil as long as there is none.
  package func takeAnswer(to id: String) -> SwapAnswer? {
    guard let bytes = try? WholeFile.bytes(of: answerPath, expected: "an answer"),
      let object = try? JSONValue.parse(bytes).object, object["id"]?.string == id, let step = object["step"]?.integer,
      let strategy = object["strategy"]?.string
    else { return nil }
    unlink(answerPath)
    return SwapAnswer(
      id: id, step: step, strategy: strategy, refusal: object["refusal"]?.string,
      notes: object["notes"]?.array?.compactMap(\.string) ?? [])
  }

  /// Takes a wish back.
  /// - Returns: whether it was still there.
  @discardableResult
  package func withdraw(_ id: String) -> Bool {
    guard (try? request())?.id == id else { return false }
    return unlink(requestPath) == 0
  }

  // MARK: Who answers

  /// The wish there is; nil where there is none.
  /// - Throws: `Failure.unusable` where what is there must not be believed.
  package func request() throws -> SwapRequest? {
    let descriptor = open(requestPath, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      let code = errno
      if code == ENOENT { return nil }
      throw Failure.unusable("it cannot be opened (\(systemMessage(code)))")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw Failure.unusable("it is no regular file")
    }
    guard status.st_uid == geteuid(), status.st_mode & (S_IWGRP | S_IWOTH) == 0 else {
      throw Failure.unusable("others than the user of this run could have written it")
    }
    guard (1...Self.maximumSize).contains(Int(status.st_size)) else {
      throw Failure.unusable("it has \(status.st_size) bytes")
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    let count = read(descriptor, &bytes, bytes.count)
    guard count == bytes.count, let object = try? JSONValue.parse(bytes).object, let id = object["id"]?.string,
      let strategy = object["strategy"]?.string, !id.isEmpty
    else { throw Failure.unusable("it says no strategy") }
    return SwapRequest(id: id, strategy: strategy)
  }

  /// Answers a wish and makes room for the next.
  /// - Throws: `FileError.cannotWrite`
  package func answer(_ answer: SwapAnswer) throws {
    let document = JSONObject([
      ("id", .string(answer.id)), ("step", .integer(answer.step)), ("strategy", .string(answer.strategy)),
      ("refusal", answer.refusal.map { .string($0) } ?? .null), ("notes", .array(answer.notes.map { .string($0) })),
    ])
    try AtomicFile.write(to: answerPath) { try $0.write(JSONValue.object(document).text() + "\n") }
    unlink(requestPath)
  }

  /// Removes what a run that is gone has left.
  package func clear() { for path in [requestPath, answerPath] { unlink(path) } }

  /// Removes a wish that cannot be answered.
  func drop() { unlink(requestPath) }
}
