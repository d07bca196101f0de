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
      "otherLogit", "queue.pushed", "temperature.infonce",
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

  @Test func accumulationIsTheMeanOfItsBatches() throws {
    let common = ["--max-steps", "1", "--no-shuffle", "--dropout", "0", "--max-grad-norm", "0"]
    let result = try world.train("k2", common + ["--gradient-accumulation", "2"])
    #expect(result.code == 0, "\(result.errors)")
    let step = try #require(try world.metrics("k2").first { $0.contains("\"loss\"") })
    #expect(step.contains("\"step\":1"))
    let last = try #require(world.names("k2/checkpoints").first { $0.hasSuffix(".ckpt") })
    #expect(last == "step-00000001.ckpt")
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

  @Test func fullDiskLosesNothing() throws {
    let size = try world.train("size", ["--max-steps", "7"])
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

  @Test func refusals() throws {
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
      (["--train-file", world.path("model")], 64, ".jsonl"),
      (["--model", world.path("none")], 66, "none"),
      (["--sampler", "mixces"], 69, "mixcse"),
      (["--batch-size", "0"], 64, "--batch-size"),
      (["--max-seq-length", "41"], 64, "40"),
      (["--epochs", "-1"], 64, "--epochs"),
      (["--dropout", "1"], 64, "--dropout"),
      (["--head-train-only", "--head", "none"], 64, "--head"),
      (["--eval-data", world.path("none")], 66, "none"),
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

  @Test func referenceSpellings() throws {
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
