// The flags of the reference's scripts, SimCSE's and MixCSE's `train.py` and `evaluation.py` and the arguments of
// transformers' Trainer they take, in our words. Applied by ReferenceArguments; the tables in
// Documentation/ReferenceFlags.md hold the same entries, and a test compares the two.

import Training

/// The reference's spellings and what they are here.
enum ReferenceFlags {
  /// A flag of the reference and ours of the same meaning.
  static let renamed: [String: String] = [
    "--model_name_or_path": "--model", "--train_file": "--train-file", "--eval_file": "--eval-data",
    "--eval_path": "--eval-data", "--eval_steps": "--eval-steps", "--save_steps": "--save-steps",
    "--output_dir": "--output-dir", "--per_device_train_batch_size": "--batch-size",
    "--per_gpu_train_batch_size": "--batch-size", "--learning_rate": "--learning-rate",
    "--max_seq_length": "--max-seq-length", "--num_train_epochs": "--epochs", "--max_steps": "--max-steps",
    "--temp": "--temperature", "--pooler_type": "--pooler", "--mlp_only_train": "--head-train-only",
    "--hard_negative_weight": "--hard-negative-weight", "--gradient_accumulation_steps": "--gradient-accumulation",
    "--weight_decay": "--weight-decay", "--warmup_steps": "--warmup-steps", "--max_grad_norm": "--max-grad-norm",
    "--overwrite_output_dir": "--overwrite", "--do_mlm": "--mlm", "--mlm_weight": "--mlm-weight",
    "--mlm_probability": "--mlm-probability",
  ]

  /// Those that stand alone here and there; there also before `True` or `False`.
  static let switches: Set<String> = ["--mlp_only_train", "--overwrite_output_dir", "--do_mlm"]

  /// What has one value here, or a few that mean the same.
  struct Fixed {
    let values: [String]
    /// Why, or what to do for another one.
    let reason: String

    init(_ values: String..., reason: String) { (self.values, self.reason) = (values, reason) }

    /// Numbers are compared as numbers, names whatever their case.
    func allows(_ value: String) -> Bool {
      values.contains { known in
        if let known = Double(known), let value = Double(value) { return known == value }
        return known == value.lowercased()
      }
    }
  }

  /// Flags that name what is always so here; another value is refused.
  static let fixed: [String: Fixed] = [
    "--do_train": Fixed("true", reason: "this command trains; mixcse evaluate scores a model"),
    "--do_eval": Fixed("true", reason: "to train without scores, name no evaluation data"),
    "--do_predict": Fixed("false", reason: "test sets are scored by mixcse evaluate"),
    "--load_best_model_at_end": Fixed("true", reason: "the output folder holds the best model by --eval-data"),
    "--greater_is_better": Fixed("true", reason: "Spearman is better where it is greater"),
    "--evaluation_strategy": Fixed("steps", "no", reason: "evaluations go by optimiser steps, --eval_steps"),
    "--eval_strategy": Fixed("steps", "no", reason: "evaluations go by optimiser steps, --eval_steps"),
    "--metric_for_best_model": Fixed(
      "stsb_spearman", "eval_stsb_spearman", reason: "the best model is chosen by Spearman on --eval-data"),
    "--lr_scheduler_type": Fixed("linear", reason: "another course is a --schedule of learning-rate"),
    "--warmup_ratio": Fixed("0", reason: "say it in steps, --warmup_steps"),
    "--optim": Fixed("adamw_hf", "adamw_torch", "adamw_torch_fused", reason: "the optimiser is AdamW"),
    "--adafactor": Fixed("false", reason: "the optimiser is AdamW"),
    "--adam_beta1": Fixed("0.9", reason: "AdamW has the reference's numbers"),
    "--adam_beta2": Fixed("0.999", reason: "AdamW has the reference's numbers"),
    "--adam_epsilon": Fixed("1e-8", reason: "AdamW has the reference's numbers"),
    "--label_smoothing_factor": Fixed("0", reason: "no loss smooths labels"),
    "--dataloader_drop_last": Fixed("false", reason: "the last batch of an epoch is trained on, however short"),
    "--group_by_length": Fixed("false", reason: "the order is drawn from --seed, or the file's with --no-shuffle"),
    "--data_seed": Fixed(reason: "--seed decides the order, too"),
    "--local_rank": Fixed("-1", "0", reason: "one process computes"),
    "--nnodes": Fixed("1", reason: "one process computes"),
    "--nproc_per_node": Fixed(
      "1",
      reason: """
        one process computes, and what N of them compare is one batch: leave the launcher out and give N times the \
        --per_device_train_batch_size
        """),
    "--dataset_name": Fixed(reason: "nothing is fetched; name a file with --train_file"),
    "--resume_from_checkpoint": Fixed("false", reason: "--resume goes on with the run in --output_dir"),
    "--push_to_hub": Fixed("false", reason: "nothing is sent anywhere"),
    "--auto_find_batch_size": Fixed("false", reason: "the batch decides what is compared; --dry-run says its memory"),
    "--eval_delay": Fixed("0", reason: "the model is scored before the first step, too"),
    "--eval_on_start": Fixed("true", reason: "the model is scored before the first step, too"),
  ]

  /// Settings and tokenizer from elsewhere than the model, which only the model itself may be.
  static let fromModel: [String: Fixed] = [
    "--tokenizer_name": Fixed(reason: "the tokenizer is the one in the folder of --model_name_or_path"),
    "--config_name": Fixed(reason: "the settings are those in the folder of --model_name_or_path"),
  ]

  /// Flags that change nothing here, by the reason; each is said once.
  static let ignored: [String: [String]] = [
    "float32 is computed here": [
      "--fp16", "--bf16", "--tf32", "--fp16_opt_level", "--fp16_backend", "--fp16_full_eval", "--bf16_full_eval",
      "--half_precision_backend",
    ],
    "the processor computes, in one process": [
      "--no_cuda", "--use_cpu", "--tpu_num_cores", "--deepspeed", "--sharded_ddp", "--fsdp", "--ddp_backend",
      "--ddp_find_unused_parameters", "--ddp_timeout", "--master_addr", "--master_port", "--node_rank",
    ],
    "no number depends on it": [
      "--pad_to_max_length", "--gradient_checkpointing", "--per_device_eval_batch_size", "--per_gpu_eval_batch_size",
      "--eval_accumulation_steps", "--dataloader_num_workers", "--dataloader_pin_memory", "--preprocessing_num_workers",
      "--overwrite_cache", "--remove_unused_columns", "--ignore_data_skip", "--prediction_loss_only", "--label_names",
      "--past_index", "--skip_memory_metrics", "--torch_compile", "--no_dataloader_pin_memory",
      "--no_remove_unused_columns",
    ],
    "every step is in metrics.jsonl": [
      "--logging_dir", "--logging_steps", "--logging_strategy", "--logging_first_step", "--logging_nan_inf_filter",
      "--report_to", "--run_name", "--disable_tqdm", "--log_level", "--debug",
    ],
    "checkpoints go by --save-steps, and the last two stay": [
      "--save_strategy", "--save_total_limit", "--save_safetensors", "--save_only_model", "--save_on_each_node",
    ],
    "nothing is fetched, and the model's folder says what it is": [
      "--cache_dir", "--model_revision", "--model_type", "--use_auth_token", "--use_fast_tokenizer",
      "--no_use_fast_tokenizer", "--dataset_config_name",
    ],
    "transfer tasks are scored afterwards, by mixcse evaluate --task-set transfer": ["--eval_transfer"],
    "the reference does not use it either": ["--output_size", "--gcnn_layers", "--validation_split_percentage"],
  ]

  /// What the reference takes where a flag is left out, if that is something else than here.
  static let defaults: [(name: String, there: String, here: @Sendable (RunDescription) -> String)] = [
    ("--per_device_train_batch_size", "8", { "\($0.training.batchSize)" }),
    ("--learning_rate", "5e-5", { "\($0.training.learningRate)" }),
    ("--num_train_epochs", "3", { "\($0.training.epochs)" }),
    ("--eval_steps", "500", { "\($0.training.evalSteps)" }),
  ]

  /// Those of the reference's evaluation script.
  static let renamedInEvaluate: [String: String] = ["--model_name_or_path": "--model", "--task_set": "--task-set"]

  /// What changes nothing there.
  static let ignoredInEvaluate: [String: [String]] = [
    "alignment and uniformity are those of STS-B in --data; --pairs scores a file": ["--eval_path"]
  ]

  /// Where the reference's scripts look for SentEval, seen from the folder they are started in.
  static let sentEval = "SentEval/data"
}
