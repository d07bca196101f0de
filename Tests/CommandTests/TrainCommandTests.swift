// What `mixcse train` writes, what it refuses, and with which exit code.

import Foundation
import TestSupport
import Testing

@Suite struct TrainCommandTests {
  let world: CommandWorld

  init() throws { world = try CommandWorld() }

  private func json(_ name: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: world.data(name)) as? [String: Any])
  }

  @Test func writesLogRecordModelAndResult() throws {
    let result = try world.train("run", ["--json", "--max-steps", "20"])
    try #require(result.code == 0, "\(result.errors)")
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any], "\(result.output)")
    #expect(document["steps"] as? Int == 20)
    #expect((document["baseline"] as? [String: Any])?["pairs"] as? Int == 40)
    #expect((document["best"] as? [String: Any])?["step"] as? Int == 20)
    let lines = try String(decoding: world.data("run/metrics.jsonl"), as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 22)
    let step = try #require(try JSONSerialization.jsonObject(with: Data(lines[1].utf8)) as? [String: Any])
    for key in [
      "step", "epoch", "loss", "gradNorm", "learningRate", "sentencesPerSecond", "positiveLogit", "mixedLogit",
      "otherLogit", "fifo.pushed", "temperature.infonce",
    ] { #expect(step.keys.contains(key), "\(key) is missing in \(lines[1])") }
    #expect(step["learningRate"] as? Double == 1e-3)
    let record = try json("run/run.json")
    #expect(record["finished"] as? Bool == true)
    #expect((record["data"] as? [String: Any])?["sha256"] as? String != nil)
    #expect(((record["plugins"] as? [[String: Any]]) ?? []).count == 4)
    for file in ["config.json", "model.safetensors", "vocab.txt", "mixcse.json"] {
      #expect(world.exists("run/" + file))
    }
    #expect(!result.errors.contains("\u{1B}"), "control sequences in a pipe")
  }

  @Test func sameSeedSameBitsOtherSeedOthers() throws {
    let runs = [("a", "42", "2"), ("b", "42", "1"), ("c", "43", "2")]
    for (output, seed, threads) in runs {
      let result = try world.train(output, ["--max-steps", "10", "--seed", seed, "--threads", threads])
      #expect(result.code == 0, "\(result.errors)")
    }
    let weights = try runs.map { try world.data($0.0 + "/model.safetensors") }
    #expect(weights[0] == weights[1], "the number of threads changed the result")
    #expect(weights[0] != weights[2])
  }

  @Test func evaluationAndLoggingDrawNoRandomNumbers() throws {
    _ = try world.train("often", ["--eval-steps", "1", "--max-steps", "10"])
    _ = try world.train("seldom", ["--eval-steps", "10", "--max-steps", "10"])
    func losses(_ output: String) throws -> [String] { try world.metrics(output).filter { $0.contains("\"loss\"") } }
    #expect(try losses("often") == losses("seldom"))
  }

  /// Two equal batches have the mean gradient of one; two different ones the mean loss, also with a queue between.
  @Test func accumulationIsTheMeanOfItsBatches() throws {
    let eight = world.tiny.sentences(8)
    try world.write("twice.txt", (eight + eight).joined(separator: "\n"))
    func steps(_ output: String, _ more: [String]) throws -> [(loss: Double, norm: Double)] {
      let result = try shell(
        [
          Resources.command, "train", "--model", world.path("model"), "--batch-size", "8", "--no-shuffle", "--dropout",
          "0", "--learning-rate", "0", "--output-dir", world.path(output), "--plugin-path",
          try CommandPlugins.folder.get(),
        ] + more)
      #expect(result.code == 0, "\(result.errors)")
      return try world.metrics(output).map {
        let step = try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        return (try #require(step["loss"] as? Double), try #require(step["gradNorm"] as? Double))
      }
    }
    let equal = ["--train-file", world.path("twice.txt"), "--method", "mixcse"]
    let one = try steps("one", equal + ["--max-steps", "1"])
    let both = try steps("both", equal + ["--max-steps", "1", "--gradient-accumulation", "2"])
    #expect(both.count == 1 && isClose(both[0].loss, one[0].loss, relative: 1e-6))
    #expect(isClose(both[0].norm, one[0].norm, relative: 1e-5), "\(both[0].norm), not \(one[0].norm)")

    let queue = ["--train-file", world.path("train.txt"), "--sampler", "fifo:size=16", "--loss", "infonce"]
    let apart = try steps("apart", queue + ["--max-steps", "4"])
    let joined = try steps("joined", queue + ["--max-steps", "2", "--gradient-accumulation", "2"])
    for step in 0..<2 {
      let mean = (apart[2 * step].loss + apart[2 * step + 1].loss) / 2
      #expect(isClose(joined[step].loss, mean, relative: 1e-6), "\(joined[step].loss), not \(mean)")
    }
  }

  /// The contrastive part sees its own text and masks: its first loss does not change, and the sum is reported.
  @Test func maskedLanguageModellingIsAdded() throws {
    let common = ["--max-steps", "12", "--eval-steps", "100"]
    let plain = try world.train("plain", common)
    let masked = try world.train("masked", common + ["--mlm", "--mlm-weight", "0.5"])
    #expect(plain.code == 0 && masked.code == 0, "\(masked.errors)")
    #expect(masked.errors.contains("has no head for masked language modelling"), "\(masked.errors)")
    func first(_ output: String) throws -> [String: Any] {
      let line = try #require(try world.metrics(output).first { $0.contains("\"loss\"") })
      return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
    let loss = try #require(try first("plain")["loss"] as? Double)
    let sum = try #require(try first("masked")["loss"] as? Double)
    let guessing = try #require(try first("masked")["mlmLoss"] as? Double)
    #expect(guessing > 1 && isClose(sum, loss + 0.5 * guessing, relative: 1e-6))
    #expect(try world.data("plain/model.safetensors") != world.data("masked/model.safetensors"))
    #expect(try world.train("masked", common + ["--resume"]).code == 64, "the flag decides the run")
  }

  @Test func twoAndThreeColumns() throws {
    let lines = world.tiny.sentences(90)
    let rows = (0..<30).map { "\(lines[3 * $0]),\(lines[3 * $0 + 1]),\(lines[3 * $0 + 2])" }
    try world.write("triplets.csv", "sent0,sent1,hard_neg\n" + rows.joined(separator: "\n") + "\n")
    try world.write(
      "pairs.tsv.tsv", (0..<30).map { "\(lines[3 * $0])\t\(lines[3 * $0 + 1])" }.joined(separator: "\n"))
    let triplets = try world.train("three", ["--train-file", world.path("triplets.csv"), "--max-steps", "5"])
    #expect(triplets.code == 0, "\(triplets.errors)")
    #expect(triplets.errors.contains("30 pairs with a hard negative under the header sent0,sent1,hard_neg"))
    let pairs = try world.train("two", ["--train-file", world.path("pairs.tsv.tsv"), "--max-steps", "5"])
    #expect(pairs.code == 0, "\(pairs.errors)")
    #expect(pairs.errors.contains("30 pairs"))
  }

  @Test(arguments: [false, true])
  func pluginFailureExits69AndCanGoOn(nan: Bool) throws {
    try world.write("stop", "")
    let more = [
      "--sampler", "fails:from=9,file=\(world.path("stop")),nan=\(nan)", "--max-steps", "15", "--save-steps", "100",
    ]
    let failed = try world.train("failed", more)
    #expect(failed.code == 69, "\(failed.errors)")
    #expect(failed.errors.contains("fails") && failed.errors.contains("step 9"), "\(failed.errors)")
    #expect(world.exists("failed/checkpoints/step-00000009.ckpt"))
    try FileManager.default.removeItem(atPath: world.path("stop"))
    let resumed = try world.train("failed", more + ["--resume"])
    #expect(resumed.code == 0, "\(resumed.errors)")
    let whole = try world.train("unharmed", more)
    #expect(whole.code == 0)
    #expect(try world.data("failed/model.safetensors") == world.data("unharmed/model.safetensors"))
  }

  /// Nothing was learned yet, so there is nothing to save, and --resume begins anew.
  @Test func aFailureInTheFirstStepLosesNothing() throws {
    try world.write("stop", "")
    let more = ["--sampler", "fails:from=0,file=\(world.path("stop"))", "--max-steps", "5"]
    let failed = try world.train("first", more)
    #expect(failed.code == 69, "\(failed.errors)")
    #expect(!world.exists("first/checkpoints/step-00000000.ckpt") && !failed.errors.contains("--resume"))
    try FileManager.default.removeItem(atPath: world.path("stop"))
    #expect(try world.train("first", more + ["--resume"]).code == 0)
    #expect(try world.train("never", more).code == 0)
    #expect(try world.data("first/model.safetensors") == world.data("never/model.safetensors"))
  }

  /// A learning rate that throws the weights out of float32's range: no plugin is at fault, the run says where it was.
  @Test func divergenceIsNamedAndExits69() throws {
    let result = try world.train(
      "diverged",
      ["--learning-rate", "1", "--weight-decay", "1", "--max-grad-norm", "0", "--set", "infonce.temperature=1e-38"])
    #expect(result.code == 69, "\(result.code) \(result.errors)")
    #expect(result.errors.contains("step ") && result.errors.contains("NaN or infinity"), "\(result.errors)")
    #expect(world.names("diverged/checkpoints").contains { $0.hasSuffix(".ckpt") })
  }

  @Test func fullDiskLosesNothing() throws {
    let size = try world.train("size", ["--max-steps", "7", "--keep-checkpoints"])
    try #require(size.code == 0)
    let checkpoint = try world.data("size/checkpoints/step-00000007.ckpt").count
    let arguments = try world.trainArguments("full").map { "'\($0)'" }.joined(separator: " ")
    let limited = try shell(["bash", "-c", "ulimit -f \(checkpoint / 2048); exec \(arguments)"])
    #expect(limited.code == 75, "\(limited.code): \(limited.errors)")
    #expect(limited.errors.contains("free"), "\(limited.errors)")
    #expect(world.names("full/checkpoints").allSatisfy { !$0.hasPrefix(".") }, "an unfinished file stayed")
    let resumed = try world.train("full", ["--resume"])
    #expect(resumed.code == 0, "\(resumed.errors)")
  }

  @Test func whatTrainingRefuses() throws {
    try world.write("file", "")
    try world.write("empty.txt", "\n\n")
    try world.write("bad.csv", "a,b\n\"c,d\ne,f,g\nh\n")
    let cases: [(arguments: [String], code: Int32, text: String)] = [
      (["--output-dir", "/proc/nowhere"], 64, "/proc/nowhere"),
      (["--output-dir", world.path("file")], 64, "a file"),
      (["--output-dir", world.folder], 64, "--overwrite"),
      (["--train-file", world.path("none.txt")], 66, "none.txt"),
      (["--train-file", world.path("empty.txt")], 65, "2 empty lines"),
      (["--train-file", world.path("bad.csv")], 65, "bad.csv:"),
      (["--train-file", world.path("model")], 64, "found a folder"),
      (["--model", world.path("none")], 66, "none"),
      (["--sampler", "mixces"], 69, "mixcse"),
      (["--batch-size", "0"], 64, "--batch-size"),
      (["--max-seq-length", "41"], 64, "40"),
      (["--epochs", "-1"], 64, "--epochs"),
      (["--dropout", "1"], 64, "--dropout"),
      (["--head-train-only", "--head", "none"], 64, "--head"),
      (["--eval-data", world.path("none")], 66, "none"),
      (["--mlm-weight", "0.2"], 64, "--mlm"),
      (["--nonsense"], 64, "--nonsense"),
    ]
    for (arguments, code, text) in cases {
      let result = try world.train("refused", arguments)
      #expect(result.code == code, "\(arguments): \(result.code) \(result.errors)")
      #expect(result.errors.contains(text), "\(arguments): \(result.errors)")
    }
    _ = try world.train("refused", ["--max-steps", "1"])
    let again = try world.train("refused", ["--max-steps", "1"])
    #expect(again.code == 64 && again.errors.contains("--resume"), "\(again.errors)")
    #expect(try world.train("refused", ["--max-steps", "1", "--overwrite"]).code == 0)
  }

  /// A file larger than the memory it is given: the index takes 8 bytes a line (twice that while it grows).
  @Test func memoryDoesNotGrowWithTheFile() throws {
    let line = String(repeating: "w", count: 140)
    try world.write("small.txt", (0..<100).map { "line \($0) \(line)\n" }.joined())
    try world.write("large.txt", String(repeating: (0..<10_000).map { "line \($0) \(line)\n" }.joined(), count: 120))
    let measure = """
      import resource, subprocess, sys
      code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
      print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
      sys.exit(code)
      """
    func peakBytes(_ file: String) throws -> Int {
      let train = try world.trainArguments(file, ["--train-file", world.path(file + ".txt"), "--max-steps", "2"])
      let result = try shell(["python3", "-c", measure] + train)
      try #require(result.code == 0, "\(result.errors)")
      return try #require(Int(result.output.split(separator: "\n").last ?? "")) * 1024
    }
    let growth = try peakBytes("large") - peakBytes("small")
    #expect(try world.data("large.txt").count > 170_000_000)
    #expect(growth < 60 << 20, "\(growth) bytes more")
  }

  @Test func referenceSpellingsOfTrain() throws {
    let result = try shell([
      Resources.command, "train", "--model_name_or_path", world.path("model"), "--train_file", world.path("train.txt"),
      "--output_dir", world.path("reference"), "--overwrite_output_dir", "--do_train", "--method", "mixcse",
      "--lambdas",
      "0.3", "--temp=0.1", "--pooler_type", "cls", "--mlp_only_train", "--num_train_epochs", "0.5",
      "--per_device_train_batch_size", "8", "--learning_rate", "3e-5", "--max_seq_length", "16",
      "--evaluation_strategy", "steps", "--metric_for_best_model", "stsb_spearman", "--load_best_model_at_end",
      "--eval_steps", "5", "--hard_negative_weight", "0",
    ])
    #expect(result.code == 0, "\(result.errors)")
    let record = try json("reference/run.json")
    let plugins = (record["plugins"] as? [[String: Any]]) ?? []
    let mixcse = plugins.first { $0["instance"] as? String == "mixcse" }
    #expect((mixcse?["parameters"] as? [String: String])?["lambda"] == "0.3")
    #expect(record["headTrainOnly"] as? Bool == true)
    #expect(record["totalSteps"] as? Int == 10)
  }
}
