// The result of naming a strategy: which samplers, losses and poolers run, with which settings.
// Made by StrategyRequest, turned into instances by the objective, recorded in run.json by its text.

/// Samplers in the order their blocks are appended, and the losses of the weighted sum.
package struct StrategySpec: Sendable, Equatable {
  package var samplers: [ComponentSpec]
  package var losses: [ComponentSpec]
  /// What the user called it in a comparison (`ours=...`).
  package var label: String?
  /// What methods stood for, for printing: `mixcse = sampler:mixcse loss:infonce`.
  package var expansions: [String] = []
  /// Parameters that were given a course instead of a value, as `--schedule` says it: `mixcse.lambda=linear(0.1,0.4)`.
  package var schedules: [String] = []

  package init(samplers: [ComponentSpec] = [], losses: [ComponentSpec] = [], label: String? = nil) {
    self.samplers = samplers
    self.losses = losses
    self.label = label
  }

  /// Reads a canonical text such as `sampler:mixcse:lambda=0.3 loss:infonce`.
  /// - Throws: `UsageError.badText`, `.incomplete` where there is no loss.
  package init(parsing text: String) throws {
    let terms: [RecipeTerm]
    do {
      terms = try RecipeGrammar.terms(text)
    } catch {
      throw error.asUsageError
    }
    self.init(terms: terms)
    guard !losses.isEmpty else { throw UsageError.incomplete(problem: "the strategy '\(text)' has no loss") }
  }

  init(terms: [RecipeTerm]) {
    self.init(
      samplers: terms.filter { $0.kind == .sampler }.map(\.spec),
      losses: terms.filter { $0.kind == .loss }.map(\.spec))
  }

  var terms: [RecipeTerm] {
    samplers.map { RecipeTerm(kind: .sampler, spec: $0) } + losses.map { RecipeTerm(kind: .loss, spec: $0) }
  }

  /// The canonical text: parses back to the same strategy, whatever aliases mean elsewhere.
  package var text: String { terms.map(\.text).joined(separator: " ") }
}

/// Poolers, each but the first a head on the vectors of the one before.
package struct PoolerSpec: Sendable, Equatable {
  package var chain: [ComponentSpec]
  /// The pooled vector is used as it is, whatever head the run has: `cls_before_pooler`.
  package var skipsHead = false

  package init(chain: [ComponentSpec], skipsHead: Bool = false) {
    self.chain = chain
    self.skipsHead = skipsHead
  }

  /// Reads `cls`, `avg+whiten`, `weighted:layers=4`, `cls_before_pooler` (= `cls`, without the head).
  /// - Throws: `UsageError.badText`
  package init(parsing text: String) throws {
    do {
      chain = try SpecParser.chain(text)
    } catch {
      throw error.asUsageError
    }
    if chain[0].name == "cls_before_pooler" {
      chain[0].name = "cls"
      skipsHead = true
    }
  }

  /// The form it is typed in.
  package var text: String {
    var names = chain.map(\.text)
    if skipsHead, chain[0].name == "cls" { names[0] = "cls_before_pooler" + names[0].dropFirst("cls".count) }
    return names.joined(separator: "+")
  }
}
