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

  /// Both trackers, in whose places stand modules that write down what they are told.
  @Test(.needs(.compiler("python3")), arguments: ["wandb", "mlflow"]) func trackersAreFed(name: String) throws {
    let world = try CommandWorld()
    try #require(try world.train("run", ["--max-steps", "25"]).code == 0)
    try FileManager.default.createDirectory(atPath: world.path("modules"), withIntermediateDirectories: true)
    try world.write(
      "modules/wandb.py",
      """
      import json, sys
      told = {"logged": []}
      class Run:
          def log(self, numbers, step): told["logged"].append([step, numbers])
          def finish(self): json.dump(told, sys.stdout)
      def init(**settings):
          told["settings"] = settings
          return Run()
      """)
    try world.write(
      "modules/mlflow.py",
      """
      import json, re, sys, time
      told = {"logged": []}
      class Run:
          def __enter__(self): return self
          def __exit__(self, *error): json.dump(told, sys.stdout)
      def start_run(run_name): return Run()
      def log_params(settings): told["settings"] = {"config": settings}
      def log_metrics(numbers, step, timestamp):
          assert abs(timestamp / 1000 - time.time()) < 3600
          assert all(re.fullmatch(r"[-\\w./: ]+", name) for name in numbers), numbers
          told["logged"].append([step, numbers])
      """)
    let told = try shell(
      ["python3", "\(Resources.packageRoot)/Examples/tracking/to_\(name).py", world.path("run")],
      environment: ["PYTHONPATH": world.path("modules"), "PYTHONDONTWRITEBYTECODE": "1"])
    try #require(told.code == 0, "\(told.errors)")
    let document = try #require(try JSONSerialization.jsonObject(with: Data(told.output.utf8)) as? [String: Any])
    let settings = try #require((document["settings"] as? [String: Any])?["config"] as? [String: Any])
    #expect(settings["batch-size"] as? Int == 8)
    let logged = try #require(document["logged"] as? [[Any]])
    let numbers = logged.compactMap { $0.last as? [String: Double] }
    // 25 steps, and evaluations before the first, after the 20th and after the last.
    #expect(logged.count == 28 && numbers.count == 28)
    #expect(numbers.count { $0["train/loss"] != nil } == 25 && numbers.count { $0["dev/spearman"] != nil } == 3)
    #expect(logged.compactMap { $0.first as? Int } == [0] + Array(1...20) + [20] + Array(21...25) + [25])
    #expect(numbers.allSatisfy { $0["train/time"] == nil && $0["dev/time"] == nil && $0["train/step"] == nil })
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
