// The plugins of Examples: each builds without a warning, passes the conformance suite and trains.

import Foundation
import TestSupport
import Testing

@Suite struct ExamplesTests {
  /// Folder, library, compiler, and the flags of a run with it.
  static let examples: [(folder: String, library: String, compiler: String, flags: [[String]])] = [
    ("swift", "spherical", "swiftc", [["--sampler", "LIB:lambda=0.3", "--loss", "infonce"]]),
    ("c", "memory", "cc", [["--sampler", "LIB:size=20", "--loss", "infonce"]]),
    ("cxx", "filter", "g++", [["--sampler", "LIB", "--loss", "infonce"]]),
    ("rust", "dcl", "rustc", [["--loss", "LIB:temperature=0.1"]]),
    (
      "bare", "negatives", "cc",
      [
        ["--sampler", "LIB:gaussian:count=7", "--loss", "infonce"],
        ["--sampler", "LIB:recent:size=20", "--loss", "infonce"],
      ]
    ),
  ]

  @Test(arguments: examples.map(\.folder)) func buildsPassesAndTrains(folder: String) throws {
    let example = try #require(Self.examples.first { $0.folder == folder })
    guard try shell(["which", example.compiler]).code == 0 else {
      try #require(!Resources.isCI, "\(example.compiler) is not installed")
      print("left out: Examples/\(folder), since \(example.compiler) is not installed")
      return
    }
    let world = try CommandWorld()
    let built = try shell(["make", "-s", "-C", Resources.packageRoot + "/Examples/" + folder, "OUT=" + world.folder])
    try #require(built.code == 0 && built.errors.isEmpty, "\(built.output)\(built.errors)")
    let library = world.path("lib\(example.library).so")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: library)
    let checked = try shell([Resources.command, "plugins", "check", library])
    #expect(checked.code == 0 && checked.output.contains(" 0 failed"), "\(checked.output)\(checked.errors)")
    for (index, flags) in example.flags.enumerated() {
      let output = "out\(index)"
      let trained = try shell(
        [
          Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
          "--output-dir", world.path(output), "--max-steps", "6", "--batch-size", "8", "--threads", "1", "--pooler",
          "avg",
        ] + flags.map { $0.replacingOccurrences(of: "LIB", with: library) })
      #expect(trained.code == 0, "\(trained.errors)")
      #expect(try world.metrics(output).count == 6)
    }
  }

  /// The queue in C with a descriptor and the one of bare functions are the same strategy.
  @Test func bothQueuesTrainTheSame() throws {
    let world = try CommandWorld()
    var logs: [[Double]] = []
    for (folder, spec) in [("c", "libmemory.so:size=20"), ("bare", "libnegatives.so:recent:size=20")] {
      let built = try shell(["make", "-s", "-C", Resources.packageRoot + "/Examples/" + folder, "OUT=" + world.folder])
      try #require(built.code == 0, "\(built.errors)")
      let library = String(spec.prefix { $0 != ":" })
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: world.path(library))
      let trained = try shell([
        Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
        "--output-dir", world.path(folder), "--max-steps", "8", "--batch-size", "8", "--threads", "1", "--pooler",
        "avg",
        "--sampler", world.path(spec), "--loss", "infonce", "--learning-rate", "1e-3",
      ])
      try #require(trained.code == 0, "\(trained.errors)")
      logs.append(
        try world.metrics(folder).map { line in
          let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
          return object?["loss"] as? Double ?? .nan
        })
    }
    #expect(logs[0] == logs[1] && logs[0].count == 8, "\(logs)")
  }
}
