// What a comparison is asked for: strategies and seeds around the description of a run. Filled by a plan file and by
// the compare command's flags; made into a plan by ComparisonPlan.

import Host
package import Training

/// What the user asked for.
package struct ComparisonRequest: Sendable {
  /// Strategies as typed, grids and labels among them.
  package var strategies: [String] = []
  /// Distinct. Five by default: with three only differences of more than three deviations show, with five of two.
  package var seeds: [UInt64] = [42, 43, 44, 45, 46]
  /// What all runs share; its output folder is the comparison's, its shadows watch the first strategy.
  package var run = RunDescription()
  /// Pair files and at most one folder of test data.
  package var testData: [String] = []
  /// Which tasks of the folder of test data: `sts`, `transfer`, `full` or `na`; nil: the STS sets.
  package var taskSet: String?
  /// What runs share, made different: `FLAG=V1,V2`; each combination is a strategy of its own.
  package var vary: [String] = []
  /// Flags whose best value each strategy gets, by dev scores with seeds of their own: `FLAG=V1,V2`.
  package var tune: [String] = []
  /// The seeds of these runs; none: the two that follow the largest of `seeds`.
  package var tuneSeeds: [UInt64] = []
  /// Further metrics: means over sets, `mean(STS12,STS13)`. The first decides unless `decideBy` says otherwise.
  package var metrics: [String] = []
  /// The metric that decides; nil: the mean over the test sets.
  package var decideBy: String?
  /// What strategies are compared with: `first` or `all`.
  package var against = "first"
  /// Runs at a time; nil: one here, all on a cluster.
  package var jobs: Int?
  /// Where runs are carried out.
  package var launcher = Launcher.local { didSet { unknownLauncher = nil } }
  /// Options of sbatch.
  package var sbatch: [String] = []
  /// How often the verdicts will be looked at, with more seeds each time; they share the level.
  package var looks = 1
  /// The size of a difference, Spearman x 100, that the seeds to show it are counted for.
  package var detect = 0.5
  /// Give up early on what clearly loses.
  package var usesBudget = false
  /// The vector before the head is scored also where the evaluation pooler is the training pooler.
  package var beforeHead = false
  /// Curves for TensorBoard are written too.
  package var writesTensorBoard = false
  /// The results are printed as JSON.
  package var printsJSON = false
  /// The text of the plan file, if there was one.
  package var planText: String?

  /// Hours since `began` after which all runs stop with their checkpoints; nil: no limit. No part of the plan.
  package var maximumHours: Double?
  /// When the command began.
  package var began = ContinuousClock.now

  /// Whether the time is over.
  package var isOutOfTime: Bool { maximumHours.map { ContinuousClock.now - began >= .seconds($0 * 3600) } ?? false }

  /// Runs that this command carries out at a time.
  var jobsAtATime: Int { jobs ?? 1 }

  /// What ended a comparison: its time, or a signal.
  package func interruption(finished: Int, total: Int) -> ComparisonError {
    guard let maximumHours, isOutOfTime, !Interruption.isRequested else {
      return .interrupted(finished: finished, total: total)
    }
    return .outOfTime(hours: maximumHours, finished: finished, total: total)
  }

  /// What a file says in place of a launcher.
  private var unknownLauncher: String?

  /// Every value as where nothing was said.
  package init() {}

  /// Everything a plan file can say. What one run alone has is the comparison's to choose: the seed, the strategy.
  package static let fields =
    ownFields + RunDescription.fields.filter { !ofOneRun.contains($0.name) }.map { $0.lifted(\.run) }

  private static let ownFields: [DescriptionField<ComparisonRequest>] = [
    .init("strategies", \.strategies, isList: true), .init("seeds", \.seeds, problem: seedProblem),
    .init("test-data", \.testData), .init("task-set", \.taskSet, problem: isOneOf(["sts", "transfer", "full", "na"])),
    .init("vary", \.vary), .init("tune", \.tune), .init("tune-seeds", \.tuneSeeds, problem: repeatedSeed),
    .init("metric", \.metrics), .init("decide-by", \.decideBy),
    .init("against", \.against, problem: { isOneOf(["first", "all"])($0) }),
    .init("jobs", \.jobs, in: 1...256),
    .init("launcher", \.launcherName, problem: { isOneOf(Launcher.allCases.map(\.rawValue))($0) }),
    .init("sbatch", \.sbatch),
    .init("looks", \.looks, in: 1...20), .init("detect", \.detect, in: 0.001...200), .init("budget", \.usesBudget),
    .init("before-head", \.beforeHead),
    .init("tensorboard", \.writesTensorBoard), .init("json", \.printsJSON),
  ]

  /// The launcher by its name, as a file holds it; a name that is none is kept until it is checked.
  private var launcherName: String {
    get { unknownLauncher ?? launcher.rawValue }
    set {
      launcher = Launcher(rawValue: newValue) ?? .local
      unknownLauncher = Launcher(rawValue: newValue) == nil ? newValue : nil
    }
  }

  static let ofOneRun = ["seed", "method", "sampler", "loss", "metric", "set", "schedule", "then"]

  /// Puts the plan of a file into the request.
  /// - Throws: `TrainingError.badDescription` naming the key.
  package mutating func read(_ file: DescriptionFile) throws {
    guard file.record == nil else {
      throw file.bad(
        "the file", "expected the plan of a comparison, found the record of a run; mixcse train --from repeats it")
    }
    planText = file.text
    try file.read(into: &self, Self.fields) { key in
      switch key {
      case "seed": "a comparison has seeds, a list of them"
      case _ where Self.ofOneRun.contains(key): "a comparison names its strategies as a list of strings: strategies"
      case "from", "help", "dry-run", "resume", "overwrite", "stop-after", "max-hours", "profile", "watch":
        "a plan file cannot hold --\(key)"
      default: nil
      }
    }
  }

  /// Whether every pair of strategies is compared.
  var isAgainstAll: Bool { against == "all" }

  /// Whether strategies differ in what computes them.
  private var variesEncoder: Bool {
    (vary + tune).contains { (try? Variation(parsing: $0))?.name == "encoder" }
  }

  /// Takes a device back from a run by this program's own encoder, where it is for the other encoders of a comparison
  /// of encoders.
  func settleEncoder(of run: inout RunDescription) {
    if variesEncoder, run.encoder.isOwn { run.encoder.device = nil }
  }

  /// Takes the evaluation pooler of a run back where `beforeHead` turns it into what is scored anyway.
  /// - Throws: `UsageError`; `ComparisonError.usage` where dev scores would go through a head that final models do not
  ///   have.
  func settleEvaluationPooler(of run: inout RunDescription) throws {
    if beforeHead, run.training.isFrozen {
      throw ComparisonError.usage(
        place: "--before-head", expected: "no --frozen beside it", found: "both",
        advice: "With --frozen the head alone is trained and scored")
    }
    guard let text = run.pooling.evaluationPooler else { return }
    let (asked, training) = (try PoolerSpec(parsing: text), try PoolerSpec(parsing: run.pooling.pooler))
    guard asked.chain == training.chain else { return }
    if beforeHead {
      run.pooling.evaluationPooler = nil
    } else if run.pooling.headTrainOnly, !asked.skipsHead {
      throw ComparisonError.usage(
        place: "--eval-pooler \(asked.text) --head-train-only", expected: "vectors that final models have, too",
        found: "vectors through a head that is dropped after training",
        advice: "Leave --eval-pooler out, or write --before-head beside it")
    }
  }

  /// Looks at every range.
  /// - Throws: `ComparisonError.usage`, `TrainingError`
  package func check(from file: DescriptionFile? = nil) throws {
    for field in Self.ownFields {
      do throws(DescriptionProblem) {
        try field.check(self)
      } catch {
        throw ComparisonError.usage(
          place: "--" + field.name, expected: error.expected, found: error.found, advice: "See mixcse compare --help")
      }
    }
    var shared = run
    // Of several encoders each is looked at with its strategies.
    if variesEncoder { shared.encoder = EncoderDescription() }
    try shared.check(from: file)
    try checkLauncher()
  }
}

private let seedProblem: @Sendable ([UInt64]) -> DescriptionProblem? = { seeds in
  seeds.isEmpty ? DescriptionProblem(expected: "one or more", found: "none") : repeatedSeed(seeds)
}

private func isOneOf(_ names: [String]) -> @Sendable (String?) -> DescriptionProblem? {
  { text in
    text.flatMap {
      names.contains($0) ? nil : DescriptionProblem(expected: names.joined(separator: ", "), found: "'\($0)'")
    }
  }
}

private let repeatedSeed: @Sendable ([UInt64]) -> DescriptionProblem? = { seeds in
  let twice = seeds.indices.first { seeds[..<$0].contains(seeds[$0]) }
  return twice.map { DescriptionProblem(expected: "each once", found: "\(seeds[$0]) twice") }
}
