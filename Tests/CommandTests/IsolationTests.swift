// `--isolate`: the same numbers to the last bit, whichever plugins run apart, and names that are checked.

import Foundation
import TestSupport
import Testing

@Suite struct IsolationTests {
  let world: CommandWorld

  init() throws { world = try CommandWorld() }

  /// A sampler without and one with a state, a learnable pooler over all layers behind another, a bare function,
  /// evaluation.
  private func train(_ output: String, _ more: [String]) throws -> ShellResult {
    try world.train(
      output,
      ["--sampler", try FaultPlugins.bare(), "--pooler", "weighted", "--max-steps", "15", "--eval-steps", "5"]
        + ["--keep-checkpoints"] + more)
  }

  @Test func isolatedRunsGiveTheSameBits() throws {
    let here = try train("here", [])
    try #require(here.code == 0, "\(here.errors)")
    for (output, flag) in [("all", "--isolate"), ("some", "--isolate=fifo,weighted")] {
      let apart = try train(output, [flag])
      #expect(apart.code == 0, "\(apart.errors)")
      #expect(try world.metrics(output) == world.metrics("here"))
      #expect(try world.data(output + "/model.safetensors") == world.data("here/model.safetensors"))
      let names = world.names(output + "/checkpoints").filter { $0.hasSuffix(".ckpt") }.sorted()
      #expect(names == world.names("here/checkpoints").filter { $0.hasSuffix(".ckpt") }.sorted() && !names.isEmpty)
    }
  }

  @Test func accumulationHardNegativesAndEvaluationWithAnotherPoolerToo() throws {
    let lines = world.tiny.sentences(90)
    let rows = (0..<30).map { "\(lines[3 * $0]),\(lines[3 * $0 + 1]),\(lines[3 * $0 + 2])" }
    try world.write("triplets.csv", "sent0,sent1,hard_neg\n" + rows.joined(separator: "\n") + "\n")
    let more = [
      "--train-file", world.path("triplets.csv"), "--gradient-accumulation", "2", "--hard-negative-weight", "0.2",
      "--eval-pooler", "avg", "--max-steps", "6",
    ]
    let here = try train("here", more)
    let apart = try train("apart", more + ["--isolate"])
    #expect(here.code == 0 && apart.code == 0, "\(here.errors) \(apart.errors)")
    #expect(try world.metrics("apart") == world.metrics("here"))
    #expect(try world.data("apart/model.safetensors") == world.data("here/model.safetensors"))
  }

  /// A library writes into its worker's report, or plans with arrays of its own; nothing of it is believed.
  @Test(arguments: [
    (1, "its process reported nothing of use"), (2, "its process reported nothing of use"),
    (3, "its process reported nothing of use"), (4, "its process reported nothing of use"),
    (5, "its process reported nothing of use"), (6, "loading it did not end within"),
    (7, "it replaced the arrays layers, blocks, states, weights or encodings"),
  ])
  func whatAWorkerReportsIsNotBelieved(forgery: Int, message: String) throws {
    let library = world.path("libforger.so")
    let built = try shell([
      "cc", "-shared", "-fPIC", "-DFORGERY=\(forgery)", "-I", Resources.packageRoot + "/Sources/PluginAPI/include",
      Resources.fixture("faults/forger.c"), "-o", library,
    ])
    try #require(built.code == 0, "\(built.errors)")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: library)
    let deadline = forgery == 6 ? ["--plugin-deadline", "2"] : []
    let result = try shell(
      [
        Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
        "--output-dir", world.path("forged"), "--loss", library + ":forged", "--max-steps", "2", "--isolate",
      ] + deadline)
    #expect(result.code == 69 && result.errors.contains(message), "\(result)")
  }

  @Test func namesAreChecked() throws {
    let unknown = try train("unknown", ["--isolate=fiffo"])
    #expect(unknown.code == 64 && unknown.errors.contains("did you mean 'fifo'?"), "\(unknown.errors)")
    #expect(try train("empty", ["--isolate="]).code == 64)
    #expect(try train("deadline", ["--plugin-deadline", "-1"]).code == 64)
  }

  @Test func noWorkerOutlivesItsHost() throws {
    let faults = try FaultWorld()
    let endless = faults.arguments("killed", faults.strategy("faulty", []) + ["--isolate", "--max-steps", "100000"])
    let (code, wasSignalled) = try world.run(
      endless, until: { _ in !faults.checkpoints("killed").isEmpty }, signal: SIGKILL)
    #expect(wasSignalled && code == 128 + SIGKILL)
    for _ in 0..<100 where try !workers(of: faults.library).isEmpty { usleep(20_000) }
    #expect(try workers(of: faults.library).isEmpty)
  }

  private func workers(of library: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }.filter { process in
      let line = (try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(process)/cmdline"))) ?? Data()
      let texts = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
      return texts.contains("isolated-plugin") && texts.contains(library)
    }
  }
}
