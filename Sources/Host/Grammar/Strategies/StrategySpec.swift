// A strategy and its poolers by name: which samplers, losses and poolers run, with which settings, before any of them
// is looked up. Their texts stand in run.json and on command lines; Strategies looks them up.

/// Augmenters in the order they edit, samplers in the order their blocks are appended, and the losses of the weighted
/// sum.
package struct StrategySpec: Sendable, Equatable {
  /// In the order they edit.
  package var augmenters: [ComponentSpec]
  /// In the order their blocks are appended.
  package var samplers: [ComponentSpec]
  /// The terms of the weighted sum.
  package var losses: [ComponentSpec]

  /// A strategy by its parts.
  package init(augmenters: [ComponentSpec] = [], samplers: [ComponentSpec] = [], losses: [ComponentSpec] = []) {
    self.augmenters = augmenters
    self.samplers = samplers
    self.losses = losses
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
    func specs(_ kind: ComponentKind) -> [ComponentSpec] { terms.filter { $0.kind == kind }.map(\.spec) }
    self.init(augmenters: specs(.augmenter), samplers: specs(.sampler), losses: specs(.loss))
    guard !losses.isEmpty else { throw UsageError.incomplete(problem: "the strategy '\(text)' has no loss") }
  }

  /// The canonical text: parses back to the same strategy, whatever aliases mean elsewhere.
  package var text: String {
    let parts: [(ComponentKind, [ComponentSpec])] = [(.augmenter, augmenters), (.sampler, samplers), (.loss, losses)]
    return parts.flatMap { kind, specs in specs.map { RecipeTerm(kind: kind, spec: $0).text } }.joined(separator: " ")
  }
}

/// Poolers, each but the first a head on the vectors of the one before.
package struct PoolerSpec: Sendable, Equatable {
  /// Never empty; the first reads hidden states, each other one the vectors before it.
  package var chain: [ComponentSpec]
  /// The pooled vector is used as it is, whatever head the run has: `cls_before_pooler`.
  package var skipsHead = false

  /// Poolers by their parts.
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
