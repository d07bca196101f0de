// Every pooler there is, with and without the heads a folder holds, over one encoding: `mixcse evaluate --all-poolers`.

package import Encoder
package import Host
import Kernels
package import ModelFiles

/// An embedder with many poolings side by side.
package struct PoolerPanel {
  /// One way to pool.
  package struct Entry {
    /// What to type after --pooler, where that leads to it; heads are named.
    package let label: String
    /// What the folder was trained with, or records.
    package let isRecorded: Bool
    /// What embeds in this way.
    package let variant: PoolingVariant
  }

  /// Tokenizer and encoder of all entries.
  package let embedder: SentenceEmbedder
  /// Every way to pool that can be used, the folder's own first where it is none of the registry's.
  package let entries: [Entry]
  /// Poolers that could not be used, and why.
  package let notes: [String]

  /// All poolers of the registry with their defaults and with every choice of a parameter that names its choices (both
  /// conventions of `avg_first_last`), and the folder's own.
  /// - Parameters:
  ///   - prompt: what is put before every line; nil: the folder's own.
  ///   - encoder: an encoder of the folder; nil: this program's own.
  /// - Throws: errors of the folder; a pooler that fails is left out with a note.
  package init(
    _ folder: ModelFolder, registry: PluginRegistry, services: HostServices, prompt: String? = nil,
    encoder: (any SentenceEncoder)? = nil
  ) throws {
    let recorded = try SentenceEmbedder.usablePooler(folder)
    let isDropped = folder.sentencePooling?.head == .dropped
    var entries: [Entry] = []
    var notes = folder.notes
    if let own = folder.sentencePooling?.unsupported { notes.append("the folder's own pooling is left out: \(own)") }
    if prompt == nil, let prompt = folder.defaultPrompt {
      notes.append("\"\(prompt)\" is put before every line, the default prompt of \(folder.path)")
    }
    var first: SentenceEmbedder?
    for spec in try Self.specs(registry, recorded) {
      do {
        let pooler = try Pooler(spec, in: registry)
        let embedder = try SentenceEmbedder.open(
          folder, pooler: pooler, services: services, prompt: prompt, keepsLength: true,
          encoder: first?.encoder ?? encoder,
          tokenizer: first?.tokenizer, say: { if first == nil { notes.append($0) } })
        first = first ?? embedder
        let isOwn = spec.chain == recorded?.chain
        if embedder.pooling.hasHead {
          let layer = try SentenceEmbedder.modelHead(folder, pooler: pooler)
          entries.append(
            Entry(
              label: spec.text + (layer.map { " (through \($0))" } ?? " (with head)"),
              isRecorded: spec == recorded && !isDropped,
              variant: PoolingVariant(stack: embedder.pooling, useHead: true)))
        }
        var bare = spec
        bare.skipsHead = embedder.pooling.hasHead || pooler.wantsHead
        let isBare = isOwn && (isDropped || !embedder.pooling.hasHead || recorded?.skipsHead == true)
        entries.append(
          Entry(
            label: bare.label, isRecorded: isBare,
            variant: PoolingVariant(stack: embedder.pooling, useHead: false)))
      } catch let error as PluginError {
        notes.append("\(spec.text) is left out: \(error)")
      } catch let error as UsageError {
        notes.append("\(spec.text) is left out: \(error)")
      } catch let error as ObjectiveError {
        notes.append("\(spec.text) is left out: \(error)")
      } catch let error as PluginFailure {
        notes.append("\(spec.text) is left out: \(error)")
      }
    }
    guard let first else {
      throw ObjectiveError.unsupportedPooling(folder: folder.path, reason: "no pooler can be used on it")
    }
    (embedder, self.entries, self.notes) = (first, entries, notes)
  }

  private static func specs(_ registry: PluginRegistry, _ recorded: PoolerSpec?) throws -> [PoolerSpec] {
    var texts: [String] = []
    for pooler in registry.libraries.flatMap(\.components) where pooler.kind == .pooler {
      guard !texts.contains(pooler.name) else { continue }
      texts.append(pooler.name)
      for parameter in pooler.parameters {
        guard case .choice(let words) = parameter.type else { continue }
        texts += words.filter { $0 != "\(parameter.default)" }.map { "\(pooler.name):\(parameter.name)=\($0)" }
      }
    }
    let specs = try texts.map { try PoolerSpec(parsing: $0) }
    guard let recorded, !specs.contains(where: { $0.chain == recorded.chain }) else { return specs }
    return [recorded] + specs
  }
}
