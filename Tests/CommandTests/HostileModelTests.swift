// Model folders that ask for more than there is, and pipes where files belong: each ends with a message and an exit
// code, whatever the system allows.

import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct HostileModelTests {
  private let world: CommandWorld

  init() throws { world = try CommandWorld() }

  /// The command, held to that many KiB of address space.
  private func limited(_ kibibytes: Int, _ arguments: [String], input: String = "") throws -> ShellResult {
    try shell(
      ["bash", "-c", "ulimit -v \(kibibytes); exec \"$0\" \"$@\"", Resources.command] + arguments, input: input)
  }

  private func encode(_ model: String) -> [String] {
    ["encode", "--model", world.path(model), "--pooler", "avg", "--json", "--threads", "1"]
  }

  /// Weights of 6.4 GB that take up no place on the disk: what a file of zeros is to a file system.
  @Test("weights beyond the memory end with what was needed, and no trap")
  func tooLarge() throws {
    let words = 50_000_000
    let text = try String(contentsOfFile: world.path("model/config.json"), encoding: .utf8)
    let original = try #require(text.firstRange(of: /"vocab_size": \d+/))
    try FileManager.default.copyItem(atPath: world.path("model"), toPath: world.path("large"))
    try world.write("large/config.json", text.replacingCharacters(in: original, with: "\"vocab_size\": \(words)"))
    let weights = try world.data("model/model.safetensors")
    let length = weights.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
    var header = try #require(
      try JSONSerialization.jsonObject(with: weights.dropFirst(8).prefix(length)) as? [String: [String: Any]])
    var end = 0
    for name in header.keys.sorted() {
      if name == "embeddings.word_embeddings.weight" { header[name]?["shape"] = [words, 32] }
      let shape = try #require(header[name]?["shape"] as? [Int])
      header[name]?["data_offsets"] = [end, end + 4 * shape.reduce(1, *)]
      end += 4 * shape.reduce(1, *)
    }
    let json = try JSONSerialization.data(withJSONObject: header)
    let start = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) } + json
    let path = world.path("large/model.safetensors")
    try start.write(to: URL(fileURLWithPath: path))
    try #require(truncate(path, off_t(start.count + end)) == 0)
    let result = try limited(4_000_000, encode("large"), input: "word1\n")
    #expect(result.code == 75, "\(result.code) \(result.errors)")
    #expect(result.errors.contains("GiB of memory, found that the system gives no more"), "\(result.errors)")
  }

  /// Unpacking a pickle to values must not take up memory that has nothing to do with the file.
  @Test("a pickle of a million brackets is refused within little memory")
  func pickle() throws {
    let script = """
      import sys, zipfile
      with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("a/data.pkl", bytes([0x80, 2]) + b"]" * (31 << 20) + b".")
      """
    try FileManager.default.copyItem(atPath: world.path("model"), toPath: world.path("packed"))
    try FileManager.default.removeItem(atPath: world.path("packed/model.safetensors"))
    try #require(try shell(["python3", "-c", script, world.path("packed/pytorch_model.bin")]).code == 0)
    let result = try limited(3_000_000, encode("packed"), input: "word1\n")
    #expect(result.code == 65 && result.errors.contains("at most 2097152 values"), "\(result.code) \(result.errors)")
  }

  @Test(
    "a pipe in place of a file is refused at once",
    arguments: ["config.json", "model.safetensors", "vocab.txt", "modules.json", "sentence_bert_config.json"])
  func pipes(_ name: String) throws {
    let path = world.path("model/" + name)
    try? FileManager.default.removeItem(atPath: path)
    try #require(mkfifo(path, 0o600) == 0)
    let result = try shell([Resources.command] + encode("model"), input: "word1\n")
    #expect(result.code == (name.hasPrefix("sentence") || name == "vocab.txt" ? 66 : 65), "\(result.errors)")
    #expect(result.errors.contains(name) && result.errors.contains("a device or pipe"), "\(result.errors)")
  }

  @Test("a description in a pipe is refused at once; lines may come from one")
  func descriptionsAndLines() throws {
    try #require(mkfifo(world.path("plan.toml"), 0o600) == 0)
    let plan = try shell([Resources.command, "train", "--from", world.path("plan.toml")])
    #expect(plan.code == 65 && plan.errors.contains("a device or pipe"), "\(plan.errors)")
    let lines = try shell([Resources.command] + encode("model") + ["--input", "/dev/stdin"], input: "word1\nword2\n")
    #expect(lines.code == 0 && lines.output.split(separator: "\n").count == 2, "\(lines.errors)")
  }
}
