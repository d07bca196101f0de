// An embedder out of a model folder: `mixcse encode`, `mixcse evaluate`.

package import Encoder
package import Host
package import Kernels
package import ModelFiles
package import Tokenizer

extension SentenceEmbedder {
  /// The pooler a folder records (mixcse.json, else modules.json), or nil where it records none.
  /// - Throws: `ObjectiveError.unsupportedPooling` where the folder asks for a pooling this program does not have.
  package static func recordedPooler(_ folder: ModelFolder) throws -> PoolerSpec? {
    if let reason = folder.sentencePooling?.unsupported {
      throw ObjectiveError.unsupportedPooling(folder: folder.path, reason: reason)
    }
    return try usablePooler(folder)
  }

  /// The same where another pooler was asked for: nil, too, where the folder's own is none of this program's.
  package static func usablePooler(_ folder: ModelFolder) throws -> PoolerSpec? {
    guard let text = folder.sentencePooling?.pooler, !text.isEmpty else { return nil }
    return try PoolerSpec(parsing: text)
  }

  /// The pooler that was asked for, else what the folder records, else mean pooling, which is then said; before the
  /// head where that was asked for.
  /// - Parameter say: gets what there is to tell.
  /// - Throws: `UsageError`, `ObjectiveError.unsupportedPooling`.
  package static func pooler(
    _ asked: String?, beforeHead: Bool, of folder: ModelFolder, say: (String) -> Void
  ) throws -> PoolerSpec {
    var spec = try pooler(asked, of: folder, say: say)
    if beforeHead { spec.skipsHead = true }
    return spec
  }

  private static func pooler(_ asked: String?, of folder: ModelFolder, say: (String) -> Void) throws -> PoolerSpec {
    if let asked {
      if let own = folder.sentencePooling?.unsupported {
        say("\(folder.path) asks for \(own); \(asked) is used in its place")
      }
      var spec = try PoolerSpec(parsing: asked)
      // What sentence-transformers has behind the pooling is no part of a pooler that is named.
      let record = folder.sentencePooling
      if record?.origin == .sentenceTransformers, record?.learnedModules != nil,
        try spec.chain == usablePooler(folder)?.chain
      {
        spec.skipsHead = true
      }
      return spec
    }
    if let recorded = try recordedPooler(folder) { return recorded }
    say("\(folder.path) records no pooler; using avg (choose with --pooler)")
    return try PoolerSpec(parsing: "avg")
  }

  /// Opens a folder with a pooler that is looked up here, and says what of the folder's own is used beside it.
  /// - Parameter encoder: as of the other `open`.
  /// - Throws: as the other `open`; `PluginError`, `UsageError`.
  package static func open(
    _ folder: ModelFolder, pooler: PoolerSpec, registry: PluginRegistry, services: HostServices,
    maximumLength: Int? = nil, prompt: String? = nil, keepsLength: Bool = false,
    encoder: (any SentenceEncoder)? = nil, say: (String) -> Void
  ) throws -> SentenceEmbedder {
    let found = try Pooler(pooler, in: registry)
    for note in folder.notes { say(note) }
    let head = try FolderHead(folder, weights: folder.openWeights(), pooler: found)
    if let modules = head.leftOut {
      say("\(modules) of \(folder.path) is left out: it belongs to the pooling that the folder records")
    }
    if let layer = head.layer {
      var before = pooler
      before.skipsHead = true
      let flag = before.needsBeforeHead ? "--before-head" : before.text
      say("\(pooler.text) goes through the model's own \(layer), as in the reference; \(flag) leaves it out")
    }
    if prompt == nil, let standard = folder.defaultPrompt {
      say("\"\(standard)\" is put before every line, the default prompt of \(folder.path)")
    }
    return try open(
      folder, pooler: found, services: services, maximumLength: maximumLength, prompt: prompt,
      keepsLength: keepsLength, encoder: encoder, say: say)
  }

  /// The layer of the model's own that `open` would put behind the pooler: `pooler.dense`, `mlp.dense`; nil for none.
  package static func modelHead(_ folder: ModelFolder, pooler: Pooler) throws -> String? {
    try FolderHead(folder, weights: folder.openWeights(), pooler: pooler).layer
  }

  /// This program's own encoder of a folder, for embedding alone.
  /// - Throws: errors of the weights; each names the file.
  package static func encoder(
    of folder: ModelFolder, services: HostServices, precision: ProductPrecision = .float32
  ) throws -> TransformerEncoder {
    try TransformerEncoder(
      configuration: folder.configuration, weights: folder.openWeights(), pool: services.pool, seed: 0,
      precision: precision, learns: false)
  }

  /// Tokenizer, encoder, pooler, and the head and plugin weights that were stored with the model.
  ///
  /// A head that the folder holds belongs to the pooler the folder records, and is used with that one only. Where the
  /// folder records another one or none, a pooler that wants a head (`cls`) goes through the model's own
  /// head, if it has one: what the reference calls cls; `cls_before_pooler` leaves it out.
  ///
  /// The prompt that the folder puts before every text by default is put before every line, unless another is given.
  ///
  /// - Parameters:
  ///   - keepsLength: leave a Normalize module at the end of the folder's out.
  ///   - shared: an encoder of the same folder, not to be loaded twice; `tokenizer` likewise.
  /// - Throws: errors of tokenizer, encoder and plugins; each names the file.
  package static func open(
    _ folder: ModelFolder, pooler: Pooler, services: HostServices, maximumLength: Int? = nil, prompt: String? = nil,
    keepsLength: Bool = false, encoder shared: (any SentenceEncoder)? = nil, tokenizer: (any Tokenizer)? = nil,
    say: (String) -> Void = { _ in }
  ) throws -> SentenceEmbedder {
    let prompt = prompt ?? folder.defaultPrompt ?? ""
    let record = folder.sentencePooling
    if !prompt.isEmpty, record?.leavesPromptOut == true,
      try pooler.spec.chain == usablePooler(folder)?.chain
    {
      throw ObjectiveError.unsupportedPooling(
        folder: folder.path, reason: "a pooling that leaves the tokens of the prompt out (include_prompt false)")
    }
    let limit = folder.shape.maximumPositions
    if let maximumLength, !(2...limit).contains(maximumLength) {
      throw ObjectiveError.maximumLength(found: maximumLength, limit: limit)
    }
    let weights = try folder.openWeights()
    let encoder: any SentenceEncoder = try shared ?? encoder(of: folder, services: services)
    let head = try FolderHead(folder, weights: weights, pooler: pooler, keepsLength: keepsLength)
    let stored = try folder.openPluginWeights()
    let pooling = try PoolingStack(
      pooler: pooler, head: .none, hiddenWidth: encoder.hiddenSize,
      layerCount: encoder.layerCount, services: services, seed: 0, vocabularySize: encoder.vocabularySize,
      documents: stored == nil ? .none : .folder)
    pooling.append(try head.chain(folder, weights: weights, width: pooling.outputWidth))
    try pooling.restore(stored, folder: folder.path)
    return SentenceEmbedder(
      tokenizer: try tokenizer ?? folder.openTokenizer(say: say), encoder: encoder, pooling: pooling,
      maximumLength: maximumLength, prompt: prompt)
  }
}
