// What the TAB key offers where a flag takes a strategy: names of components and methods, then their parameters, then
// the words a parameter takes. Asked by the scripts of `mixcse --generate-completion-script`.

import ArgumentParser
import Host
import Logging

extension CompletionKind {
  static var augmenters: CompletionKind { names([.augmenter]) }
  static var poolers: CompletionKind { names([.pooler]) }
  static var samplers: CompletionKind { names([.sampler]) }
  static var losses: CompletionKind { names([.loss]) }
  /// The methods that plugins suggest.
  static var recipes: CompletionKind { names([], recipes: true) }
  /// What `compare` takes: a method, or augmenters, samplers and losses joined by `+`.
  static var strategies: CompletionKind { names([.augmenter, .sampler, .loss], recipes: true) }
  /// All that `plugins info` knows.
  static var everything: CompletionKind { names(ComponentKind.allCases, recipes: true) }

  private static func names(_ kinds: [ComponentKind], recipes: Bool = false) -> CompletionKind {
    .custom { words, _, typed in
      let candidates = NameCompletion(words, kinds: kinds, hasRecipes: recipes).candidates(typed)
      // There a bare colon would begin the description of a candidate.
      return CompletionShell.requesting == .zsh ? candidates.map { $0.replacing(":", with: "\\:") } : candidates
    }
  }
}

/// Names that can be written, and the parameters behind each.
struct NameCompletion {
  /// By name, as it is written.
  private var parameters: [String: [ParameterDeclaration]] = [:]

  /// - Parameters:
  ///   - words: The line so far, for its `--plugin-path`.
  ///   - kinds: The components to offer.
  ///   - hasRecipes: Whether methods are offered.
  init(_ words: [String], kinds: [ComponentKind], hasRecipes: Bool) {
    // A line that is still written may name a folder that is not there; TAB then offers what there is without it.
    guard let registry = Self.registry(words) ?? Self.registry([]) else { return }
    for library in registry.libraries {
      for component in library.components where kinds.contains(component.kind) {
        parameters[component.name, default: []] += component.parameters
      }
      guard hasRecipes else { continue }
      for recipe in library.recipes {
        let used = recipe.terms.flatMap { registry.components($0.kind, called: $0.spec.name) }
        parameters[recipe.name, default: []] += used.flatMap(\.parameters)
      }
    }
  }

  private static func registry(_ words: [String]) -> PluginRegistry? {
    let named = zip(words, words.dropFirst()).filter { $0.0 == "--plugin-path" }.flatMap { [$0.0, $0.1] }
    // Nothing is said: a message would land in the middle of the line that is typed.
    return try? PluginOptions.parse(named).registry(
      logger: .init(label: "completion") { _ in SwiftLogNoOpLogHandler() })
  }

  /// Whole words that go on from what is typed: `infonce+mixcse:la` becomes `infonce+mixcse:lambda=`.
  func candidates(_ typed: String) -> [String] {
    // The part being written stands behind the last sign that ends a component or its weight.
    let start = typed.lastIndex { $0 == "+" || $0 == "*" }.map { typed.index(after: $0) } ?? typed.startIndex
    let (before, part) = (String(typed[..<start]), typed[start...])
    guard let colon = part.firstIndex(of: ":") else {
      return parameters.keys.filter { $0.hasPrefix(part) }.sorted().map { before + $0 }
    }
    let settings = part[part.index(after: colon)...]
    let last = settings.split(separator: ",", omittingEmptySubsequences: false).last ?? ""
    let head = before + part.dropLast(last.count)
    let given = settings.split(separator: ",").compactMap { $0.split(separator: "=").first }
    let known = parameters[String(part[..<colon])] ?? []
    guard let equals = last.firstIndex(of: "=") else {
      let left = known.map(\.name).filter {
        $0.hasPrefix(last) && !given.dropLast(last.isEmpty ? 0 : 1).contains($0[...])
      }
      return Set(left).sorted().map { head + $0 + "=" }
    }
    let words = known.first { $0.name == last[..<equals] }.map(Self.words) ?? []
    let value = last[last.index(after: equals)...]
    return words.filter { $0.hasPrefix(value) }.map { head + last[...equals] + $0 }
  }

  /// The values that can be listed: of a choice, of a truth value; else the default.
  private static func words(_ parameter: ParameterDeclaration) -> [String] {
    switch parameter.type {
    case .choice(let words): words
    case .bool: ["true", "false"]
    default: ["\(parameter.default)"]
    }
  }
}
