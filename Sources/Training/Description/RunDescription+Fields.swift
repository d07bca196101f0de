// Every value of a description with its name, its range, and whether the numbers of a run depend on it. The names are
// the long flags': files, run.json and the command line share them.

package import Files
import Host
import Objective
import TextData

extension RunDescription {
  /// In the order of run.json. What is found under a path decides by its hash (`RunInputs`), and components decide by
  /// what they are (`RunIdentity`), so that neither paths nor spellings decide.
  package static let fields: [DescriptionField<RunDescription>] = [
    .init("model", \.model, decides: false),
    .init("train-file", \.training.trainFile, decides: false),
    .init("columns", \.training.columns, problem: isColumns),
    .init("eval-data", \.training.evalData, decides: false),
    .init("output-dir", \.outputFolder, decides: false),
    .init("method", \.strategy.method, decides: false),
    .init("augment", \.strategy.augmenters, decides: false),
    .init("sampler", \.strategy.samplers, decides: false),
    .init("loss", \.strategy.losses, decides: false),
    .init("metric", \.strategy.metrics, decides: false),
    .init("set", \.strategy.settings, decides: false),
    .init("schedule", \.strategy.schedules, decides: false),
    .init("then", \.strategy.changes, decides: false, problem: areChanges),
    .init("shadow", \.strategy.shadows, decides: false),
    .init("temperature", \.strategy.temperature, problem: isPositive),
    .init("learn-temperature", \.strategy.learnsTemperature),
    .init("hard-negative-weight", \.strategy.hardNegativeWeight),
    .init("guide", \.strategy.guides, decides: false),
    .init("dims", \.strategy.dimensions, problem: isDimensions),
    .init("pooler", \.pooling.pooler),
    .init("head", \.pooling.head, problem: isHead),
    .init("head-train-only", \.pooling.headTrainOnly),
    .init("eval-pooler", \.pooling.evaluationPooler),
    .init("eval-steps", \.training.evalSteps, in: 1...Int.max),
    .init("patience", \.training.patience, in: 1...1_000_000_000),
    .init("save-steps", \.training.saveSteps, in: 1...Int.max, decides: false),
    .init("keep-checkpoints", \.training.keepsCheckpoints, decides: false),
    .init("batch-size", \.training.batchSize, in: 1...65_536),
    .init("learning-rate", \.training.learningRate, in: 0...1),
    .init("max-seq-length", \.training.maximumLength, in: 3...Int.max),
    .init("epochs", \.training.epochs, in: 1e-9...1e6),
    .init("max-steps", \.training.maximumSteps, in: 1...1_000_000_000),
    .init("seed", \.training.seed),
    .init("dropout", \.training.dropout, in: 0...0.99),
    .init("no-shuffle", \.training.keepsOrder),
    .init("gradient-accumulation", \.training.gradientAccumulation, in: 1...65_536),
    .init("chunk-size", \.training.chunkSize, in: 1...Int.max),
    .init("shards", \.training.shards, in: 1...4096),
    .init("weight-decay", \.training.weightDecay, in: 0...1),
    .init("warmup-steps", \.training.warmupSteps, in: 0...Int.max),
    .init("max-grad-norm", \.training.maximumGradientNorm, in: 0...1e30),
    .init("mlm", \.training.trainsMaskedLanguage),
    .init("mlm-weight", \.training.maskedLanguageWeight, in: 0...1e6),
    .init("mlm-probability", \.training.maskedLanguageProbability, in: 0.001...1),
    .init("frozen", \.training.isFrozen),
    .init("encoder", \.encoder.name, decides: false),
    .init("device", \.encoder.device, decides: false),
    .init("precision", \.encoder.precision, problem: isPrecision),
    .init("threads", \.threads, in: 1...1024, decides: false),
    .init("plugin-path", \.plugins.paths, decides: false),
    .init("plugin-as", \.plugins.renamed, decides: false),
    .init("allow-insecure-plugin", \.plugins.allowsInsecure, decides: false),
    .init("isolate", \.plugins.isolate, decides: false, problem: isIsolation),
    .init("plugin-deadline", \.plugins.deadline, in: 0...1e6, decides: false),
    .init("plugin-memory", \.plugins.memory, in: 0...(1 << 30), decides: false),
  ]

  /// The description as run.json holds it; what was not said is left out.
  package var json: JSONValue {
    .object(JSONObject(Self.fields.map { ($0.name, $0.json(self)) }.filter { $0.1 != .null }))
  }

  /// The values that decide the numbers of a run, as flags. The precision of an encoder plugin is not among them: a run
  /// may go on with another one.
  package var deciding: [(String, JSONValue)] {
    Self.fields.filter(\.decides).map { ("--" + $0.name, $0.json(self)) }
      .filter { $0.1 != .null || !Self.younger.contains($0.0) }
      .filter { $0.0 != "--precision" || encoder.isRounded }
  }

  /// Flags that came later: runs without them are those that were made before.
  private static let younger = ["--patience", "--dims", "--shards", "--precision"]

  /// Looks at every range, and at values that need each other.
  /// - Parameter file: where the description comes from, for errors that are the file's.
  /// - Throws: `TrainingError.usage` naming the first flag; `.badDescription` naming the file's key.
  package func check(from file: DescriptionFile? = nil) throws {
    for field in Self.fields {
      do throws(DescriptionProblem) {
        try field.check(self)
      } catch {
        throw TrainingError.usage(
          place: "--" + field.name, expected: error.expected, found: error.found, advice: "See mixcse train --help")
      }
    }
    if let (name, problem) = contradiction {
      if let file, file.names(name) { throw file.bad(name, "expected \(problem.expected), found \(problem.found)") }
      throw TrainingError.usage(
        place: "--" + name, expected: problem.expected, found: problem.found, advice: "Add what is missing")
    }
  }

  /// A value that makes no sense without another one.
  var contradiction: (name: String, problem: DescriptionProblem)? {
    if training.patience != nil, training.evalData == nil {
      return ("patience", DescriptionProblem(expected: "--eval-data beside it", found: "none"))
    }
    if let problem = encoder.problem { return problem }
    guard !training.trainsMaskedLanguage else { return nil }
    let given = [
      ("mlm-weight", training.maskedLanguageWeight), ("mlm-probability", training.maskedLanguageProbability),
    ].first { $0.1 != nil }
    return given.map { ($0.0, DescriptionProblem(expected: "--mlm beside it", found: "none")) }
  }

  /// Looks whether sentences of the length asked for fit into the model.
  /// - Throws: `TrainingError.usage`
  package func check(maximumTokens: Int) throws {
    guard training.maximumLength > maximumTokens else { return }
    throw TrainingError.usage(
      place: "--max-seq-length", expected: "a value from 3 to \(maximumTokens), the model's limit",
      found: "\(training.maximumLength)", advice: "See mixcse train --help")
  }
}

private let isPositive: @Sendable (Double?) -> DescriptionProblem? = { value in
  value.flatMap { $0 > 0 ? nil : DescriptionProblem(expected: "a number above 0", found: "\($0)") }
}

private let isColumns: @Sendable (String?) -> DescriptionProblem? = { value in
  guard let value else { return nil }
  do throws(RecordProblem) {
    _ = try TrainingColumns.choice(value)
    return nil
  } catch {
    return DescriptionProblem(expected: error.expected, found: error.found)
  }
}

private let isDimensions: @Sendable (String?) -> DescriptionProblem? = { value in
  guard let value else { return nil }
  do throws(DimensionProblem) {
    _ = try DimensionShares(parsing: value)
    return nil
  } catch {
    return DescriptionProblem(expected: error.expected, found: error.found)
  }
}

private let areChanges: @Sendable ([String]) -> DescriptionProblem? = { texts in
  do throws(ChangeProblem) {
    _ = try StrategyChange.all(texts)
    return nil
  } catch {
    return DescriptionProblem(expected: error.expected, found: error.found)
  }
}

private let isHead: @Sendable (String?) -> DescriptionProblem? = { value in
  value.flatMap { HeadKind(rawValue: $0) == nil ? DescriptionProblem(expected: "mlp or none", found: "'\($0)'") : nil }
}

private let isPrecision: @Sendable (String?) -> DescriptionProblem? = { value in
  value.flatMap { text in
    let known = Precision.allCases.map(\.rawValue)
    return known.contains(text)
      ? nil : DescriptionProblem(expected: "one of " + known.joined(separator: ", "), found: "'\(text)'")
  }
}

private let isIsolation: @Sendable (String?) -> DescriptionProblem? = { value in
  value.flatMap { text in
    text.contains { $0 != "," }
      ? nil
      : DescriptionProblem(
        expected: "names separated by commas, or \(PluginDescription.everything)", found: "'\(text)'")
  }
}
