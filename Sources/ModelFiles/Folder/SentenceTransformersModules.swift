// What the modules of a sentence-transformers folder say, one after the other, translated into our pooler names and
// into the steps behind them. Called by SentencePooling for folders without our own record.

import Files

/// Reads modules.json and the configurations of its modules.
struct SentenceTransformersModules {
  let folder: String
  let list: ModuleList
  let layerCount: Int
  let hiddenSize: Int
  /// Whether the encoder is asked for all its layers, without which WeightedLayerPooling has nothing to weigh.
  let hasAllLayers: Bool

  /// - Throws: `FileError`, `ModelFileError` where a module's config.json is broken or missing.
  func read() throws -> SentencePooling {
    var result = SentencePooling(origin: .sentenceTransformers)
    var layerWeights: [Float]?
    var width: Int?
    for (index, module) in list.entries.enumerated() where result.unsupported == nil {
      switch (module.kind, width) {
      case (.transformer, nil) where index == 0: break
      case (.weightedLayerPooling, nil): layerWeights = try self.layerWeights(module.path, &result)
      case (.pooling, nil): width = try pooling(module.path, layerWeights, &result)
      case (.dense, let input?): width = try dense(module.path, input, &result)
      case (.layerNorm, let input?): result.modules.append(try layerNorm(module.path, input))
      case (.normalize, .some): try normalize(module.path, &result)
      case (.dropout, .some): break
      case (.some, _): result.unsupported = "the module \(module.name) in that place"
      case (nil, _): result.unsupported = "the module \(module.name)"
      }
    }
    if width == nil, result.unsupported == nil { result.unsupported = "no Pooling module" }
    if result.unsupported != nil { (result.pooler, result.modules) = (nil, []) }
    return result
  }

  // MARK: Pooling

  private func configuration(_ module: String, _ rules: SettingRules) throws -> RecordReader {
    let path = folder + "/" + module + "/config.json"
    let json = try InputFile.json(path: path, expected: "the configuration of a sentence-transformers module")
    let reader = RecordReader(json.object ?? JSONObject(), path: path)
    try rules.check(reader.object, path: path)
    return reader
  }

  /// In the order in which version 5 and earlier put the vectors of several modes side by side.
  private static let spellings = [
    ("pooling_mode_cls_token", "cls"), ("pooling_mode_max_tokens", "max"), ("pooling_mode_mean_tokens", "mean"),
    ("pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"),
    ("pooling_mode_weightedmean_tokens", "weightedmean"), ("pooling_mode_lasttoken", "lasttoken"),
  ]

  private static let poolingRules = SettingRules(
    [
      "pooling_mode": .read, "include_prompt": .read, "word_embedding_dimension": .harmless,
      "embedding_dimension": .harmless,
    ], others: .only([])
  ).adding(Dictionary(uniqueKeysWithValues: spellings.map { ($0.0, .read) }))

  /// The pooling modes by either spelling: booleans up to version 5, a name or a list of names since; mean without any.
  private func modes(_ reader: RecordReader) throws -> [String] {
    if let json = reader.object["pooling_mode"], json != .null {
      let names = json.string.map { [$0] } ?? json.array?.compactMap(\.string) ?? []
      guard !names.isEmpty else { throw reader.error("pooling_mode", "a mode or a list of modes") }
      return names
    }
    let modes = try Self.spellings.filter { try reader.optional($0.0, "true or false") { $0.bool } == true }.map(\.1)
    return modes.isEmpty ? ["mean"] : modes
  }

  /// The width of the pooled vector; nil where there is no such pooling.
  private func pooling(
    _ module: String, _ layerWeights: [Float]?, _ result: inout SentencePooling
  ) throws -> Int? {
    let reader = try configuration(module, Self.poolingRules)
    let modes = try modes(reader)
    result.leavesPromptOut = try reader.optional("include_prompt", "true or false") { $0.bool } == false
    guard let pooler = PoolerNames.pooler(modes, layerWeights: layerWeights) else {
      result.unsupported =
        "the pooling \(modes.joined(separator: " + "))" + (layerWeights == nil ? "" : " of a mixture of layers")
      return nil
    }
    result.pooler = pooler
    return modes.count * hiddenSize
  }

  private static let layerRules = SettingRules(
    [
      "layer_start": .read, "num_hidden_layers": .read, "word_embedding_dimension": .harmless,
      "embedding_dimension": .harmless,
    ], others: .only([]))

  /// One weight a layer, embedding layer first.
  private func layerWeights(_ module: String, _ result: inout SentencePooling) throws -> [Float]? {
    guard hasAllLayers else {
      // Version 6 then passes it over, earlier ones stop with an error.
      result.unsupported = "WeightedLayerPooling without output_hidden_states in config.json"
      return nil
    }
    let reader = try configuration(module, Self.layerRules)
    let start = try reader.optional("layer_start", "a whole number") { $0.integer } ?? 4
    let layers = try reader.optional("num_hidden_layers", "a whole number") { $0.integer } ?? 12
    guard (0...layerCount).contains(start), layers == layerCount else {
      throw reader.error("layer_start", "a layer of the encoder, with num_hidden_layers \(layerCount)")
    }
    let table = try ModelFolder.weights(in: folder + "/" + module)
    var weights = [Float](repeating: 0, count: layerCount + 1)
    try weights.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      try table.copy("layer_weights", shape: [layerCount + 1 - start], into: base + start)
    }
    return weights
  }

  // MARK: Behind it

  private static let embedding = SettingRules.Rule.only([.string("sentence_embedding")])

  private static let denseRules = SettingRules(
    [
      "in_features": .read, "out_features": .read, "bias": .read, "activation_function": .read, "use_residual": .read,
      "module_input_name": embedding, "module_output_name": embedding,
    ], others: .only([]))

  /// The width that a Dense makes.
  private func dense(_ module: String, _ input: Int, _ result: inout SentencePooling) throws -> Int? {
    let reader = try configuration(module, Self.denseRules)
    guard try reader.integer("in_features") == input else {
      throw reader.error("in_features", "\(input), the width of what comes before it")
    }
    let output = try reader.integer("out_features")
    guard (1...1 << 20).contains(output) else { throw reader.error("out_features", "a width of 1 to \(1 << 20)") }
    var dense = DenseModule(folder: module, inputWidth: input, outputWidth: output)
    dense.hasBias = try reader.optional("bias", "true or false") { $0.bool } ?? true
    dense.hasResidual = try reader.optional("use_residual", "true or false") { $0.bool } ?? false
    if let name = try reader.optional("activation_function", "the name of a class", { $0.string }) {
      let words = name.split(separator: ".")
      guard words.starts(with: ["torch", "nn"]), let last = words.last,
        let activation = DenseModule.Activation(rawValue: String(last))
      else {
        result.unsupported = "a Dense module with the function \(name)"
        return nil
      }
      dense.activation = activation
    }
    result.modules.append(.dense(dense))
    return output
  }

  private func layerNorm(_ module: String, _ input: Int) throws -> VectorModule {
    let reader = try configuration(module, SettingRules(["dimension": .read], others: .only([])))
    guard try reader.integer("dimension") == input else {
      throw reader.error("dimension", "\(input), the width of what comes before it")
    }
    return .layerNorm(folder: module, width: input)
  }

  private static let normalizeRules = SettingRules(
    ["module_input_name": embedding, "module_output_name": embedding], others: .harmless)

  /// Up to version 5 it had no file, and often no folder.
  private func normalize(_ module: String, _ result: inout SentencePooling) throws {
    if try Path.isPresent(folder + "/" + module + "/config.json") {
      _ = try configuration(module, Self.normalizeRules)
    }
    result.modules.append(.normalize)
  }
}
