// `mixcse train --from`: a run from a file, a run again from its run.json, and what is said where the run cannot be
// the same. `--dry-run`: what would be run, and nothing written.

import Foundation
import TestSupport
import Testing

@Suite struct RepeatTests {
  let world: CommandWorld

  init() throws { world = try CommandWorld() }

  private func json(_ name: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: world.data(name)) as? [String: Any])
  }

  private func again(_ record: String, _ output: String, _ more: [String] = []) throws -> ShellResult {
    try shell(
      [Resources.command, "train", "--from", world.path(record), "--output-dir", world.path(output)] + more)
  }

  @Test func aRecordRepeatsItsRunBitForBit() throws {
    let first = try world.train(
      "first",
      [
        "--max-steps", "22", "--seed", "18446744073709551615", "--schedule", "learning-rate=cosine(1e-3,0)", "--set",
        "mixcse.lambda=0.3", "--dropout", "0.2",
      ])
    try #require(first.code == 0, "\(first.errors)")
    let second = try again("first/run.json", "second")
    try #require(second.code == 0, "\(second.errors)")
    #expect(try world.data("first/model.safetensors") == world.data("second/model.safetensors"))
    #expect(try world.metrics("first") == world.metrics("second"))
    let (a, b) = (try json("first/run.json"), try json("second/run.json"))
    #expect(a["hash"] as? String != nil && a["hash"] as? String == b["hash"] as? String)
    #expect(a["commit"] as? String != nil)
    // What is typed as well counts instead, and the rest stays.
    let other = try again("first/run.json", "other", ["--seed", "5", "--max-steps", "3"])
    try #require(other.code == 0, "\(other.errors)")
    let run = try #require(try json("other/run.json")["run"] as? [String: Any])
    #expect(run["seed"] as? String == "5" && run["dropout"] as? Double == 0.2 && run["max-steps"] as? Int == 3)
    let method = try again("first/run.json", "method", ["--method", "simcse", "--max-steps", "3"])
    try #require(method.code == 0, "\(method.errors)")
    #expect(try json("method/run.json")["strategy"] as? String == "loss:infonce")
  }

  @Test func aRepeatedRunNeedsAFolderOfItsOwn() throws {
    try #require(try world.train("first", ["--max-steps", "2"]).code == 0)
    let nowhere = try shell([Resources.command, "train", "--from", world.path("first/run.json")])
    #expect(nowhere.code == 64 && nowhere.errors.contains("--output-dir"), "\(nowhere.errors)")
    let same = try again("first/run.json", "first")
    #expect(same.code == 64 && same.errors.contains("--overwrite"), "\(same.errors)")
  }

  @Test func whatIsNoLongerThereIsNamed() throws {
    let plugins = world.path("plugins")
    try FileManager.default.copyItem(atPath: try CommandPlugins.folder.get(), toPath: plugins)
    // Names are looked for in the first folder that has them.
    try #require(try world.train("first", ["--max-steps", "2", "--plugin-path", plugins]).code == 0)
    let record = String(decoding: try world.data("first/run.json"), as: UTF8.self)
    try world.write("own.json", record.replacing(try CommandPlugins.folder.get(), with: plugins))
    try #require(try again("own.json", "same").code == 0)

    try world.write("train.txt", world.tiny.sentences(150, seed: 9).joined(separator: "\n") + "\n")
    let library = plugins + "/libstrategies.so"
    var bytes = try Data(contentsOf: URL(fileURLWithPath: library))
    bytes.append(0)
    try bytes.write(to: URL(fileURLWithPath: library))
    let refused = try again("own.json", "refused")
    #expect(refused.code == 65, "\(refused.errors)")
    for part in ["own.json", "--train-file (sha256): ", "plugin ", "--accept-changes"] {
      #expect(refused.errors.contains(part), "no \(part) in \(refused.errors)")
    }
    #expect(!refused.errors.contains("--model "), "\(refused.errors)")
    #expect(!world.exists("refused/run.json"))
    let accepted = try again("own.json", "accepted", ["--accept-changes"])
    #expect(accepted.code == 0 && accepted.errors.contains("warning: not what "), "\(accepted.errors)")
    // What is named again is meant.
    try world.write("new.txt", world.tiny.sentences(150, seed: 3).joined(separator: "\n") + "\n")
    let named = try again("own.json", "named", ["--train-file", world.path("new.txt")])
    #expect(named.code == 65 && !named.errors.contains("--train-file (sha256)"), "\(named.errors)")
    try FileManager.default.removeItem(atPath: world.path("train.txt"))
    let missing = try again("own.json", "missing")
    #expect(missing.code == 66 && missing.errors.contains("train.txt"), "\(missing.errors)")
  }

  @Test func aRunFromAFile() throws {
    let lines = [
      "model = \"\(world.path("model"))\"", "train-file = \"\(world.path("train.txt"))\"", "sampler = [\"mixcse\"]",
      "loss = [\"infonce\"]", "plugin-path = [\"\(try CommandPlugins.folder.get())\"]", "batch-size = 8",
      "max-steps = 9", "learning-rate = 1e-3", "output-dir = \"\(world.path("filed"))\"",
    ]
    try world.write("run.toml", lines.joined(separator: "\n"))
    let result = try shell([Resources.command, "train", "--from", world.path("run.toml"), "--max-steps=4"])
    try #require(result.code == 0, "\(result.errors)")
    #expect(try world.metrics("filed").count == 4)
    for (text, said) in [("batch-sze = 8", "batch-size"), ("mlm-weight = 0.1", "--mlm"), ("json = true", "type it")] {
      try world.write("bad.toml", text)
      let bad = try shell([Resources.command, "train", "--from", world.path("bad.toml")])
      let key = text.prefix { $0 != " " }
      #expect(bad.code == 65 && bad.errors.contains("bad.toml: \(key): "), "\(bad.errors)")
      #expect(bad.errors.contains(said), "\(bad.errors)")
    }
    let nothing = try shell([Resources.command, "train", "--method", "simcse", "--output-dir", world.path("x")])
    #expect(nothing.code == 64 && nothing.errors.contains("--model"), "\(nothing.errors)")
  }

  @Test func aDryRunSaysWhatWouldBeRunAndWritesNothing() throws {
    let result = try world.train("dry", ["--dry-run", "--json", "--max-steps", "50"])
    try #require(result.code == 0, "\(result.errors)")
    let forecast = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any], "\(result.output)")
    #expect(forecast["rows"] as? Int == 150 && forecast["steps"] as? Int == 50)
    #expect(forecast["evaluations"] as? Int == 4)
    #expect((forecast["secondsMeasured"] as? [Double])?.count == 2)
    for key in ["seconds", "tokens", "memoryBytes", "diskBytes", "diskFreeBytes"] {
      #expect((forecast[key] as? Double ?? 0) > 0, "\(key): \(result.output)")
    }
    #expect((forecast["run"] as? [String: Any])?["batch-size"] as? Int == 8)
    #expect(!world.exists("dry"))
    let frozen = try world.train("dry", ["--dry-run", "--frozen"])
    #expect(frozen.code == 0 && frozen.output.contains("Nothing was written"), "\(frozen.errors)")
    #expect(!world.exists("dry"))
    // A folder with a run stays as it is, and is what the run is refused for.
    try #require(try world.train("dry", ["--max-steps", "3"]).code == 0)
    let before = Set(world.names("dry"))
    #expect(try world.train("dry", ["--dry-run"]).code == 64)
    #expect(try world.train("dry", ["--dry-run", "--overwrite"]).code == 0)
    #expect(Set(world.names("dry")) == before)
  }

  /// A checkpoint that says nothing of its run, as earlier versions wrote them.
  @Test func checkpointsOfEarlierVersionsAreRefused() throws {
    try #require(try world.train("old", ["--stop-after", "7"]).code == 75)
    let file = world.path("old/checkpoints/step-00000007.ckpt")
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
    let footer = bytes.count - 32
    func number(_ place: Int) -> Int { (0..<8).reduce(0) { $0 | Int(bytes[footer + place * 8 + $1]) << (8 * $1) } }
    let table = number(0)..<number(0) + number(1)
    let text = String(decoding: bytes[table], as: UTF8.self).replacing("\"identity\"", with: "\"fingerpr\"")
    bytes.replaceSubrange(table, with: Array(text.utf8))
    let sum = UInt64(crc32(bytes[table]))
    for index in 0..<8 { bytes[footer + 16 + index] = UInt8(truncatingIfNeeded: sum >> UInt64(8 * index)) }
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    let result = try world.train("old", ["--resume"])
    #expect(result.code == 65 && result.errors.contains("earlier version"), "\(result.errors)")
  }

  private func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
  }
}
