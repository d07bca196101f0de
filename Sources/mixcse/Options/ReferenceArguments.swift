// A command line of the reference's scripts, in our words: what is said there by leaving a flag out is said here, and
// what has no counterpart is noted or refused. Used by ArgumentSpelling.

import Files
import Host
import Training

/// Takes the arguments one by one; those that are not the reference's stay as they are.
struct ReferenceArguments {
  /// The arguments as the parser knows them.
  private(set) var arguments: [String]
  /// What a user of the reference should know of this run, in the order of the flags.
  private(set) var notes: [String] = []

  private let isTraining: Bool
  private let renamed: [String: String]
  private let reasons: [String: String]
  /// The reference's flags that were given, each with its last value.
  private var given: [String: String] = [:]

  /// - Parameter command: the subcommand, the first argument.
  init(command: String) {
    arguments = [command]
    isTraining = command == "train"
    let isEvaluating = command == "evaluate"
    renamed =
      isTraining ? ReferenceFlags.renamed : isEvaluating ? ReferenceFlags.renamedInEvaluate : [:]
    let ignored = isTraining ? ReferenceFlags.ignored : isEvaluating ? ReferenceFlags.ignoredInEvaluate : [:]
    reasons = Dictionary(uniqueKeysWithValues: ignored.flatMap { entry in entry.value.map { ($0, entry.key) } })
  }

  /// Takes an argument that is not the reference's.
  mutating func append(_ argument: String) { arguments.append(argument) }

  /// Takes a flag of the reference, with its value.
  /// - Parameter rest: what follows; a value there is taken, too.
  /// - Returns: whether it is one.
  /// - Throws: `UsageError.option` for what cannot be had here.
  mutating func take(_ argument: String, _ rest: inout ArraySlice<String>) throws -> Bool {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let (name, written) = (parts.first ?? "", parts.count > 1 ? parts[1] : nil)
    if let ours = renamed[name] {
      try rename(name, ours, written, &rest)
    } else if let reason = reasons[name] {
      // Some take a list.
      while value(written, &rest) != nil, written == nil {}
      note("\(name): \(reason); ignored")
    } else if isTraining, ["--lambdas", "--lambda"].contains(name) {
      given["--lambdas"] = try needed(name, written, &rest)
    } else if isTraining, let fixed = ReferenceFlags.fixed[name] {
      let found = value(written, &rest) ?? "true"
      given[name] = found
      if !fixed.allows(found) { throw refusal(name, found, fixed) }
    } else if isTraining, ReferenceFlags.fromModel[name] != nil {
      given[name] = try needed(name, written, &rest)
    } else if isTraining, argument.hasPrefix("torch.distributed."), let fixed = ReferenceFlags.fixed["--nproc_per_node"]
    {
      throw UsageError.option(argument, problem: fixed.reason)
    } else {
      return false
    }
    return true
  }

  /// Says what the reference's scripts mean by what they leave out.
  /// - Throws: `UsageError.option` for what excludes each other.
  mutating func finish() throws {
    if isTraining {
      try checkModelParts()
      dropWithoutEffect()
      addStrategy()
      try addEvaluation()
      noteDefaults()
    } else if !given.isEmpty {
      addEvaluateDefaults()
    }
  }

  // MARK: - One flag

  private mutating func rename(_ name: String, _ ours: String, _ written: String?, _ rest: inout ArraySlice<String>)
    throws
  {
    guard !ReferenceFlags.switches.contains(name) else {
      let literal = written ?? rest.first.flatMap { Self.truth($0) == nil ? nil : $0 }
      if written == nil, literal != nil { rest = rest.dropFirst() }
      guard let isOn = Self.truth(literal ?? "true") else {
        throw UsageError.option(name, problem: "expected true or false, found '\(literal ?? "")'")
      }
      arguments.removeAll { $0 == ours }
      given[name] = isOn ? "true" : nil
      if isOn { arguments.append(ours) }
      return
    }
    guard let value = written ?? rest.popFirst() else { return arguments.append(ours) }
    given[name] = value
    // Below zero, the number of steps is that of the epochs there.
    if name == "--max_steps", let steps = Int(value), steps < 0 { return }
    arguments += written == nil ? [ours, value] : [ours + "=" + value]
  }

  /// What was written behind the name, or follows as the next argument; numbers may be negative.
  private func value(_ written: String?, _ rest: inout ArraySlice<String>) -> String? {
    if let written { return written }
    guard let next = rest.first, !next.hasPrefix("-") || Double(next) != nil else { return nil }
    rest = rest.dropFirst()
    return next
  }

  /// A value that has to be there.
  private func needed(_ name: String, _ written: String?, _ rest: inout ArraySlice<String>) throws -> String {
    guard let value = value(written, &rest) else {
      throw UsageError.option(name, problem: "expected a value, found none")
    }
    return value
  }

  /// The truth values that transformers reads.
  private static func truth(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "true", "yes", "t", "y", "1": true
    case "false", "no", "f", "n", "0": false
    default: nil
    }
  }

  private func refusal(_ name: String, _ found: String, _ fixed: ReferenceFlags.Fixed) -> UsageError {
    let expected = fixed.values.isEmpty ? "to be left out" : fixed.values.joined(separator: " or ")
    return UsageError.option(name, problem: "expected \(expected), found \(found); \(fixed.reason)")
  }

  private mutating func note(_ text: String) { if !notes.contains(text) { notes.append(text) } }

  // MARK: - What flags mean together

  private func has(_ names: String...) -> Bool {
    arguments.contains { argument in names.contains { argument == $0 || argument.hasPrefix($0 + "=") } }
  }

  private func checkModelParts() throws {
    for (name, fixed) in ReferenceFlags.fromModel {
      if let found = given[name], found != given["--model_name_or_path"] { throw refusal(name, found, fixed) }
    }
  }

  /// What the reference takes and then does not look at, and what would be a contradiction here.
  private mutating func dropWithoutEffect() {
    guard !has("--from") else { return }
    if given["--mlp_only_train"] != nil, let pooler = given["--pooler_type"], pooler != "cls", !has("--head") {
      drop("--mlp_only_train", takesValue: false, "\(pooler) has no head")
    }
    guard !has("--mlm") else { return }
    for name in ["--mlm_weight", "--mlm_probability"] where given[name] != nil {
      drop(name, takesValue: true, "there is no --do_mlm")
    }
  }

  private mutating func drop(_ name: String, takesValue: Bool, _ reason: String) {
    guard let ours = renamed[name] else { return }
    while let index = arguments.firstIndex(where: { $0 == ours || $0.hasPrefix(ours + "=") }) {
      let count = takesValue && arguments[index] == ours ? 2 : 1
      arguments.removeSubrange(index..<min(index + count, arguments.count))
    }
    note("\(name): \(reason); ignored")
  }

  /// The reference's scripts have no flag for their method: lambda is the mark of MixCSE's.
  private mutating func addStrategy() {
    let isNamed = has("--method", "--sampler", "--loss", "--from")
    if let lambda = given["--lambdas"] {
      if !isNamed {
        arguments += ["--method", "mixcse"]
        if let weight = given["--hard_negative_weight"] { arguments += ["--set", "mixcse.hard_weight=" + weight] }
        note("--lambdas without a strategy: --method mixcse, as in the reference")
      }
      arguments += ["--set", "mixcse.lambda=" + lambda]
    } else if !isNamed, given["--model_name_or_path"] != nil {
      arguments += ["--method", "simcse"]
      note("no strategy and no --lambdas: --method simcse, as in the reference")
    }
  }

  /// The reference scores STS-B dev in a folder of its own, through the head unless that is for training only.
  private mutating func addEvaluation() throws {
    guard !has("--from") else { return }
    let strategies = ["--evaluation_strategy", "--eval_strategy"]
    if let none = strategies.first(where: { given[$0]?.lowercased() == "no" }) {
      guard has("--eval-data") else { return }
      throw UsageError.option(none, problem: "expected steps beside evaluation data, found no; name none for no scores")
    }
    if !has("--eval-data"), let asked = (strategies + ["--do_eval"]).first(where: { given[$0] != nil }) {
      guard Path.isFolder(ReferenceFlags.sentEval) else {
        return note(
          "\(asked): nothing is scored, and the last step's model is kept: there is no --eval-data, and no folder "
            + "\(ReferenceFlags.sentEval), where the reference looks")
      }
      arguments += ["--eval-data", ReferenceFlags.sentEval]
      note("\(asked): --eval-data \(ReferenceFlags.sentEval), where the reference looks")
    }
    if given["--pooler_type"] == "cls", given["--mlp_only_train"] == nil, has("--eval-data"),
      !has("--eval-pooler", "--head", "--head-train-only", "--frozen")
    {
      arguments += ["--eval-pooler", "cls"]
      note("--pooler_type cls without --mlp_only_train: scored through the head, as in the reference")
    }
  }

  /// A script that leaves out what the published ones say gets this program's values, and is told so.
  private mutating func noteDefaults() {
    guard given["--model_name_or_path"] != nil, !has("--from") else { return }
    let run = RunDescription()
    for (name, there, here) in ReferenceFlags.defaults {
      guard let ours = renamed[name], !has(ours) else { continue }
      if name == "--num_train_epochs", has("--max-steps") { continue }
      if name == "--eval_steps", !has("--eval-data") { continue }
      note("\(name) is left out: \(here(run)), where the reference takes \(there)")
    }
  }

  private mutating func addEvaluateDefaults() {
    if !has("--data", "--pairs"), Path.isFolder(ReferenceFlags.sentEval) {
      arguments += ["--data", ReferenceFlags.sentEval]
      note("--data \(ReferenceFlags.sentEval), where the reference looks")
    }
    if !has("--pooler", "--all-poolers", "--before-head") {
      arguments += ["--pooler", "cls"]
      note("--pooler cls, which is what the reference's script takes")
    }
  }
}
