// A loaded plugin library and what it offers. Made by PluginLoader, handed out by PluginRegistry.

package import PluginAPI
package import PluginGrammar

extension ComponentKind {
  /// The kind a descriptor's number stands for; nil for reserved and unknown ones.
  init?(_ number: UInt32) {
    switch Int(number) {
    case Int(CSE_POOLER): self = .pooler
    case Int(CSE_SAMPLER): self = .sampler
    case Int(CSE_LOSS): self = .loss
    case Int(CSE_AUGMENTER): self = .augmenter
    case Int(CSE_ENCODER): self = .encoder
    case Int(CSE_OTHER): self = .other
    default: return nil
    }
  }
}

/// Which library something comes from: what logs, `run.json` and checkpoints record.
package struct LibraryIdentity: Sendable, Equatable {
  /// Where it was found, and the file that is behind symbolic links.
  package let path: String
  /// The file behind symbolic links.
  package let resolvedPath: String
  /// The reverse-DNS id its descriptor states, and the name `--plugin-as` gave it instead.
  package let declaredID: String
  /// The name of `--plugin-as`; nil for none.
  package let alias: String?
  /// As its author counts.
  package let version: String
  /// Nil where it states none.
  package let license: String?
  /// Lower-case hexadecimal digits of the file's SHA-256 and of its linker's build id.
  package let sha256: String
  /// Lower-case hexadecimal digits; nil where its linker wrote none.
  package let buildID: String?
  /// The same of the text of bare functions beside the file; nil where there is none.
  package let sidecar: String?
  /// The libraries it is linked to, by name.
  package let needed: [String]
  /// What runs it, where the processor does not: "Python 3.11.7 (/usr/bin/python3), NumPy 2.4.6".
  package let runtime: String?
  /// The minor version of the plugin ABI it was built for.
  package let abiMinor: Int

  /// An identity by its parts.
  package init(
    path: String, resolvedPath: String, declaredID: String, alias: String?, version: String, license: String?,
    sha256: String, buildID: String?, sidecar: String? = nil, needed: [String] = [], runtime: String? = nil,
    abiMinor: Int
  ) {
    self.path = path
    self.resolvedPath = resolvedPath
    self.declaredID = declaredID
    self.alias = alias
    self.version = version
    self.license = license
    self.sha256 = sha256
    self.buildID = buildID
    self.sidecar = sidecar
    self.needed = needed
    self.runtime = runtime
    self.abiMinor = abiMinor
  }

  /// The id its components go by: the alias where there is one.
  package var id: String { alias ?? declaredID }
}

/// A plugin library that is loaded for the rest of the process; nothing is ever unloaded.
package final class PluginLibrary: Sendable {
  /// What logs and records say of it.
  package let identity: LibraryIdentity
  /// What it offers, in its own order.
  package let components: [PluginComponent]
  /// The methods it suggests.
  package let recipes: [Recipe]
  /// What was left out, such as components of a kind this host does not run.
  package let notes: [String]

  /// Where it was found.
  package var path: String { identity.path }
  /// The id its components go by.
  package var id: String { identity.id }
  /// As its author counts.
  package var version: String { identity.version }
  /// Nil where it states none.
  package var license: String? { identity.license }
  /// Lower-case hexadecimal digits of the file's SHA-256.
  package var sha256: String { identity.sha256 }
  /// Lower-case hexadecimal digits; nil where its linker wrote none.
  package var buildID: String? { identity.buildID }

  /// A library whose descriptors have been read and checked.
  package init(identity: LibraryIdentity, components: [PluginComponent], recipes: [Recipe], notes: [String]) {
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

/// What a component was made from that has no descriptor of its own: bare functions. The module that made it finds it
/// here again by its type.
package protocol ComponentSource: AnyObject, Sendable {}

/// Where the functions of a component are that this process has not loaded: in processes of their own. The module that
/// described it finds it here again by its type, and PluginInstances asks it for the calls.
package protocol ComponentPlace: AnyObject, Sendable {}

/// One component of a library, validated.
///
/// The pointers are to memory that is never freed and never written, so they may be shared by threads.
package final class PluginComponent: @unchecked Sendable {
  /// A copy of the descriptor in this host's size: what a shorter (older) one lacks is zero.
  package let pointer: UnsafePointer<cse_component>
  /// The plugin's own descriptor, as it stands in `cse_library.components`; pass it back to the plugin, never read it.
  package let declared: UnsafePointer<cse_component>
  /// What it is for.
  package let kind: ComponentKind
  /// `[a-z0-9_-]+`, unique in its library.
  package let name: String
  /// `library.id.name`
  package let id: String
  /// First line: summary. Then formula and paper.
  package let doc: String
  /// What may be set, in the order of `call->values`.
  package let parameters: [ParameterDeclaration]
  /// The names of `call->metrics`, in order.
  package let metrics: [String]
  /// Where it comes from.
  package let library: LibraryIdentity
  /// How a pooler says it is written down; nil for one that does not say, and for the other kinds.
  package let pooling: PoolingDescription?
  /// What the descriptor was made from; nil for one that the library itself has.
  package let source: (any ComponentSource)?
  /// Where its functions are; nil for one that is loaded here.
  package let place: (any ComponentPlace)?

  /// A component of `library` as its descriptor says.
  package init(
    _ parts: ComponentDescriptor, of library: LibraryIdentity, source: (any ComponentSource)? = nil,
    place: (any ComponentPlace)? = nil
  ) {
    self.source = source
    self.place = place
    pointer = parts.pointer
    declared = parts.declared
    kind = parts.kind
    name = parts.name
    id = library.id + "." + parts.name
    doc = parts.doc
    parameters = parts.parameters
    metrics = parts.metrics
    pooling = parts.pooling
    self.library = library
  }

  /// Whether a loss looks at candidates, and not only at the batch's embeddings.
  package var scoresLogits: Bool { pointer.pointee.on_logits != nil }
  /// Whether a loss looks at the batch's embeddings.
  package var scoresEmbeddings: Bool { pointer.pointee.on_embeds != nil }

  /// The first line of the documentation.
  package var summary: String { doc.split(separator: "\n", maxSplits: 1).first.map(String.init) ?? "" }
}
