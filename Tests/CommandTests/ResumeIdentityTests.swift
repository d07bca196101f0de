// What --resume compares: everything that decides the numbers of a run, by its bytes, and nothing else.

import Foundation
import TestSupport
import Testing

@Suite struct ResumeIdentityTests {
  let world: CommandWorld

  init() throws {
    world = try CommandWorld()
    try world.write(
      "side.c",
      """
      #include <stdint.h>
      void side(int64_t d, int64_t c, double (*n)(void), float *o) { for (int64_t i = 0; i < c * d; i++) o[i] = n(); }
      """)
    let library = world.path("libside.so")
    let built = try shell(["cc", "-shared", "-fPIC", world.path("side.c"), "-o", library])
    try #require(built.code == 0, "\(built.errors)")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: library)
    try world.write("libside.so.cse", Self.functions)
    try world.write("model/tokenizer_config.json", "{\"do_lower_case\": true}")
    try FileManager.default.createDirectory(atPath: world.path("model/1_Pooling"), withIntermediateDirectories: true)
    try world.write("model/1_Pooling/config.json", "{\"pooling_mode_cls_token\": true}")
    try shard()
  }

  private static let functions = """
    library org.example.side 1.0 ;
    sampler side(d:i64, count:i64=4 in [1,16], cb normal:f64, out noise:f32[count,d]) detached ;

    """

  /// The model's weights in two files and an index.
  private func shard() throws {
    let bytes = try world.data("model/model.safetensors")
    let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try #require(
      try JSONSerialization.jsonObject(with: bytes[8..<8 + length]) as? [String: Any])
    let names = header.keys.sorted()
    var map: [String: String] = [:]
    for (index, name) in names.enumerated() { map[name] = "part-\(index % 2).safetensors" }
    for part in 0..<2 {
      try bytes.write(to: URL(fileURLWithPath: world.path("model/part-\(part).safetensors")))
    }
    try JSONSerialization.data(withJSONObject: ["weight_map": map], options: .sortedKeys)
      .write(to: URL(fileURLWithPath: world.path("model/model.safetensors.index.json")))
    try FileManager.default.removeItem(atPath: world.path("model/model.safetensors"))
  }

  private func train(_ more: [String]) throws -> ShellResult {
    try world.train("run", ["--sampler", world.path("libside.so") + ":side", "--max-steps", "12"] + more)
  }

  private func replace(_ file: String, _ old: String, _ new: String) throws {
    let text = String(decoding: try world.data(file), as: UTF8.self)
    try #require(text.contains(old))
    try world.write(file, text.replacing(old, with: new, maxReplacements: 1))
  }

  @Test func whatDecidesTheNumbersIsComparedByItsBytes() throws {
    let begun = try train(["--stop-after", "5"])
    try #require(begun.code == 75, "\(begun.errors)")
    let score = try #require(String(decoding: world.data("pairs.tsv"), as: UTF8.self).split(separator: "\t").last)
    let changes: [(file: String, said: String, change: () throws -> Void)] = [
      ("model/config.json", "--model config.json (sha256)", { try replace("model/config.json", "1e-12", "1e-6") }),
      ("model/vocab.txt", "--model vocab.txt (sha256)", { try replace("model/vocab.txt", "worda\n", "wordzzz\n") }),
      (
        "model/tokenizer_config.json", "--model tokenizer_config.json (sha256)",
        { try replace("model/tokenizer_config.json", "true", "false") }
      ),
      (
        "model/1_Pooling/config.json", "--model 1_Pooling/config.json (sha256)",
        { try replace("model/1_Pooling/config.json", "true", "false") }
      ),
      (
        "model/part-1.safetensors", "--model part-1.safetensors (sha256)",
        {
          var bytes = try world.data("model/part-1.safetensors")
          bytes[bytes.count - 1] ^= 1
          try bytes.write(to: URL(fileURLWithPath: world.path("model/part-1.safetensors")))
        }
      ),
      ("pairs.tsv", "--eval-data (sha256 of the pairs)", { try replace("pairs.tsv", "\t" + score, "\t4.9\n") }),
      ("train.txt", "--train-file (sha256)", { try replace("train.txt", "\n", " word1\n") }),
      (
        "libside.so.cse", "side (functions):",
        { try replace("libside.so.cse", "in [1,16]", "in [1,17]") }
      ),
    ]
    for (file, said, change) in changes {
      let before = try world.data(file)
      try change()
      let refused = try train(["--resume"])
      #expect(refused.code == 64 && refused.errors.contains(said), "\(file): \(refused.code) \(refused.errors)")
      // The one line that differs, with the beginnings of two hashes.
      let lines = refused.errors.split(separator: "\n").filter { $0.hasPrefix("  ") }
      #expect(lines.count == 1, "\(file): \(refused.errors)")
      try before.write(to: URL(fileURLWithPath: world.path(file)))
    }
    // What nobody reads does not matter, nor do the pairs' empty lines.
    try world.write("model/notes.txt", "mine")
    try world.write("model/run.json", "{}")
    try world.write("model/pytorch_model.bin", "another format's weights")
    #expect(try train(["--resume"]).code == 0)
  }

  /// A difference deep in the plugins is shown where it is.
  @Test func differencesAreNamedByTheirPlace() throws {
    try #require(try train(["--stop-after", "5"]).code == 75)
    let result = try train(["--resume", "--set", "fifo.size=41"])
    #expect(result.code == 64 && result.errors.contains("fifo.size: \"40\" in the checkpoint, \"41\" now"))
    #expect(!result.errors.contains("characters)"), "\(result.errors)")
  }
}
