// What happens to a run when something around it changes: a training file that is touched or rewritten, a best model
// that is gone, a checkpoint that is damaged, a tokenizer with more tokens than the model has vectors for.

import Files
import Foundation
import TestSupport
import Testing

@Suite struct RunTroubleTests {
  let world: CommandWorld

  init() throws { world = try CommandWorld() }

  private func checkpoints(_ output: String) -> [String] {
    world.names(output + "/checkpoints").filter { $0.hasSuffix(".ckpt") }.sorted()
  }

  // MARK: - The training file

  @Test func aTouchedTrainingFileIsNoOther() throws {
    var touchedAt: Int?
    let end = try world.run(
      try world.trainArguments("touched", ["--max-steps", "100000"]),
      until: { _ in
        let lines = world.lines("touched")
        if let touchedAt { return lines > touchedAt + 10 }
        guard lines > 5 else { return false }
        #expect(utimes(world.path("train.txt"), nil) == 0)
        touchedAt = lines
        return false
      }, signal: SIGTERM)
    #expect(end.code == 130 && end.wasSignalled)
  }

  @Test(arguments: [true, false]) func aChangedTrainingFileEndsTheRunWithACheckpoint(isLonger: Bool) throws {
    let whole = try world.train("whole")
    try #require(whole.code == 0, "\(whole.errors)")
    let before = try world.data("train.txt")
    var after = before
    if isLonger { after.append(contentsOf: "one more\n".utf8) } else { after[0] ^= 1 }
    let more = ["--save-steps", "100000", "--stop-after", "50"]
    for attempt in 1...CommandWorld.attempts {
      let output = "changed-\(attempt)"
      let arguments = try world.trainArguments(output, more)
      var isChanged = false
      let errors = world.path("errors-\(attempt)")
      let end = try world.run(
        ["/bin/bash", "-c", "exec \"$@\" 2>'\(errors)'", "bash"] + arguments,
        until: { _ in
          guard !isChanged, world.lines(output) > 5, let file = FileHandle(forUpdatingAtPath: world.path("train.txt"))
          else { return false }
          file.write(after)
          isChanged = true
          return false
        }, signal: SIGTERM)
      let file = try #require(FileHandle(forUpdatingAtPath: world.path("train.txt")))
      file.write(before)
      try file.truncate(atOffset: UInt64(before.count))
      if end.code == 75 { continue }
      let said = String(decoding: try world.data("errors-\(attempt)"), as: UTF8.self)
      #expect(end.code == 65 && said.contains("Training stops here"), "\(end.code) \(said)")
      #expect(checkpoints(output).count == 1)
      let resumed = try world.train(output, more.prefix(2) + ["--resume"])
      #expect(resumed.code == 0, "\(resumed.errors)")
      #expect(try world.data(output + "/model.safetensors") == world.data("whole/model.safetensors"))
      #expect(try world.metrics(output) == world.metrics("whole"))
      return
    }
    throw MomentMissed(description: "no run was met between its fifth and its last step")
  }

  // MARK: - The best model

  @Test(arguments: [nil, "model.safetensors", "config.json"]) func theLastModelStandsInForALostBest(file: String?)
    throws
  {
    let run = try world.train("run", ["--max-steps", "40", "--keep-checkpoints"])
    try #require(run.code == 0, "\(run.errors)")
    // Evaluations draw no random numbers, so the last model is that of a run without any.
    var blind = try world.trainArguments("blind", ["--max-steps", "40"])
    let place = try #require(blind.firstIndex(of: "--eval-data"))
    blind.removeSubrange(place...place + 1)
    try #require(try shell(blind).code == 0)
    for name in world.names("run/checkpoints") where name.hasPrefix("best-") {
      try FileManager.default.removeItem(atPath: world.path("run/checkpoints/\(name)" + (file.map { "/" + $0 } ?? "")))
    }
    let resumed = try world.train("run", ["--max-steps", "40", "--resume"])
    #expect(resumed.code == 0 && resumed.errors.contains("no longer whole"), "\(resumed.code) \(resumed.errors)")
    #expect(try world.data("run/model.safetensors") == world.data("blind/model.safetensors"))
    let record = try #require(try JSONSerialization.jsonObject(with: world.data("run/run.json")) as? [String: Any])
    let result = try #require(record["result"] as? [String: Any])
    #expect(result["modelStep"] as? Int == 40)
    #expect((result["lostModel"] as? String)?.contains("best-") == true)
  }

  /// A best model of which some bytes are others, or none are left, is no model: it is not put in the last one's place.
  @Test func aDamagedBestModelIsLost() throws {
    #expect(try world.train("half", ["--max-steps", "60", "--stop-after", "45"]).code == 75)
    let best = try #require(world.names("half/checkpoints").first { $0.hasPrefix("best-") })
    let damages: [(name: String, change: (Data) -> Data)] = [
      ("model.safetensors", { $0.prefix(0) }), ("model.safetensors", { $0.prefix(100) }),
      ("model.safetensors", { $0.dropLast() + [$0.last.map { $0 ^ 1 } ?? 0] }), ("vocab.txt", { $0.prefix(0) }),
      ("config.json", { _ in Data("{}".utf8) }),
    ]
    for (index, (name, change)) in damages.enumerated() {
      let run = "damaged-\(index)"
      try FileManager.default.copyItem(atPath: world.path("half"), toPath: world.path(run))
      let path = "\(run)/checkpoints/\(best)/\(name)"
      let whole = try world.data(path)
      try change(whole).write(to: URL(fileURLWithPath: world.path(path)))
      let resumed = try world.train(run, ["--resume", "--max-steps", "60", "--stop-after", "46"])
      #expect(resumed.code == 75 && resumed.errors.contains("no longer whole"), "\(name): \(resumed.errors)")
      try whole.write(to: URL(fileURLWithPath: world.path(path)))
      let again = try world.train(run, ["--resume", "--max-steps", "60"])
      #expect(again.code == 0 && !again.errors.contains("no longer whole"), "\(name): \(again.errors)")
    }
  }

  // MARK: - The model's folder

  /// What an export copies from there is what was trained with.
  @Test func aModelFolderThatChangesEndsTheRunWithACheckpoint() throws {
    for (name, old, new) in [("config.json", "gelu", "relu"), ("vocab.txt", "worda\n", "wordzzz\n")] {
      let file = "model/" + name
      let before = try world.data(file)
      let after = String(decoding: before, as: UTF8.self).replacing(old, with: new, maxReplacements: 1)
      try #require(after != String(decoding: before, as: UTF8.self))
      let errors = world.path("errors-" + name)
      let arguments = try world.trainArguments("run-" + name, ["--max-steps", "400", "--eval-steps", "100000"])
      var isChanged = false
      let end = try world.run(
        ["/bin/bash", "-c", "exec \"$@\" 2>'\(errors)'", "bash"] + arguments,
        until: { _ in
          guard !isChanged, world.lines("run-" + name) > 5 else { return false }
          try? world.write(file, after)
          isChanged = true
          return false
        }, signal: SIGTERM)
      let said = String(decoding: try Data(contentsOf: URL(fileURLWithPath: errors)), as: UTF8.self)
      #expect(end.code == 65 && said.contains("\(name): expected the file as it was"), "\(end.code) \(said)")
      #expect(checkpoints("run-" + name).last == "step-00000400.ckpt" && !world.exists("run-\(name)/model.safetensors"))
      try before.write(to: URL(fileURLWithPath: world.path(file)))
      let resumed = try shell(arguments + ["--resume"])
      #expect(resumed.code == 0 && world.exists("run-\(name)/model.safetensors"), "\(resumed.errors)")
    }
  }

  // MARK: - Damaged checkpoints

  /// A length of the run that no number of steps stands for.
  @Test func aCheckpointOfAnImpossibleLengthIsAnotherRun() throws {
    #expect(try world.train("half", ["--stop-after", "14"]).code == 75)
    let newest = "half/checkpoints/" + (try #require(checkpoints("half").last))
    let bytes = [UInt8](try world.data(newest))
    for number in [1e300, -1e300, 1e19] {
      let damaged = try Self.altered(bytes) { document in
        var state = document["state"]?.object ?? JSONObject()
        var identity = state["identity"]?.object ?? JSONObject()
        identity["--epochs"] = .number(number)
        identity["--max-steps"] = .null
        state["identity"] = .object(identity)
        document["state"] = .object(state)
      }
      try Data(damaged).write(to: URL(fileURLWithPath: world.path(newest)))
      let resumed = try world.train("half", ["--resume"])
      #expect(resumed.code == 64 && resumed.errors.contains("--epochs"), "\(resumed.code) \(resumed.errors)")
    }
  }

  /// Changes of the newest checkpoint's table, each with a checksum that fits it.
  static let damages: [(name: String, change: @Sendable (inout JSONObject) -> Void)] = [
    ("negative checksum", { change(tensor: "crc32", in: &$0) { _ in .integer(-1) } }),
    ("checksum beyond 32 bits", { change(tensor: "crc32", in: &$0) { _ in .integer(1 << 40) } }),
    ("negative offset", { change(tensor: "offset", in: &$0) { _ in .integer(-64) } }),
    ("huge size", { change(tensor: "bytes", in: &$0) { _ in .integer(.max) } }),
    ("another shape", { change(tensor: "shape", in: &$0) { _ in .array([.integer(-1), .integer(.max)]) } }),
    ("another name", { change(tensor: "name", in: &$0) { _ in .string("nobody's") } }),
    ("no tensors", { $0["tensors"] = .array([]) }),
    ("a missing counter", { change(state: "position", in: &$0, to: nil) }),
    ("a negative step", { change(state: "step", in: &$0, to: .integer(-5)) }),
    ("a step beyond the last", { change(state: "step", in: &$0, to: .integer(.max)) }),
    ("batches without end", { change(state: "batches", in: &$0, to: .integer(.max)) }),
    ("rows without end", { change(state: "rowsSeen", in: &$0, to: .integer(.max)) }),
    ("a position beyond the rows", { change(state: "position", in: &$0, to: .integer(.max)) }),
    ("negative epochs", { change(state: "epoch", in: &$0, to: .integer(-1)) }),
    ("a log of another length", { change(state: "logLength", in: &$0, to: .integer(1 << 50)) }),
    ("negative optimiser steps", { change(state: "optimizerSteps", in: &$0, to: .integer(-1)) }),
  ]

  @Test func aDamagedCheckpointIsPassedOver() throws {
    let whole = try world.train("whole")
    try #require(whole.code == 0, "\(whole.errors)")
    #expect(try world.train("half", ["--stop-after", "14"]).code == 75)
    let newest = "half/checkpoints/" + (try #require(checkpoints("half").last))
    let bytes = [UInt8](try world.data(newest))
    for (name, change) in Self.damages {
      try FileManager.default.copyItem(atPath: world.path("half"), toPath: world.path(name))
      let damaged = try Self.altered(bytes, change)
      try Data(damaged).write(
        to: URL(fileURLWithPath: world.path(newest.replacing("half", with: name, maxReplacements: 1))))
      let resumed = try world.train(name, ["--resume"])
      #expect(
        resumed.code == 0 && resumed.errors.contains("passed over: "), "\(name): \(resumed.code) \(resumed.errors)")
      #expect(try world.data(name + "/model.safetensors") == world.data("whole/model.safetensors"), "\(name)")
    }
    // A pipe under a checkpoint's name is no checkpoint, and nobody waits for it.
    #expect(mkfifo(world.path("half/checkpoints/step-00000059.ckpt"), 0o600) == 0)
    let resumed = try world.train("half", ["--resume"])
    #expect(resumed.code == 0 && resumed.errors.contains("passed over: "), "\(resumed.code) \(resumed.errors)")
  }

  private static func altered(_ bytes: [UInt8], _ change: (inout JSONObject) -> Void) throws -> [UInt8] {
    let footer = bytes.count - 32
    func number(_ index: Int) -> Int { (0..<8).reduce(0) { $0 | Int(bytes[footer + 8 * index + $1]) << (8 * $1) } }
    let place = number(0)
    var document = try #require(try JSONValue.parse(Array(bytes[place..<place + number(1)])).object)
    change(&document)
    let text = Array(JSONValue.object(document).text(indent: nil).utf8)
    let sum = text.withUnsafeBytes { CRC32.checksum($0) }
    let numbers = [place, text.count, Int(sum)].flatMap { value in (0..<8).map { UInt8(value >> (8 * $0) & 0xFF) } }
    return bytes[..<place] + text + numbers + bytes[(bytes.count - 8)...]
  }

  private static func change(tensor key: String, in document: inout JSONObject, _ value: (JSONValue?) -> JSONValue) {
    var tensors = document["tensors"]?.array ?? []
    var first = tensors[0].object ?? JSONObject()
    first[key] = value(first[key])
    tensors[0] = .object(first)
    document["tensors"] = .array(tensors)
  }

  private static func change(state key: String, in document: inout JSONObject, to value: JSONValue?) {
    var state = document["state"]?.object ?? JSONObject()
    state[key] = value
    document["state"] = .object(state)
  }

  // MARK: - Tokens without vectors

  @Test func aTokenBeyondTheWordMatrixIsKnownAtTheStart() throws {
    let vocabulary = world.tiny.words + 5
    try world.write("model/added_tokens.json", "{\"[NEW1]\": \(vocabulary)}")
    var lines = world.tiny.sentences(150)
    let quiet = try world.train("quiet", ["--max-steps", "2"])
    #expect(quiet.code == 0 && quiet.errors.contains("1 tokens that the model has no vectors for"), "\(quiet.errors)")

    lines[99] += " [NEW1]"
    try world.write("train.txt", "\n\n" + lines.joined(separator: "\n") + "\n")
    let result = try world.train("late", ["--no-shuffle"])
    #expect(result.code == 65 && result.errors.contains("train.txt:102: expected tokens"), "\(result.errors)")
    #expect(result.errors.contains("[NEW1] (id \(vocabulary))"), "\(result.errors)")
    #expect(world.lines("late") == 0)

    try world.write("train.txt", world.tiny.sentences(150).joined(separator: "\n") + "\n")
    try world.write("pairs.tsv", "a [NEW1]\tb\t1\n" + world.tiny.pairs(40))
    let pairs = try world.train("pairs", [])
    #expect(pairs.code == 65 && pairs.errors.contains("\"a [NEW1]\""), "\(pairs.errors)")

    // Whoever only embeds says which text it is, too.
    try world.write("lines.txt", "w1 w2\nw3 [NEW1]\n")
    for arguments in [
      ["encode", "--input", world.path("lines.txt"), "--json"], ["evaluate", "--pairs", world.path("pairs.tsv")],
    ] {
      let said = try shell([Resources.command] + arguments + ["--model", world.path("model")])
      #expect(said.code == 65 && said.errors.contains("[NEW1]\": expected tokens that the model has"), "\(said.errors)")
      #expect(said.errors.contains("found [NEW1] (id \(vocabulary))") && said.output.isEmpty, "\(said.output)")
    }
    let probe = try shell([
      Resources.command, "probe", "--model", world.path("model"), "--input", world.path("lines.txt"), "--no-shuffle",
      "--method", "simcse", "--batch-size", "2",
    ])
    #expect(probe.code == 65 && probe.errors.contains("lines.txt:2: expected a row"), "\(probe.errors)")
  }
}
