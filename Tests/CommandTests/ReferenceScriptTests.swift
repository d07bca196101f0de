// The reference's own scripts, run as they were published (Tests/Fixtures/reference), with this program in the place of
// its interpreter; and what is said of each of its flags.

import Foundation
import TestSupport
import Testing

@Suite struct ReferenceScriptTests {
  let world: CommandWorld

  /// Everything where the scripts look for it, in small.
  init() throws {
    world = try CommandWorld()
    try world.tiny.write(to: world.path("bert-base-uncased"))
    try SmallData.write(to: world.path("SentEval/data/downstream"))
    for folder in ["data", "bin"] {
      try FileManager.default.createDirectory(atPath: world.path(folder), withIntermediateDirectories: true)
    }
    try world.write("data/wiki1m_for_simcse.txt", world.tiny.sentences(150).joined(separator: "\n") + "\n")
    let rows = world.tiny.sentences(450, seed: 3)
    let triples = (0..<150).map { "\(rows[3 * $0]),\(rows[3 * $0 + 1]),\(rows[3 * $0 + 2])" }
    try world.write("data/nli_for_simcse.csv", "sent0,sent1,hard_neg\n" + triples.joined(separator: "\n") + "\n")
    try FileManager.default.copyItem(
      atPath: world.path("SentEval/data/downstream/STS/STSBenchmark/sts-dev.csv"),
      toPath: world.path("data/sts-dev.tsv"))
    for name in ["python", "python3"] {
      try world.write("bin/" + name, Self.interpreter)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: world.path("bin/" + name))
    }
  }

  /// Their scripts are this program's subcommands; what converts a checkpoint has nothing to do.
  static let interpreter = """
    #!/bin/bash
    [ "$1" = -u ] && shift
    case $1 in
      train.py) exec "$MIXCSE" train "${@:2}" ;;
      evaluation.py) exec "$MIXCSE" evaluate "${@:2}" ;;
      simcse_to_huggingface.py) ;;
      *) exec "$MIXCSE" train "$@" ;;
    esac

    """

  private func script(_ name: String) throws -> String {
    try String(contentsOfFile: Resources.packageRoot + "/Tests/Fixtures/reference/" + name, encoding: .utf8)
  }

  private func run(_ script: String, _ arguments: [String] = []) throws -> ShellResult {
    let path = "\(world.path("bin")):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
    return try shell(
      ["bash", "-e", "-c", script, "script"] + arguments, in: world.folder,
      environment: ["PATH": path, "MIXCSE": Resources.command])
  }

  /// What run.json says was run.
  private func description(_ output: String) throws -> [String: Any] {
    let record = try #require(
      try JSONSerialization.jsonObject(with: world.data(output + "/run.json")) as? [String: Any])
    return try #require(record["run"] as? [String: Any])
  }

  /// `expected` against the record: numbers, texts, truth values.
  private func check(_ output: String, _ expected: [String: NSObject]) throws {
    let found = try description(output)
    for (name, value) in expected {
      #expect(found[name] as? NSObject == value, "\(name): \(String(describing: found[name]))")
    }
  }

  private func numbers(batch: Int, rate: Double, epochs: Double) -> [String: NSObject] {
    [
      "batch-size": batch as NSNumber, "learning-rate": rate as NSNumber, "epochs": epochs as NSNumber,
      "max-seq-length": 32 as NSNumber, "eval-steps": 125 as NSNumber, "temperature": 0.05 as NSNumber,
      "pooler": "cls" as NSString, "head": "mlp" as NSString,
    ]
  }

  // MARK: - The scripts

  @Test func unsupervisedSimCSE() throws {
    let result = try run(try script("simcse-unsup.sh"))
    try #require(result.code == 0, "\(result.errors)")
    let output = "result/my-unsup-simcse-bert-base-uncased"
    try check(output, numbers(batch: 64, rate: 3e-5, epochs: 1))
    try check(
      output,
      [
        "model": "bert-base-uncased" as NSString, "train-file": "data/wiki1m_for_simcse.txt" as NSString,
        "eval-data": "SentEval/data" as NSString, "head-train-only": true as NSNumber,
        "sampler": [] as NSArray, "loss": ["infonce"] as NSArray,
      ])
    #expect(try description(output)["eval-pooler"] == nil)
    #expect(result.errors.contains("note: --fp16: float32 is computed here; ignored"))
    #expect(!result.errors.contains("is left out"), "\(result.errors)")
    #expect(result.errors.contains("note: no strategy and no --lambdas: --method simcse, as in the reference"))
    #expect(result.errors.contains("note: --evaluation_strategy: --eval-data SentEval/data, where the reference looks"))
    // Once more: `--overwrite_output_dir` is meant, and what follows the script comes last and counts.
    let again = try run(try script("simcse-unsup.sh"), ["--seed", "7", "--learning_rate", "1e-5", "--fp16", "False"])
    #expect(again.code == 0, "\(again.errors)")
    try check(output, ["seed": "7" as NSString, "learning-rate": 1e-5 as NSNumber])
  }

  /// Its first published state has no --mlp_only_train, so that the reference scores through the head.
  @Test func firstUnsupervisedSimCSE() throws {
    let result = try run(try script("simcse-unsup-first.sh"))
    try #require(result.code == 0, "\(result.errors)")
    let output = "result/my-unsup-simcse-bert-base-uncased"
    try check(output, numbers(batch: 512, rate: 5e-5, epochs: 1))
    try check(output, ["head-train-only": false as NSNumber, "eval-pooler": "cls" as NSString])
    #expect(result.errors.contains("scored through the head, as in the reference"))
  }

  /// Training and the evaluation that follows it in the script; the model's place is the author's own, so that it
  /// stands behind the script.
  @Test(arguments: [("0.2", "0.2"), ("0.6", "0.5")]) func unsupervisedMixCSE(lambda: String, name: String) throws {
    let result = try run(try script("mixcse-unsup-\(lambda).sh"), ["--model_name_or_path", "bert-base-uncased"])
    try #require(result.code == 0, "\(result.errors)")
    let output =
      "result/my-unsup-simcse-z4adapt-mixup-V100-temp0.05-lambda\(name)-bert-base-uncased_seed42_test"
    try check(output, numbers(batch: 64, rate: 3e-5, epochs: 1))
    try check(
      output,
      [
        "model": "bert-base-uncased" as NSString, "eval-data": "data/sts-dev.tsv" as NSString,
        "sampler": ["mixcse:lambda=\(lambda)"] as NSArray, "loss": ["infonce"] as NSArray, "seed": "42" as NSString,
        "head-train-only": false as NSNumber, "eval-pooler": "cls" as NSString,
      ])
    #expect(result.errors.contains("note: --lambdas without a strategy: --method mixcse, as in the reference"))
    for column in ["STS12", "SICKRelatedness", "TREC"] { #expect(result.output.contains(column)) }
    #expect(result.errors.contains("note: --data SentEval/data, where the reference looks"))
  }

  /// The launcher of many processes is refused with what to do; on one card, as the script's own comment has it, it
  /// runs.
  @Test(arguments: ["simcse-sup", "mixcse-sup"]) func supervised(name: String) throws {
    let text = try script(name + ".sh")
    let refused = try run(text)
    #expect(refused.code == 64 && refused.errors.contains("give N times the --per_device_train_batch_size"))
    #expect(!refused.errors.contains("Usage"), "\(refused.errors)")
    let launcher = "python -m torch.distributed.launch --nproc_per_node $NUM_GPU --master_port $PORT_ID train.py"
    try #require(text.contains(launcher))
    let result = try run(text.replacingOccurrences(of: launcher, with: "python train.py"))
    try #require(result.code == 0, "\(result.errors)")
    let isMixCSE = name == "mixcse-sup"
    let output =
      "result/" + (isMixCSE ? "my-sup-simcse-z3mixup-temp0.05-lambda0.3" : "my-sup-simcse") + "-bert-base-uncased"
    try check(output, numbers(batch: 128, rate: 5e-5, epochs: 3))
    try check(
      output,
      [
        "train-file": "data/nli_for_simcse.csv" as NSString, "eval-pooler": "cls" as NSString,
        "eval-data": (isMixCSE ? "data/sts-dev.tsv" : "SentEval/data") as NSString,
        "sampler": (isMixCSE ? ["mixcse:lambda=0.3"] : []) as NSArray,
      ])
    let record = try #require(
      try JSONSerialization.jsonObject(with: world.data(output + "/run.json")) as? [String: Any])
    #expect(record["totalSteps"] as? Int == 6)
  }

  @Test func evaluationOfSimCSE() throws {
    try world.tiny.write(to: world.path("princeton-nlp/sup-simcse-bert-base-uncased"))
    let text = try script("simcse-evaluation.sh")
    let result = try run(text)
    try #require(result.code == 0, "\(result.errors)")
    for column in ["STS12", "STSBenchmark", "SICKRelatedness"] { #expect(result.output.contains(column)) }
    // Left out, the pooler is theirs, not ours.
    let short = try run(text.replacingOccurrences(of: "--pooler cls ", with: ""))
    #expect(short.code == 0 && short.output == result.output)
    #expect(short.errors.contains("note: --pooler cls, which is what the reference's script takes"))
  }

  // MARK: - The plans

  private func plan(_ name: String, _ arguments: [String] = []) throws -> ShellResult {
    let flags = ["--from", Resources.packageRoot + "/Plans/\(name).toml"]
    return try shell([Resources.command, "train"] + flags + arguments, in: world.folder)
  }

  private func hash(_ output: String) throws -> String {
    let record = try #require(
      try JSONSerialization.jsonObject(with: world.data(output + "/run.json")) as? [String: Any])
    return try #require(record["hash"] as? String)
  }

  /// A plan and the script it stands for are the same run, by the hash of all that decides it.
  @Test(
    arguments: [
      ("simcse-bert-base", "simcse-unsup", []),
      ("simcse-sup-bert-base", "simcse-sup", ["--per_device_train_batch_size", "512"]),
      ("mixcse-bert-base-script", "mixcse-unsup-0.6", ["--model_name_or_path", "bert-base-uncased"]),
      (
        "mixcse-bert-base", "mixcse-unsup-0.2",
        ["--model_name_or_path", "bert-base-uncased", "--mlp_only_train", "--output_dir", "result/mixcse-unsup-0.2"]
      ),
    ] as [(String, String, [String])]) func plansAreTheScripts(name: String, script: String, more: [String]) throws
  {
    let planned = try plan(name)
    try #require(planned.code == 0, "\(planned.errors)")
    let trainer = try self.script(script + ".sh").replacing(/python.*train.py/, with: "python train.py")
    // What follows training in the script is not asked for here.
    let training = trainer.replacing(/(?m)^python3? (?:simcse|evaluation).*$/, with: "")
    let scripted = try run(training, more)
    try #require(scripted.code == 0, "\(scripted.errors)")
    let folder = try #require(world.names("result").first)
    #expect(try hash("runs/" + name) == hash("result/" + folder))
  }

  /// The other plans say what can be run, and their numbers are those of the paper's table.
  @Test(arguments: ["simcse-roberta-base", "mixcse-roberta-base"]) func plansOfRoBERTa(name: String) throws {
    let result = try plan(name, ["--model", "bert-base-uncased"])
    try #require(result.code == 0, "\(result.errors)")
    try check("runs/" + name, ["batch-size": 512 as NSNumber, "learning-rate": 1e-5 as NSNumber])
  }

  /// Every plan is named in the document, and every plan that is named there is a file.
  @Test func theDocumentNamesThePlans() throws {
    let folder = Resources.packageRoot
    let text = try String(contentsOfFile: folder + "/Documentation/Reproduce.md", encoding: .utf8)
    let named = Set(text.matches(of: /Plans\/([a-z-]+)\.toml/).map { String($0.output.1) })
    let files = try FileManager.default.contentsOfDirectory(atPath: folder + "/Plans").map {
      ($0 as NSString).deletingPathExtension
    }
    #expect(Set(files) == named)
  }

  // MARK: - Single flags

  private func train(_ arguments: [String]) throws -> ShellResult {
    let flags = [
      "--model_name_or_path", "bert-base-uncased", "--train_file", "data/wiki1m_for_simcse.txt", "--max_steps", "2",
    ]
    return try shell([Resources.command, "train"] + flags + arguments, in: world.folder)
  }

  /// What cannot be had, each with what is done here or what to write.
  @Test(arguments: [
    (["--evaluation_strategy", "epoch"], "--eval_steps"),
    (["--metric_for_best_model", "sickr_spearman"], "--eval-data"),
    (["--lr_scheduler_type", "cosine"], "--schedule"), (["--adam_beta2", "0.98"], "expected 0.999, found 0.98"),
    (["--optim", "adafactor"], "AdamW"), (["--dataloader_drop_last"], "expected false, found true"),
    (["--warmup_ratio=0.1"], "--warmup_steps"), (["--nproc_per_node", "4"], "N times"),
    (["--dataset_name", "wikitext"], "--train_file"), (["--tokenizer_name", "roberta-base"], "--model_name_or_path"),
    (["--do_train", "False"], "mixcse evaluate"), (["--eval_delay", "100"], "expected 0, found 100"),
    (["--lambdas"], "--lambdas: expected a value, found none"),
    (["--lambda", "--fp16"], "--lambda: expected a value, found none"),
    (["--overwrite_output_dir=maybe"], "expected true or false"),
    (["--eval_path", "data/sts-dev.tsv", "--evaluation_strategy", "no"], "expected steps beside evaluation data"),
  ]) func refuses(flags: [String], text: String) throws {
    let result = try train(["--output_dir", "refused"] + flags)
    #expect(result.code == 64 && result.errors.contains(text), "\(result.code) \(result.errors)")
    #expect(!world.exists("refused"))
  }

  /// What costs nothing is taken, in the spellings of transformers.
  @Test func takesWhatChangesNothing() throws {
    let flags = """
      --do_train True --do_eval --evaluation_strategy no --adam_beta1 .9 --adam_epsilon 1e-08 --optim adamw_torch \
      --lr_scheduler_type linear --warmup_ratio 0.0 --label_smoothing_factor 0.0 --local_rank -1 --fp16 True --bf16=false \
      --logging_steps 10 --report_to wandb tensorboard --save_total_limit 1 --save_strategy no --cache_dir cache \
      --tokenizer_name bert-base-uncased --dataloader_num_workers 4 --per_device_eval_batch_size 8 --no_cuda \
      --pad_to_max_length --overwrite_cache --eval_transfer --do_mlm False --mlp_only_train --mlp_only_train no
      """
    let result = try train(["--output_dir", "taken"] + flags.split(separator: " ").map(String.init))
    try #require(result.code == 0, "\(result.errors)")
    try check("taken", ["mlm": false as NSNumber, "head-train-only": false as NSNumber, "max-steps": 2 as NSNumber])
    #expect(try description("taken")["eval-data"] == nil)
    for note in [
      "--report_to: every step is in metrics.jsonl", "--eval_transfer: transfer tasks are scored afterwards",
    ] {
      #expect(result.errors.contains("note: " + note), "\(result.errors)")
    }
    let notes = result.errors.split(separator: "\n").filter { $0.contains("is left out") }
    #expect(notes.map { $0.split(separator: " ")[1] } == ["--per_device_train_batch_size", "--learning_rate"])
    // Fewer than no steps: as many as the epochs have.
    let epochs = try train([
      "--output_dir", "epochs", "--max_steps", "-1", "--num_train_epochs", "0.1", "--batch-size", "8",
    ])
    #expect(epochs.code == 0, "\(epochs.errors)")
  }

  /// What the reference does not look at without another flag is no contradiction in its scripts.
  @Test func leavesOutWhatHasNoEffectThere() throws {
    let flags = ["--mlm_weight", "0.2", "--mlm_probability=0.3", "--pooler_type", "avg", "--mlp_only_train"]
    let result = try train(["--output_dir", "effect"] + flags)
    try #require(result.code == 0, "\(result.errors)")
    for note in ["--mlp_only_train: avg has no head", "--mlm_weight: there is no --do_mlm"] {
      #expect(result.errors.contains("note: \(note); ignored"), "\(result.errors)")
    }
    let found = try description("effect")
    #expect(found["pooler"] as? String == "avg" && found["mlm-weight"] == nil && found["mlm-probability"] == nil)
  }

  /// A strategy that is named is the strategy; lambda alone is MixCSE, whose script adds the weight to its own blocks.
  @Test func lambdaNamesMixCSE() throws {
    let alone = try train(["--output_dir", "alone", "--lambdas", "0.3", "--hard_negative_weight", "0.5"])
    try #require(alone.code == 0, "\(alone.errors)")
    let sampler = try #require(try description("alone")["sampler"] as? [String])
    #expect(sampler.count == 1 && sampler[0].contains("lambda=0.3") && sampler[0].contains("hard_weight=0.5"))
    let named = try train(["--output_dir", "named", "--sampler", "mixcse", "--loss", "infonce", "--lambdas=0.3"])
    try #require(named.code == 0, "\(named.errors)")
    #expect(try description("named")["sampler"] as? [String] == ["mixcse:lambda=0.3"])
  }

  /// Where nothing is there to score, that is said before the run, not after it.
  @Test func saysThatNothingIsScored() throws {
    try FileManager.default.removeItem(atPath: world.path("SentEval"))
    let result = try train(["--output_dir", "blind", "--do_eval", "--evaluation_strategy", "steps"])
    #expect(result.code == 0 && result.errors.contains("no folder SentEval/data, where the reference looks"))
  }

  // MARK: - The document

  /// Documentation/ReferenceFlags.md and the program know the same flags, values and reasons.
  @Test func theTablesAreComplete() throws {
    let folder = Resources.packageRoot
    let text = try String(contentsOfFile: folder + "/Documentation/ReferenceFlags.md", encoding: .utf8)
    let source = try String(contentsOfFile: folder + "/Sources/mixcse/Options/ReferenceFlags.swift", encoding: .utf8)
    let known = Set(source.matches(of: /"(--[a-z_]+)": "(--[a-z-]+)"/).map { "\($0.output.1) \($0.output.2)" })
    let told = Set(
      text.matches(of: /\n\| `(--[a-z_]+)` \| `(--[a-z-]+)` \|/).map { "\($0.output.1) \($0.output.2)" })
    #expect(known.count > 25 && known == told, "\(known.symmetricDifference(told))")
    let rows = text.split(separator: "\n")
    let flags = source.matches(of: /"(--[a-z0-9_]+)"/).map { String($0.output.1) }
    #expect(flags.count > 90)
    for flag in Set(flags) { #expect(rows.contains { $0.contains("`\(flag)`") }, "\(flag) is not in the document") }
    let plain = text.split(whereSeparator: \.isWhitespace).joined(separator: " ").replacingOccurrences(
      of: "`", with: "")
    let reasons = source.matches(of: /(?:reason: |\n    )"([^"-][^"]+)"/).map { String($0.output.1) }
    #expect(reasons.count > 25)
    for reason in Set(reasons) { #expect(plain.contains(reason), "\(reason) is not in the document") }
  }
}
