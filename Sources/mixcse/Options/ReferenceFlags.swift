// The flags of the reference's training script, in our words. Applied by ArgumentSpelling; the
// table in Documentation/ReferenceFlags.md is made of the same entries, and a test compares the two.

/// The reference's spellings and ours.
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
}
