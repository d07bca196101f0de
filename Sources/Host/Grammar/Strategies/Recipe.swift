// Recipes: combinations that libraries suggest under one name, `--method NAME`. Read by RecipeGrammar from a library's
// descriptor, expanded by Strategies.

/// A named combination of augmenters, samplers and losses that a library suggests.
package struct Recipe: Sendable, Equatable {
  /// `[a-z0-9_-]+`, unique in its library.
  package let name: String
  /// Augmenters, samplers and losses in the order they are written; at least one loss.
  package let terms: [RecipeTerm]

  /// What it stands for, as the library wrote it: `sampler:mixcse loss:infonce`.
  package var text: String { terms.map(\.text).joined(separator: " ") }
}

/// One augmenter, sampler or loss of a recipe.
package struct RecipeTerm: Sendable, Equatable {
  /// `.augmenter`, `.sampler` or `.loss`.
  package let kind: ComponentKind
  /// Name, weight and settings.
  package let spec: ComponentSpec

  /// A term by its parts.
  package init(kind: ComponentKind, spec: ComponentSpec) {
    self.kind = kind
    self.spec = spec
  }

  /// The form it is written in: `loss:0.5*infonce:temperature=0.05`.
  package var text: String { "\(kind.rawValue):\(spec.text)" }
}
