// What stands in an output folder is not destroyed: models, other people's files, finished runs, runs that go on.

import Foundation
import TestSupport
import Testing

@Suite struct FolderSafetyTests {
  let world: CommandWorld

  init() throws { world = try CommandWorld() }

  private func bytes(_ folder: String) throws -> [String: Data] {
    try Dictionary(uniqueKeysWithValues: world.names(folder).map { ($0, try world.data(folder + "/" + $0)) })
  }

  @Test(arguments: ["--resume", "--overwrite"])
  func theModelThatIsReadIsNeverReplaced(flag: String) throws {
    let before = try bytes("model")
    try FileManager.default.createSymbolicLink(atPath: world.path("link"), withDestinationPath: world.path("model"))
    for output in ["model", "link", "model/", "model/../model"] {
      let result = try world.train(output, [flag, "--max-steps", "1"])
      #expect(result.code == 64 && result.errors.contains("--model"), "\(output): \(result.errors)")
    }
    #expect(try bytes("model") == before)
    // Also not where it is the best model of the run that would be replaced.
    #expect(try world.train("run", ["--max-steps", "1", "--keep-checkpoints"]).code == 0)
    let best = try #require(world.names("run/checkpoints").first { $0.hasPrefix("best-") })
    let inside = try world.train("run", ["--model", world.path("run/checkpoints/" + best), "--overwrite"])
    #expect(inside.code == 64 && world.exists("run/checkpoints/" + best), "\(inside.errors)")
  }

  @Test func anEmptyNameIsNoFolder() throws {
    let result = try world.train("unused", ["--output-dir", ""])
    #expect(result.code == 64 && result.errors.contains("empty text"), "\(result.errors)")
  }

  @Test func overwriteReplacesRunsOnly() throws {
    try FileManager.default.createDirectory(atPath: world.path("mine"), withIntermediateDirectories: true)
    try world.write("mine/config.json", "a configuration of years")
    let result = try world.train("mine", ["--overwrite", "--max-steps", "1"])
    #expect(result.code == 64 && result.errors.contains("nothing but runs"), "\(result.errors)")
    #expect(try bytes("mine") == ["config.json": Data("a configuration of years".utf8)])
  }

  /// Files of the user's that lie where a run has its own, or under their names: kept, and no reason to take the folder
  /// for a run.
  @Test func whatLiesAmongARunsFilesStays() throws {
    for name in ["named/checkpoints", "out/checkpoints"] {
      try FileManager.default.createDirectory(atPath: world.path(name), withIntermediateDirectories: true)
    }
    try world.write("named/checkpoints/precious.pt", "mine")
    try world.write("named/run.json", "{}")
    let named = try world.train("named", ["--overwrite", "--max-steps", "1"])
    #expect(named.code == 64 && named.errors.contains("nothing but runs"), "\(named.errors)")
    #expect(world.names("named").sorted() == ["checkpoints", "run.json"])
    #expect(try world.train("run", ["--max-steps", "2", "--stop-after", "1"]).code == 75)
    let mine = [
      "checkpoints/precious.pt", "checkpoints/.hidden", "checkpoints/best-mine", "checkpoints/step-last.ckpt", "notes",
    ]
    for file in mine { try world.write("run/" + file, file) }
    for more in [["--overwrite"], ["--overwrite", "--keep-checkpoints"], ["--resume"]] {
      let result = try world.train("run", ["--max-steps", "2"] + more)
      #expect(result.code == 0, "\(more): \(result.errors)")
      for file in mine { #expect(try world.data("run/" + file) == Data(file.utf8), "\(more): \(file)") }
    }
    #expect(!world.names("run/checkpoints").contains { $0.hasPrefix("step-0") })
  }

  /// What the run reads is not among what it replaces.
  @Test func inputsInTheFolderOfTheRunAreRefused() throws {
    #expect(try world.train("run", ["--max-steps", "2", "--stop-after", "1"]).code == 75)
    for (flag, file, source) in [
      ("--train-file", "checkpoints/t.txt", "train.txt"), ("--train-file", "vocab.txt", "train.txt"),
      ("--eval-data", "checkpoints/pairs.tsv", "pairs.tsv"),
    ] {
      let text = try world.data(source)
      let path = world.path("run/" + file)
      let old = FileManager.default.contents(atPath: path)
      try text.write(to: URL(fileURLWithPath: path))
      for way in ["--overwrite", "--resume"] {
        let refused = try world.train("run", [flag, path, "--max-steps", "2", way])
        #expect(refused.code == 64 && refused.errors.contains("replaces nothing that it reads"), "\(refused.errors)")
        #expect(refused.errors.contains(flag), "\(refused.errors)")
      }
      #expect(FileManager.default.contents(atPath: path) == text)
      try FileManager.default.removeItem(atPath: path)
      if let old { try old.write(to: URL(fileURLWithPath: path)) }
    }
    // Under a name of its own it is the user's and stays.
    let text = try world.data("train.txt")
    try text.write(to: URL(fileURLWithPath: world.path("run/mine.txt")))
    let kept = try world.train("run", ["--train-file", world.path("run/mine.txt"), "--max-steps", "2", "--overwrite"])
    #expect(kept.code == 0, "\(kept.errors)")
    #expect(try world.data("run/mine.txt") == text)
  }

  /// A comparison writes into folders of comparisons.
  @Test func aComparisonTakesNoOtherFolder() throws {
    func compare(_ output: String) throws -> ShellResult {
      try shell([
        Resources.command, "compare", "simcse", "--seeds", "1", "--model", world.path("model"), "--train-file",
        world.path("train.txt"), "--eval-data", world.path("pairs.tsv"), "--output-dir", world.path(output),
        "--max-steps", "2", "--batch-size", "8", "--threads", "1",
      ])
    }
    try FileManager.default.createDirectory(atPath: world.path("mine"), withIntermediateDirectories: true)
    try world.write("mine/results.csv", "of years")
    for folder in ["mine", "model"] {
      let before = try bytes(folder)
      let refused = try compare(folder)
      #expect(refused.code == 64 && refused.errors.contains("a new or empty folder, or one of a comparison"))
      #expect(try bytes(folder) == before, "\(refused.errors)")
    }
    for _ in 0..<2 { #expect(try compare("compared").code == 0) }
  }

  @Test func anEmptyTextIsNoValue() throws {
    let model = ["--model", world.path("model")]
    let commands: [[String]] = [
      ["encode", "--input", world.path("train.txt"), "--output", ""] + model, ["encode", "--json", "--model", ""],
      ["encode", "--json", "--input="] + model, ["evaluate", "--pairs", ""] + model,
      ["evaluate", "--pairs", world.path("pairs.tsv"), "--pair-scores="] + model, ["train", "--from", ""],
      ["compare", "simcse", "--test-data", ""],
      ["plugins", "new", "loss", "mine", "--language", "c", "--directory", ""],
      ["probe", "--z1", "a.npy", "--z2", "b.npy", "--gradients", ""],
    ]
    for command in commands {
      let result = try shell([Resources.command] + command)
      #expect(result.code == 64 && result.errors.contains("found an empty text"), "\(command): \(result.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: "/mine"))
    let nowhere = try shell(
      [Resources.command, "encode", "--input", world.path("train.txt"), "--output", world.path("no/x.npy")] + model)
    #expect(nowhere.code == 64 && nowhere.errors.contains("found no folder \(world.path("no"))"), "\(nowhere.errors)")
  }

  @Test func aFinishedRunWithoutCheckpointsStays() throws {
    #expect(try world.train("done", ["--max-steps", "1"]).code == 0)
    let files = ["run.json", "model.safetensors", "metrics.jsonl"]
    func bytes() throws -> [Data] { try files.map { try world.data("done/" + $0) } }
    let before = try bytes()
    // Nothing is left to do, and nothing is begun again.
    let result = try world.train("done", ["--max-steps", "1", "--resume"])
    #expect(result.code == 0 && result.errors.contains("is finished (step 1)"), "\(result.errors)")
    #expect(try bytes() == before)
    // Without its record it is a model that may be anybody's.
    try FileManager.default.removeItem(atPath: world.path("done/run.json"))
    let unknown = try world.train("done", ["--max-steps", "1", "--resume"])
    #expect(unknown.code == 64 && unknown.errors.contains("checkpoints"), "\(unknown.errors)")
    try before[0].write(to: URL(fileURLWithPath: world.path("done/run.json")))
    #expect(try world.train("done", ["--max-steps", "1", "--overwrite"]).code == 0)
  }

  @Test func oneRunWritesToAFolder() throws {
    let long = try world.trainArguments("shared", ["--max-steps", "100000"])
    var refusals: [ShellResult] = []
    let (code, _) = try world.run(
      long,
      until: { process in
        guard world.names("shared/checkpoints").contains(where: { $0.hasSuffix(".ckpt") }) else { return false }
        for flag in ["--resume", "--overwrite"] {
          let more = ["--max-steps", "100000", "--stop-after", "1", flag]
          guard let second = try? world.train("shared", more) else { continue }
          #expect(second.errors.contains("process \(process.processIdentifier)"), "\(second.errors)")
          refusals.append(second)
        }
        return true
      }, signal: SIGTERM)
    #expect(refusals.map(\.code) == [64, 64])
    #expect(code == 130, "\(code)")
    #expect(!world.exists("shared/.lock"))
    let lines = try String(decoding: world.data("shared/metrics.jsonl"), as: UTF8.self).split(separator: "\n")
    #expect(try lines.allSatisfy { try JSONSerialization.jsonObject(with: Data($0.utf8)) is [String: Any] })
    // After a kill the file of the lock is there and nobody holds it.
    _ = try world.run(long + ["--resume"], until: { _ in world.exists("shared/.lock") }, signal: SIGKILL)
    let again = try world.train("shared", ["--max-steps", "100000", "--resume", "--stop-after", "1"])
    #expect(!again.errors.contains("that is writing to it"), "\(again.errors)")
  }

  /// A table that is said to begin in the footer: the checkpoint is passed over for the older one.
  @Test func aCheckpointWithAnImpossibleTableIsPassedOver() throws {
    #expect(try world.train("cut", ["--max-steps", "20", "--stop-after", "14"]).code == 75)
    let name = try #require(world.names("cut/checkpoints").filter { $0.hasSuffix(".ckpt") }.max())
    var bytes = [UInt8](try world.data("cut/checkpoints/" + name))
    let place = UInt64(bytes.count - 1)
    for index in 0..<8 { bytes[bytes.count - 32 + index] = UInt8(place >> (8 * index) & 0xFF) }
    try Data(bytes).write(to: URL(fileURLWithPath: world.path("cut/checkpoints/" + name)))
    let result = try world.train("cut", ["--max-steps", "20", "--resume"])
    #expect(result.code == 0 && result.errors.contains("passed over"), "\(result.code) \(result.errors)")
  }

  /// A worker whose plugin writes nonsense to the descriptor of its reports while it is loaded.
  @Test func nonsenseFromAWorkerIsAnError() throws {
    try world.write(
      "evil.c",
      """
      #include <stdint.h>
      #include <unistd.h>
      const char cse_functions[] = "library org.example.evil 1.0 ;\\n"
        "sampler ev(d:i64, count:i64=4 in [1,16], cb normal:f64, out noise:f32[count,d]) detached ;\\n";
      void ev(int64_t d, int64_t c, double (*n)(void), float *o) { for (int64_t i = 0; i < c * d; i++) o[i] = n(); }
      __attribute__((constructor)) static void begin(void) {
        static const char text[] = "9223372036854775807:x,";
        if (write(5, text, sizeof text - 1)) {}
        _exit(0);
      }
      """)
    let built = try shell(["cc", "-shared", "-fPIC", world.path("evil.c"), "-o", world.path("libevil.so")])
    try #require(built.code == 0, "\(built.errors)")
    let result = try world.train("evil", ["--sampler", world.path("libevil.so") + ":ev", "--isolate"])
    #expect(result.code == 69, "\(result.code) \(result.errors)")
  }
}
