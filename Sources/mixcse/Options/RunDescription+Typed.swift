// What was typed counts instead of what a file says: options have no values of their own, and those that were given
// are put over the description.

import ArgumentParser
import Training

extension RunDescription {
  /// Takes a value that was typed.
  mutating func take<Value>(_ path: WritableKeyPath<RunDescription, Value>, _ typed: Value?) {
    if let typed { self[keyPath: path] = typed }
  }

  /// Takes a value that was typed, where there may be none.
  mutating func take<Value>(_ path: WritableKeyPath<RunDescription, Value?>, _ typed: Value?) {
    if let typed { self[keyPath: path] = typed }
  }

  /// Takes a flag that was typed.
  mutating func take(_ path: WritableKeyPath<RunDescription, Bool>, flag: Bool) {
    if flag { self[keyPath: path] = true }
  }

  /// Takes a list that was typed in place of the whole list.
  mutating func take(_ path: WritableKeyPath<RunDescription, [String]>, list: [String]) {
    if !list.isEmpty { self[keyPath: path] = list }
  }

  /// What must be said, in a file or typed.
  /// - Parameters:
  ///   - file: where the description comes from.
  ///   - strategies: strategies are named elsewhere, as a comparison does.
  /// - Throws: `ValidationError` naming the first flag that is missing.
  func checkRequired(from file: DescriptionFile?, strategies: Bool = false) throws {
    if let file, file.record != nil, outputFolder == nil {
      throw ValidationError(
        "\(file.path) is the record of a run: expected --output-dir with a folder of its own for the run that repeats "
          + "it, found none")
    }
    if !strategies, !strategy.isNamed {
      let settings = strategy.settings.first.map { setting in
        let component = setting.prefix { $0 != "." && $0 != "#" }
        return "--set \(setting): expected a strategy with \(component) beside it, found none; add --method "
          + (component == "mixcse" ? "mixcse" : "NAME or --sampler \(component) --loss NAME")
      }
      throw ValidationError(
        settings
          ?? "no strategy is named: expected --method NAME (mixcse, simcse, ...) or --loss NAME, with or without "
          + "--sampler NAME; mixcse plugins list shows what there is")
    }
    let required = [
      (model.isEmpty, "--model <dir>"), (training.trainFile.isEmpty, "--train-file <file>"),
      (outputFolder == nil, "--output-dir <dir>"),
    ]
    if let missing = required.first(where: \.0)?.1 {
      throw ValidationError("expected \(missing), found none")
    }
    if outputFolder?.isEmpty == true {
      throw ValidationError("--output-dir: expected a folder, found an empty text; name a new or empty one")
    }
  }
}
