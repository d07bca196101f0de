// The flags of the reference's training script, in our words. Applied to the arguments before they are parsed; the
// table in Documentation/ReferenceFlags.md is made of the same entries, and a test compares the two.

/// Translates the reference's spellings.
enum ReferenceFlags {
  /// A flag of the reference and ours of the same meaning.
  static let renamed: [String: String] = [
    "--model_name_or_path": "--model", "--train_file": "--train-file", "--eval_file": "--eval-data",
    "--eval_steps": "--eval-steps", "--save_steps": "--save-steps", "--output_dir": "--output-dir",
    "--per_device_train_batch_size": "--batch-size", "--learning_rate": "--learning-rate",
    "--max_seq_length": "--max-seq-length", "--num_train_epochs": "--epochs", "--max_steps": "--max-steps",
    "--temp": "--temperature", "--pooler_type": "--pooler", "--mlp_only_train": "--head-train-only",
    "--hard_negative_weight": "--hard-negative-weight", "--gradient_accumulation_steps": "--gradient-accumulation",
    "--weight_decay": "--weight-decay", "--warmup_steps": "--warmup-steps", "--max_grad_norm": "--max-grad-norm",
    "--overwrite_output_dir": "--overwrite", "--do_mlm": "--mlm", "--mlm_weight": "--mlm-weight",
    "--mlm_probability": "--mlm-probability",
  ]

  /// Flags that name what is always so here, with the number of their values.
  static let alwaysSo: [String: Int] = [
    "--do_train": 0, "--load_best_model_at_end": 0, "--evaluation_strategy": 1, "--metric_for_best_model": 1,
  ]

  /// Those of the reference's evaluation script.
  static let renamedInEvaluate: [String: String] = ["--model_name_or_path": "--model", "--task_set": "--task-set"]

  /// The arguments with the reference's spellings replaced; those after another subcommand than train and evaluate
  /// stay.
  static func translate(_ arguments: [String]) -> [String] {
    if arguments.first == "evaluate" { return arguments.map { renamedInEvaluate[$0] ?? $0 } }
    guard arguments.first == "train" else { return arguments }
    var result: [String] = []
    var skipped = 0
    for argument in arguments {
      if skipped > 0 {
        skipped -= 1
        continue
      }
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      if let values = alwaysSo[parts[0]] {
        skipped = parts.count > 1 ? 0 : values
      } else {
        result.append(([renamed[parts[0]] ?? parts[0]] + parts.dropFirst()).joined(separator: "="))
      }
    }
    return lambdaAsSetting(result)
  }

  /// `--lambdas X` is a parameter of the sampler mixcse.
  private static func lambdaAsSetting(_ arguments: [String]) -> [String] {
    var result: [String] = []
    var isValue = false
    for argument in arguments {
      if isValue {
        result += ["--set", "mixcse.lambda=" + argument]
        isValue = false
      } else if argument == "--lambdas" {
        isValue = true
      } else if argument.hasPrefix("--lambdas=") {
        result += ["--set", "mixcse.lambda=" + argument.dropFirst("--lambdas=".count)]
      } else {
        result.append(argument)
      }
    }
    return isValue ? result + ["--lambdas"] : result
  }
}
