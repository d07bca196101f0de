// What a run is, whoever asks for it: flags fill it, a file fills it, the children of a comparison receive it,
// run.json is it. A flag stands here, in the option that fills it, and where it is used. RunDescription+Fields names
// every value.

/// One training run, described.
package struct RunDescription: Sendable, Equatable {
  /// A Hugging Face folder.
  package var model = ""
  /// What is contrasted with what.
  package var strategy = StrategyDescription()
  /// From token states to the vector that is trained and scored.
  package var pooling = PoolingDescription()
  /// Data, optimiser, evaluations.
  package var training = TrainingOptions()
  /// What computes hidden states.
  package var encoder = EncoderDescription()
  /// Where plugins come from and how they are contained.
  package var plugins = PluginDescription()
  /// Threads to compute with, 1 to 1024; nil: the processors there are. Changes no number.
  package var threads: Int?
  /// The folder of the run; a repeated run needs one of its own.
  package var outputFolder: String?

  /// Every value as where nothing was said.
  package init() {}
}

/// The strategy and what is around it.
package struct StrategyDescription: Sendable, Equatable {
  /// A recipe, `NAME[:param=value,...]`.
  package var method: String?
  /// Augmenters, in the order they edit.
  package var augmenters: [String] = []
  /// Negative samplers; their blocks are appended in this order.
  package var samplers: [String] = []
  /// Losses of the weighted sum, `[WEIGHT*]NAME[:param=value,...]`.
  package var losses: [String] = []
  /// Bare metric functions, computed on each batch; they change nothing.
  package var metrics: [String] = []
  /// `COMPONENT.param=value`, as behind the colon of a name.
  package var settings: [String] = []
  /// Numbers that change from step to step, `TARGET=FORM`.
  package var schedules: [String] = []
  /// Strategies that take over on the way, `STEP:STRATEGY`; steps rise.
  package var changes: [String] = []
  /// Strategies that look on.
  package var shadows: [String] = []
  /// Divides every similarity, above 0; nil: the loss's own.
  package var temperature: Double?
  /// Let the optimiser move the temperature.
  package var learnsTemperature = false
  /// Added to the logit of a row's own hard negative.
  package var hardNegativeWeight = 0.0
  /// Frozen encoders that samplers and losses may read, `DIR[:pooler]` or `FILE.npy[,FILE.npy]`.
  package var guides: [String] = []
  /// Widths at which embeddings are trained, from the whole on, `384,256,128[:weight,...]`; nil: the whole alone.
  package var dimensions: String?

  /// Whether it names what is trained: a recipe, a sampler or a loss.
  package var isNamed: Bool { method != nil || !augmenters.isEmpty || !samplers.isEmpty || !losses.isEmpty }
}

/// Pooler and head.
package struct PoolingDescription: Sendable, Equatable {
  /// `NAME[:param=value,...][+NAME]`
  package var pooler = "cls"
  /// `mlp` or `none`; nil: what the pooler wants.
  package var head: String?
  /// The head is dropped after training.
  package var headTrainOnly = false
  /// The pooler of evaluations; nil: the training pooler, before the head.
  package var evaluationPooler: String?
}

/// The encoder that computes, and on what.
package struct EncoderDescription: Sendable, Equatable {
  /// A plugin of kind 4; nil or `native`: this program's own encoder.
  package var name: String?
  /// `cpu`, `cuda`, `cuda:N`; nil: `cuda`.
  package var device: String?
  /// `f32`, `tf32` (plugins alone) or `bf16`; nil: `f32`.
  package var precision: String?

  /// As where nothing was said.
  package init() {}
}

/// Where plugins are looked for, and what a plugin may do.
package struct PluginDescription: Sendable, Equatable {
  /// Stands for all plugins in `isolate`.
  package static let everything = "*"

  /// Folders that are searched before all others.
  package var paths: [String] = []
  /// Libraries under names of their own, `NAME=FILE`.
  package var renamed: [String] = []
  /// Owner and mode of plugin files are not checked.
  package var allowsInsecure = false
  /// Plugins that run in processes of their own: names separated by commas, or `everything`.
  package var isolate: String?
  /// Seconds that one call into a plugin may take; 0: any time.
  package var deadline = 60.0
  /// MiB of memory of its own that an isolated plugin may take; 0: all there is.
  package var memory = 4096

  /// Every value as where nothing was said.
  package init() {}

  /// The names in `isolate`.
  package var isolatedNames: [String] {
    isolate == Self.everything ? [] : (isolate ?? "").split(separator: ",").map(String.init)
  }

  /// The flags that say this, for a child process.
  package var arguments: [String] {
    paths.flatMap { ["--plugin-path", $0] } + renamed.flatMap { ["--plugin-as", $0] }
      + (allowsInsecure ? ["--allow-insecure-plugin"] : []) + (isolate.map { ["--isolate=" + $0] } ?? [])
      + ["--plugin-deadline", String(deadline), "--plugin-memory", String(memory)]
  }
}

/// How a run starts and stops; none of it is part of what the run is.
package struct RunControl: Sendable, Equatable {
  /// Go on with the run in the output folder.
  package var resume = false
  /// Replace the run in the output folder.
  package var overwrite = false
  /// The step to stop after with a checkpoint; changes no number of the run.
  package var stopAfter: Int?
  /// Hours since `began` after which the run stops with a checkpoint; changes no number of the run.
  package var maximumHours: Double?
  /// When the command began.
  package var began = ContinuousClock.now
  /// Curves are written for TensorBoard as well.
  package var writesTensorBoard = false
  /// Where the time goes is printed at the end, and logged with every step.
  package var showsProfile = false

  /// Every value as where nothing was said.
  package init() {}

  /// - Throws: `TrainingError.usage` for wishes that exclude each other.
  func check() throws {
    guard resume, overwrite else { return }
    throw TrainingError.usage(
      place: "--resume --overwrite", expected: "one of the two", found: "both",
      advice: "--resume goes on with the run in the folder, --overwrite starts over")
  }
}
