// Writes a trained encoder as a folder that transformers and sentence-transformers load as it is, and that ModelFolder
// reads back. Called by the trainer for its best model.
//
// The folder is written beside its place and moved there in one step, so an earlier export is never half replaced.
// Embeddings in the folder are those of the encoder, pooler and head as trained: a Normalize module of the source
// is not carried over (cosine similarity does not see it), which the notes say.

import Files
import Glibc
package import Kernels

/// Exports a model.
package enum ModelExport {
  /// What plugins of the model learned and what they remember (the layer weights of `weighted`, the shares of `idf`).
  package static let pluginWeightsFile = "mixcse_plugins.safetensors"

  /// What happens to the head: Linear `[width, width]` and tanh behind the pooler.
  package enum Head {
    /// There was none.
    case none
    /// It served training only.
    case dropped
    /// It belongs to the model. `weight: [out, in]`, `bias: [out]`.
    case kept(weight: Parameter, bias: Parameter)
  }

  /// What is written down about how the model came to be.
  package struct Record: Sendable {
    /// The temperature of training, where there is one.
    package var temperature: Double?
    /// The strategy as typed: "mixcse:lambda=0.2".
    package var strategy: String?
    /// Versions of this program and of the plugins, by name.
    package var versions: [String: String]

    /// A record; what is left out is not written.
    package init(temperature: Double? = nil, strategy: String? = nil, versions: [String: String] = [:]) {
      self.temperature = temperature
      self.strategy = strategy
      self.versions = versions
    }
  }

  /// Writes the export.
  ///
  /// `encoder` are the parameters by their canonical names. The source's own `pooler.dense.*` are passed through
  /// untouched; the head never goes by that name, but becomes a Dense module of its own.
  /// - Returns: notes for the user: what was left out, and where another program would see other embeddings.
  /// - Throws: `FileError`, `ModelFileError`; nothing at `folder` has changed then.
  @discardableResult
  package static func write(
    to folder: String, from source: ModelFolder, encoder: [Parameter], pooling: ExportPooling, head: Head = .none,
    record: Record = Record(), pluginWeights: [Parameter] = [], pluginStates: [SafetensorsWriter.Entry] = []
  ) throws -> [String] {
    try FolderReplacement.write(to: folder, replaceable: mayBeReplaced) { temporary in
      let content = ExportContent(folder: temporary, source: source, pooling: pooling, head: head)
      return try content.write(
        encoder: encoder, record: record, pluginWeights: pluginWeights, pluginStates: pluginStates)
    }
  }

  /// Files beside the weights that are the tokenizer's and are copied as they are.
  package static let tokenizerFiles = [
    "vocab.txt", "vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "sentencepiece.bpe.model", "spiece.model", "spm.model",
  ]

  /// An export holds nothing but these; a folder that holds anything else is not replaced.
  private static let names = Set(
    tokenizerFiles + [
      "config.json", "model.safetensors", "modules.json", "sentence_bert_config.json",
      "config_sentence_transformers.json", "mixcse.json", pluginWeightsFile, "1_Pooling", "1_WeightedLayerPooling",
      "2_Pooling", "2_Dense", "3_Dense",
    ])

  /// nil for a new, empty or exported folder, else what speaks against replacing it.
  private static func mayBeReplaced(_ entries: [String]) -> String? {
    if let foreign = entries.sorted().first(where: { !names.contains($0) }) { return "\"\(foreign)\"" }
    return entries.isEmpty || entries.contains("mixcse.json") ? nil : "a model that is no export of ours"
  }
}
