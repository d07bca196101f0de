// What people call flags elsewhere, and wishes that no flag fulfils: for messages about unknown flags. What is listed
// here and becomes a flag is never looked up.

enum UsualNames {
  /// Names of a flag in other programs, without dashes, and ours; the first one that the command knows is meant.
  static let ours: [String: [String]] = {
    let groups: [(String, [String])] = [
      ("learning-rate", ["lr", "rate", "learning-rate-max", "peak-lr"]),
      ("batch-size", ["bs", "b", "batch", "train-batch-size", "per-device-batch-size"]),
      ("epochs", ["epoch", "num-epochs", "n-epochs"]),
      ("max-steps", ["steps", "num-steps", "iterations", "total-steps"]),
      ("max-seq-length", ["max-length", "max-len", "maxlen", "seq-length", "seq-len", "length", "max-tokens"]),
      ("model", ["model-path", "model-name", "model-dir", "model-id", "checkpoint", "pretrained", "encoder", "m"]),
      ("train-file", ["train", "train-data", "training-data", "data", "dataset", "train-path", "file"]),
      ("eval-data", ["eval", "eval-file", "dev", "dev-data", "dev-file", "valid", "validation-file", "sts"]),
      ("output-dir", ["out", "output", "output-path", "out-dir", "outdir", "save-dir", "run-dir", "o"]),
      ("output", ["out", "o", "output-file", "output-path", "output-dir"]),
      ("input", ["file", "text", "input-file", "sentences", "i"]),
      ("pairs", ["pair", "pairs-file", "eval-data", "sts"]),
      ("pooler", ["pooling", "pool", "pooling-mode", "pooling-type"]), ("temperature", ["temp", "tau", "t", "scale"]),
      ("method", ["strategy", "objective", "recipe", "mode"]), ("sampler", ["negatives", "negative-sampler"]),
      ("loss", ["criterion", "loss-fn"]), ("seed", ["random-seed", "rng", "seeds"]), ("seeds", ["seed"]),
      ("threads", ["num-threads", "workers", "num-workers", "cpus", "cores", "n-jobs"]),
      ("jobs", ["parallel", "num-jobs", "j"]), ("warmup-steps", ["warmup", "num-warmup-steps"]),
      ("weight-decay", ["wd", "decay", "l2"]), ("max-grad-norm", ["clip", "grad-clip", "gradient-clip", "clip-norm"]),
      ("gradient-accumulation", ["accumulation", "grad-accum", "accumulate", "accum"]), ("overwrite", ["force", "f"]),
      ("resume", ["continue", "restart", "resume-from", "resume-from-checkpoint"]),
      ("from", ["config", "config-file", "plan", "c"]), ("eval-steps", ["eval-every", "eval-interval", "eval-freq"]),
      ("save-steps", ["save-every", "checkpoint-steps", "checkpoint-every"]),
      ("data", ["data-dir", "senteval", "path"]),
      ("tasks", ["task", "datasets"]), ("plugin-path", ["plugins", "plugin", "plugin-dir", "library"]),
      ("no-shuffle", ["shuffle"]), ("mlm", ["masked-lm", "masked"]), ("stop-after", ["stop", "stop-at"]),
      ("set", ["param", "parameter"]), ("normalize", ["normalise", "l2-normalize", "norm"]),
    ]
    var result: [String: [String]] = [:]
    for (name, others) in groups { for other in others { result[other, default: []].append(name) } }
    return result
  }()

  /// Wishes that no flag fulfils: what is so instead.
  static let absent: [(names: [String], text: String)] = [
    (
      ["device", "gpu", "gpus", "cuda", "no-cuda", "use-cuda", "n-gpu", "local-rank", "accelerator"],
      "computing is done on the processors, --threads says with how many threads; train, encode and evaluate compute "
        + "elsewhere with --encoder NAME --device cuda"
    ),
    (
      ["fp16", "bf16", "amp", "half", "precision", "dtype", "mixed-precision", "fp32", "load-in-8bit"],
      "computing is done in float32; --precision bf16 rounds what is multiplied with weights"
    ),
    (
      ["lr-scheduler-type", "scheduler", "lr-scheduler", "lr-schedule"],
      "the rate falls linearly to 0 after --warmup-steps; --schedule 'learning-rate=cosine(3e-5,0)' makes it another"
    ),
    (["optimizer", "optim"], "the optimiser is AdamW"),
    (
      ["report-to", "wandb", "mlflow", "logging-dir", "logging-steps", "log-dir", "log-every"],
      "each step is a line of metrics.jsonl in the output folder"
    ),
    (
      ["verbose", "v", "quiet", "q", "debug", "log-level"],
      "progress goes to standard error, results to standard output"
    ),
    (["save-total-limit"], "the last two checkpoints and the best model are kept"),
    (
      ["num-samples", "limit", "max-samples", "max-train-samples"],
      "take the first lines of a file yourself: head -n 1000 FILE > PART"
    ),
  ]
}
