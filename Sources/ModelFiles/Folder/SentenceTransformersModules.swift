// Reads a sentence-transformers modules.json: which modules there are and what they say, translated into our pooler
// names. Called by SentencePooling for folders without our own record.

import Files

/// The modules of a sentence-transformers folder.
struct SentenceTransformersModules {
  let folder: String
  let layerCount: Int
  /// Whether something is put before every text.
  let hasPrompt: Bool

  /// - Throws: `FileError`, `ModelFileError` where modules.json or a module's config.json is broken or missing.
  func read() throws -> SentencePooling {
    var result = SentencePooling(origin: .sentenceTransformers)
    var layerWeights: [Float]?
    for module in try Self.list(folder + "/modules.json") {
      switch module.kind {
      case "Transformer": break
      case "WeightedLayerPooling": layerWeights = try self.layerWeights(module.path)
      case "Pooling": (result.pooler, result.unsupported) = try pooler(module.path, layerWeights)
      case "Dense":
        guard result.headFolder == nil, try isHead(module.path) else {
          result.unsupported = "a Dense module other than one Linear of equal width with tanh"
          continue
        }
        (result.head, result.headFolder) = (.kept, module.path)
      case "Normalize": result.normalizes = true
      case "Dropout": break
      default: result.unsupported = "the module \(module.kind)"
      }
    }
    if result.pooler == nil, result.unsupported == nil { result.unsupported = "no Pooling module" }
    if result.unsupported != nil { result.pooler = nil }
    return result
  }

  /// The kinds of the modules, and the folders they are in.
  static func list(_ path: String) throws -> [(kind: String, path: String)] {
    let json = try InputFile.json(path: path, expected: "a sentence-transformers modules.json")
    guard let items = json.array else {
      throw FileError.malformed(path: path, place: "the file", expected: "a list of modules", found: json.summary)
    }
    return try items.map { item in
      let reader = RecordReader(item.object ?? JSONObject(), path: path)
      let kind = try reader.string("type").split(separator: ".").last.map(String.init) ?? ""
      return (kind, try reader.relativePath("path"))
    }
  }

  private func configuration(_ module: String) throws -> RecordReader {
    let path = folder + "/" + module + "/config.json"
    let json = try InputFile.json(path: path, expected: "the configuration of a sentence-transformers module")
    return RecordReader(json.object ?? JSONObject(), path: path)
  }

  /// The pooling modes by either spelling: booleans up to version 5, a name or a list of names since.
  private func modes(_ reader: RecordReader) throws -> [String] {
    if let json = reader.object["pooling_mode"] {
      let names = json.string.map { [$0] } ?? json.array?.compactMap(\.string) ?? []
      guard !names.isEmpty else { throw reader.error("pooling_mode", "a mode or a list of modes") }
      return names
    }
    let spellings = [
      ("pooling_mode_cls_token", "cls"), ("pooling_mode_max_tokens", "max"), ("pooling_mode_mean_tokens", "mean"),
      ("pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"),
      ("pooling_mode_weightedmean_tokens", "weightedmean"), ("pooling_mode_lasttoken", "lasttoken"),
    ]
    return try spellings.filter { try reader.optional($0.0, "true or false") { $0.bool } == true }.map(\.1)
  }

  private func pooler(_ module: String, _ layerWeights: [Float]?) throws -> (pooler: String?, unsupported: String?) {
    let reader = try configuration(module)
    let modes = try self.modes(reader)
    if hasPrompt, try reader.optional("include_prompt", "true or false", { $0.bool }) == false {
      return (nil, "a pooling that leaves the tokens of the default prompt out")
    }
    let known: [String: ExportPooling.Tokens] = ["cls": .cls, "mean": .mean, "max": .max]
    guard modes.count == 1, let tokens = known[modes[0]], layerWeights == nil || tokens == .mean else {
      return (nil, "the pooling \(modes.isEmpty ? "without a mode" : modes.joined(separator: " + "))")
    }
    guard let name = PoolerNames.pooler(tokens, layerWeights: layerWeights) else {
      return (nil, "a weighting of layers that no pooler has")
    }
    return (name, nil)
  }

  /// One weight a layer, embedding layer first.
  private func layerWeights(_ module: String) throws -> [Float] {
    let reader = try configuration(module)
    let start = try reader.integer("layer_start")
    guard (0...layerCount).contains(start), try reader.integer("num_hidden_layers") == layerCount else {
      throw reader.error("layer_start", "a layer of the encoder, with num_hidden_layers \(layerCount)")
    }
    let table = try WeightTable(ModelFolder.open(folder + "/" + module + "/model.safetensors"))
    var weights = [Float](repeating: 0, count: layerCount + 1)
    try weights.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      try table.copy("layer_weights", shape: [layerCount + 1 - start], into: base + start)
    }
    return weights
  }

  private func isHead(_ module: String) throws -> Bool {
    let reader = try configuration(module)
    let activation = try reader.optional("activation_function", "a string") { $0.string } ?? ""
    let bias = try reader.optional("bias", "true or false") { $0.bool } ?? true
    let residual = try reader.optional("use_residual", "true or false") { $0.bool } ?? false
    return try activation.hasSuffix(".Tanh") && bias && !residual
      && reader.integer("in_features") == reader.integer("out_features")
  }
}
