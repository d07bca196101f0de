// A loaded plugin library and what it offers. Made by PluginLoader, handed out by PluginRegistry.

package import PluginAPI

/// What a component is for.
package enum ComponentKind: String, Sendable, CaseIterable {
  case pooler, sampler, loss, other

  /// The kind a descriptor's number stands for; nil for reserved and unknown ones.
  init?(_ number: UInt32) {
    switch Int(number) {
    case Int(CSE_POOLER): self = .pooler
    case Int(CSE_SAMPLER): self = .sampler
    case Int(CSE_LOSS): self = .loss
    case Int(CSE_OTHER): self = .other
    default: return nil
    }
  }
}

/// Which library something comes from: what logs, `run.json` and checkpoints record.
package struct LibraryIdentity: Sendable, Equatable {
  /// Where it was found, and the file that is behind symbolic links.
  package let path: String
  package let resolvedPath: String
  /// The reverse-DNS id its descriptor states, and the name `--plugin-as` gave it instead.
  package let declaredID: String
  package let alias: String?
  package let version: String
  package let license: String?
  /// Lower-case hexadecimal digits of the file's SHA-256 and of its linker's build id.
  package let sha256: String
  package let buildID: String?
  /// The libraries it is linked to, by name.
  package var needed: [String] = []
  /// The minor version of the plugin ABI it was built for.
  package let abiMinor: Int

  /// The id its components go by: the alias where there is one.
  package var id: String { alias ?? declaredID }
}

/// A plugin library that is loaded for the rest of the process; nothing is ever unloaded.
package final class PluginLibrary: Sendable {
  package let identity: LibraryIdentity
  package let components: [PluginComponent]
  package let recipes: [Recipe]
  /// What was left out, such as components of a kind this host does not run.
  package let notes: [String]

  package var path: String { identity.path }
  package var id: String { identity.id }
  package var version: String { identity.version }
  package var license: String? { identity.license }
  package var sha256: String { identity.sha256 }
  package var buildID: String? { identity.buildID }

  init(identity: LibraryIdentity, components: [PluginComponent], recipes: [Recipe], notes: [String]) {
    self.identity = identity
    self.components = components
    self.recipes = recipes
    self.notes = notes
  }

  /// The component of this name, if it is of the kind.
  package func component(_ kind: ComponentKind, _ name: String) -> PluginComponent? {
    components.first { $0.kind == kind && $0.name == name }
  }
}

/// One component of a library, validated.
///
/// The pointers are to memory that is never freed and never written, so they may be shared by threads.
package final class PluginComponent: @unchecked Sendable {
  /// A copy of the descriptor in this host's size: what a shorter (older) one lacks is zero.
  package let pointer: UnsafePointer<cse_component>
  /// The plugin's own descriptor, as it stands in `cse_library.components`; pass it back to the plugin, never read it.
  package let declared: UnsafePointer<cse_component>
  package let kind: ComponentKind
  package let name: String
  /// `library.id.name`
  package let id: String
  /// First line: summary. Then formula and paper.
  package let doc: String
  package let parameters: [ParameterDeclaration]
  /// The names of `call->metrics`, in order.
  package let metrics: [String]
  package let library: LibraryIdentity
  /// The bare functions behind it; nil for a component with a descriptor of its own.
  package let bare: LoadedBareComponent?
  /// How its instances run in processes of their own; nil for one that is loaded here.
  package let isolation: Isolation?

  init(
    _ parts: ComponentDescriptor, of library: LibraryIdentity, bare: LoadedBareComponent? = nil,
    isolation: Isolation? = nil
  ) {
    self.bare = bare
    self.isolation = isolation
    pointer = parts.pointer
    declared = parts.declared
    kind = parts.kind
    name = parts.name
    id = library.id + "." + parts.name
    doc = parts.doc
    parameters = parts.parameters
    metrics = parts.metrics
    self.library = library
  }

  /// The first line of the documentation.
  package var summary: String { doc.split(separator: "\n", maxSplits: 1).first.map(String.init) ?? "" }
}

/// A named combination of samplers and losses that a library suggests.
package struct Recipe: Sendable, Equatable {
  package let name: String
  package let terms: [RecipeTerm]

  /// What it stands for, as the library wrote it: `sampler:mixcse loss:infonce`.
  package var text: String { terms.map(\.text).joined(separator: " ") }
}

/// One sampler or loss of a recipe.
package struct RecipeTerm: Sendable, Equatable {
  package let kind: ComponentKind
  package let spec: ComponentSpec

  package var text: String { "\(kind.rawValue):\(spec.text)" }
}
