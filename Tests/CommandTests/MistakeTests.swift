// Typical mistakes and what is said of them: each message names what was typed, why it cannot be, and the way out; it
// is short, and nothing follows it.

import Foundation
import TestSupport
import Testing

@Suite struct MistakeTests {
  let world: CommandWorld

  init() throws {
    world = try CommandWorld()
    try FileManager.default.createDirectory(atPath: world.path("data"), withIntermediateDirectories: true)
    for name in ["train.txt", "pairs.tsv"] { try world.write("data/" + name, "") }
  }

  /// A command line of words without blanks, the exit code, and what the message must have.
  struct Mistake: CustomTestStringConvertible, Sendable {
    let line: String
    let code: Int32
    let said: [String]

    init(_ line: String, _ code: Int32, _ said: String...) { (self.line, self.code, self.said) = (line, code, said) }

    var testDescription: String { line }
  }

  private static let train = "train --model model --train-file train.txt --output-dir out --max-steps 1 "
  private static let mixcse = train + "--method mixcse "
  private static let compare =
    "compare simcse mixcse --model model --train-file train.txt --eval-data pairs.tsv --output-dir out --max-steps 1 "

  static let mistakes: [Mistake] = [
    // Models and files.
    Mistake(
      "train --model owner/name --train-file train.txt --output-dir out --method mixcse", 66, "owner/name: not found",
      "not fetched", "hf download owner/name"),
    Mistake("encode --model bert-base-uncased --input train.txt --json", 66, "hf download bert-base-uncased"),
    Mistake("tokenize --model owner/name --input train.txt", 66, "hf download owner/name"),
    Mistake("encode --model ./absent --input train.txt --json", 66, "./absent: not found", "config.json"),
    Mistake(
      "encode --model model/model.safetensors --input train.txt --json", 65, "found a file",
      "Pass the folder it lies in: model"),
    Mistake("tokenize --model model/vocab.txt --input train.txt", 65, "Pass the folder it lies in: model"),
    Mistake(
      "train --model model --train-file data --output-dir out --method mixcse", 64, "data: expected a file",
      "found a folder", "data/pairs.tsv, train.txt"),
    Mistake(
      "train --model model --train-file model --output-dir out --method mixcse", 64, "found a folder", "vocab.txt"),
    Mistake("encode --model model --input data --json", 66, "data: expected a file, found a folder"),
    Mistake("evaluate --model model --pairs data", 66, "data: expected a file, found a folder"),
    Mistake(
      "train --model model --train-file absent.txt --output-dir out --method mixcse", 66, "absent.txt: not found"),
    Mistake(mixcse + "--eval-data absent", 66, "absent: expected"),
    Mistake(mixcse + "--eval-data train.txt", 65, "train.txt:1: expected", "sentence1"),
    Mistake("probe --z1 train.txt --z2 train.txt --method mixcse", 65, "expected a .npy file", "numpy.save"),
    // Flags by other names.
    Mistake(mixcse + "--lr 3e-5", 64, "mixcse train has no --lr", "--learning-rate", "mixcse train --help"),
    Mistake(mixcse + "--bs 8", 64, "--batch-size"),
    Mistake(mixcse + "--tau 0.05", 64, "--temperature"),
    Mistake(mixcse + "--force", 64, "--overwrite"),
    Mistake(
      "train --model model --train-file train.txt --method mixcse --ouput-dir out", 64, "no --ouput-dir",
      "did you mean '--output-dir'?"),
    Mistake("encode --modle model --input train.txt --json", 64, "no --modle", "did you mean '--model'?"),
    Mistake(mixcse + "--batch_size 8", 64, "no --batch_size", "did you mean '--batch-size'?"),
    Mistake("evaluate --model model --eval-data pairs.tsv", 64, "--pairs"),
    Mistake("encode --model model --input train.txt --output-dir x.npy", 64, "--output here"),
    Mistake(mixcse + "--seeds 42,43", 64, "--seed here"), Mistake(compare + "--seed 42", 64, "--seeds here"),
    Mistake(compare + "--lambda 0.3", 64, "no --lambda", "mixcse:lambda=0.3"),
    Mistake(compare + "--method mixcse", 64, "without a flag: mixcse compare simcse mixcse"),
    Mistake("probe --z1 a.npy --eval-steps 3", 64, "no --eval-steps", "mixcse train"),
    Mistake(mixcse + "--quux", 64, "no --quux"),
    // Wishes that no flag fulfils.
    Mistake(mixcse + "--device cuda", 64, "--device: expected --encoder with a plugin beside it"),
    Mistake(mixcse + "--gpu 0", 64, "no --gpu", "processors", "--threads", "--encoder"),
    Mistake(mixcse + "--encoder absent", 69, "no encoder is called 'absent'"),
    Mistake(mixcse + "--encoder torch --precision fp16", 64, "--precision: expected one of f32, tf32, bf16"),
    Mistake(mixcse + "--half", 64, "no --half", "float32"),
    Mistake(mixcse + "--report-to wandb", 64, "no --report-to", "metrics.jsonl"),
    // Commands.
    Mistake("trian --model model", 64, "no command 'trian'", "did you mean 'train'?"),
    Mistake("plugins inf mixcse", 64, "no command 'inf'", "did you mean 'info'?"),
    Mistake("quux", 64, "no command 'quux'", "compare"),
    // Several values, and words that stand alone.
    Mistake(
      "compare simcse mixcse --seeds 42 43 44 --model model --train-file train.txt --output-dir out", 64,
      "'43': expected a strategy, found a number", "commas: --seeds 42,43,44"),
    Mistake(compare + "--seeds 42,,43", 64, "--seeds: expected", "''"),
    Mistake(compare + "data/pairs.tsv", 64, "'data/pairs.tsv': expected a strategy, found a file", "--test-data"),
    Mistake("evaluate --model model --pairs a.tsv b.tsv", 64, "'b.tsv'", "--pairs a.tsv --pairs b.tsv"),
    Mistake("evaluate --tasks STS12 STS13 --modle model --data data", 64, "no --modle", "--model"),
    Mistake("encode train.txt --modle model --json", 64, "no --modle", "--model"),
    Mistake("encode train.txt --model model --json", 64, "'train.txt'", "--input"),
    Mistake(mixcse + "--eval-pooler my pooler", 64, "'pooler'", "in quotes: --eval-pooler 'my pooler'"),
    // Values.
    Mistake(mixcse + "--temperature -1", 64, "--temperature: expected a number above 0, found -1"),
    Mistake(
      "encode --model model --input train.txt --json --plugin-deadline -1", 64, "--plugin-deadline: expected",
      "found -1"),
    Mistake(mixcse + "--learning-rate -0.1", 64, "--learning-rate: expected a value from 0 to 1, found -0.1"),
    Mistake(mixcse + "--batch-size 0", 64, "--batch-size: expected a value from 1 to 65536, found 0"),
    Mistake(mixcse + "--eval-steps 0", 64, "--eval-steps: expected a number of 1 or more, found 0"),
    Mistake(mixcse + "--dropout 1", 64, "--dropout: expected a value from 0 to 0.99, found 1"),
    Mistake(mixcse + "--batch-size many", 64, "'many'", "--batch-size", "1 to 65536"),
    Mistake(mixcse + "--max-seq-length 4096", 64, "--max-seq-length", "model's limit"),
    Mistake("evaluate --model model --mode tset --data data", 64, "'tset'", "'test'"),
    Mistake("evaluate --model model --data data", 66, "data: expected SentEval's downstream"),
    // Strategies.
    Mistake(train, 64, "no strategy is named", "--method", "plugins list"),
    Mistake(train + "--set queue.size=3", 64, "queue.size=3", "--sampler queue"),
    Mistake(mixcse + "--set lambda=0.2", 64, "'lambda=0.2'", "mixcse.lambda=0.2"),
    Mistake(train + "--method mixce", 69, "'mixce'", "did you mean 'mixcse'?"),
    Mistake(train + "--method mixcse:lamda=0.2", 64, "'lamda'", "did you mean 'lambda'?"),
    Mistake(train + "--method mixcse:lambda=2", 64, "mixcse.lambda: expected a number in [0, 1], found '2'"),
    Mistake(mixcse + "--pooler mean", 69, "'mean'", "avg"),
    Mistake("plugins info mixce", 69, "'mixce'", "did you mean 'mixcse'?"),
    Mistake("plugins new smapler x --language c", 64, "'smapler'", "'sampler'"),
    Mistake("plugins check absent.so", 1, "./absent.so"),
    // What is missing.
    Mistake("train --model model --train-file train.txt --method mixcse", 64, "--output-dir <dir>"),
    Mistake("compare simcse mixcse --train-file train.txt", 64, "--model <dir>", "mixcse compare --help"),
    Mistake(
      "compare --model model --train-file train.txt --output-dir out", 64, "expected strategies", "simcse mixcse"),
    Mistake("evaluate --model model", 64, "nothing to score", "--pairs"),
    Mistake("encode --model model --input train.txt", 64, "--output", "--json"),
    Mistake("probe --z1 a.npy --method mixcse", 64, "--z2"),
  ]

  @Test(arguments: mistakes) func isAnswered(mistake: Mistake) throws {
    let words = mistake.line.split(separator: " ").map(String.init)
    let result = try shell([Resources.command] + words, in: world.folder, environment: ["SWIFT_BACKTRACE": ""])
    let said = result.output + result.errors
    #expect(result.code == mistake.code, "\(said)")
    for part in mistake.said { #expect(said.contains(part), "\(part): \(said)") }
    #expect(said.split(separator: "\n").count <= 12, "\(said)")
  }

  /// A logit may be below 0; the parser takes `-1` for a flag.
  @Test func negativeNumbersAreValues() throws {
    let arguments = try world.trainArguments("negative", ["--hard-negative-weight", "-1", "--dry-run"])
    let result = try shell(arguments)
    #expect(result.code == 0 && result.output.contains("-1"), "\(result)")
  }

  /// The shell cuts a command at `|`: said where arguments are missing, and before runs whose results nobody reads.
  @Test func aPipeInAStrategyIsSeen() throws {
    func bash(_ line: String) throws -> ShellResult {
      try shell(["bash", "-c", line], in: world.folder, environment: ["MX": Resources.command])
    }
    let cut = try bash("$MX compare simcse mixcse:lambda=0.1|0.2 --model model")
    #expect(cut.errors.contains("took | for a pipe") && cut.errors.contains("'mixcse:lambda=0.1|...'"), "\(cut)")
    let whole =
      "compare --model model --train-file train.txt --eval-data pairs.tsv --output-dir out --max-steps 1"
      + " --batch-size 8 --seeds 42 simcse mixcse:lambda=0.1"
    let run = try bash("$MX \(whole)|0.2")
    #expect(run.errors.contains("warning: nobody reads the output"), "\(run)")
    let honest = try bash("$MX \(whole) | cat")
    #expect(honest.code == 0 && !honest.errors.contains("nobody reads"), "\(honest)")
  }

  /// What differs in the words of the command line, and what can be done.
  @Test func anotherMethodOnResume() throws {
    func train(_ more: String) throws -> ShellResult {
      let words = (Self.train + "--batch-size 8 --save-steps 1 --max-steps 2 " + more).split(separator: " ")
      return try shell([Resources.command] + words.map(String.init), in: world.folder)
    }
    #expect(try train("--method simcse --stop-after 1").code == 75)
    let method = try train("--method mixcse --resume")
    #expect(method.code == 64 && method.errors.contains("\n  --method: simcse in the checkpoint, mixcse now\n"))
    #expect(!method.errors.contains("{") && method.errors.contains("another --output-dir"), "\(method.errors)")
    let parts = try train("--sampler mixcse --loss infonce --resume")
    #expect(parts.errors.contains("\n  strategy: infonce in the checkpoint, mixcse + infonce now\n"), "\(parts.errors)")
    let value = try train("--method simcse:temperature=0.1 --resume")
    #expect(value.errors.contains("\n  infonce.temperature: "), "\(value.errors)")
    let pooler = try train("--method simcse --pooler avg --resume")
    #expect(pooler.errors.contains("\n  --pooler: \"cls\" in the checkpoint, \"avg\" now\n"), "\(pooler.errors)")
    #expect(pooler.errors.components(separatedBy: "--pooler: ").count == 2, "\(pooler.errors)")
  }

  /// Swift's sixty lines of registers would push the reason off the screen; who wants them says so.
  @Test func noBacktraceFollowsACrashOfAPlugin() throws {
    let arguments = try world.trainArguments("crashed", ["--sampler", "crashes"])
    let result = try shell(["env", "-u", "SWIFT_BACKTRACE"] + arguments)
    #expect(result.code == 128 + SIGSEGV, "\(result)")
    let crash = try #require(result.errors.range(of: "error: plugin "))
    #expect(result.errors[crash.lowerBound...].split(separator: "\n").count <= 5, "\(result.errors)")
    let wanted = try shell(arguments + ["--overwrite"], environment: ["SWIFT_BACKTRACE": "enable=yes,color=no"])
    #expect(wanted.errors.contains("Thread 0"), "\(wanted.errors)")
  }
}
