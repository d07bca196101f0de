// The files of an exported model, one function a file. Called by ModelExport.
// Source: sentence-transformers, base/modules and sentence_transformer/modules (file names and keys).

import Encoder
import Files
import Glibc
import Kernels
import Tokenizer

/// Writes the files of one export into a folder that is empty.
struct ExportContent {
  let folder: String
  let source: ModelFolder
  let pooling: ExportPooling
  let head: ModelExport.Head

  /// Writes everything and returns the notes.
  func write(
    encoder: [Parameter], record: ModelExport.Record, pluginWeights: [Parameter],
    pluginStates: [SafetensorsWriter.Entry]
  ) throws -> [String] {
    var notes: [String] = []
    let table = try source.openWeights()
    try writeWeights(encoder, table, &notes)
    try writeConfiguration()
    try copyTokenizer()
    if !pluginWeights.isEmpty || !pluginStates.isEmpty {
      try SafetensorsWriter.write(
        to: folder + "/" + ModelExport.pluginWeightsFile,
        tensors: pluginWeights.map { tensor($0, $0.name) } + pluginStates)
    }
    let headFolder = pooling.layerWeights == nil ? "2_Dense" : "3_Dense"
    let hasHead = try writeHead(headFolder)
    try writeModules(headFolder: hasHead ? headFolder : nil, &notes)
    try writeSettings(hasModules: pooling.tokens != nil)
    notes += droppedSettings
    var description = SentencePooling(origin: .mixcse, pooler: pooling.text)
    description.head = state
    if hasHead { description.modules = [.dense(.head(folder: headFolder, width: source.shape.hiddenSize))] }
    description.temperature = record.temperature
    description.strategy = record.strategy
    description.versions = record.versions
    try write("mixcse.json", description.json(notes: notes))
    return notes
  }

  /// What the source does with its embeddings and an export does not.
  private var droppedSettings: [String] {
    var notes: [String] = []
    if let modules = source.sentencePooling?.learnedModules {
      notes.append("left out of what the source has behind its pooler: \(modules)")
    }
    if source.sentencePooling?.normalizes == true {
      notes.append(
        "the source scaled its embeddings to length 1; this export does not (their cosine similarity is the same)")
    }
    if let width = source.settings.truncatesTo {
      notes.append("the source keeps \(width) numbers of an embedding (truncate_dim); this export keeps all")
    }
    if let prompt = source.defaultPrompt {
      notes.append(
        "the source puts \"\(prompt)\" before every text by default; the training did not, and this export has it"
          + " among its prompts only")
    }
    return notes
  }

  private var state: SentencePooling.Head {
    switch head {
    case .none: .none
    case .dropped: .dropped
    case .kept: .kept
    }
  }

  private func tensor(_ parameter: Parameter, _ name: String) -> SafetensorsWriter.Entry {
    SafetensorsWriter.Entry(name: name, shape: parameter.shape, pointer: UnsafePointer(parameter.value))
  }

  private func write(_ name: String, _ json: JSONValue) throws {
    let file = try OutputFile(path: folder + "/" + name)
    try file.write(json.text() + "\n")
    try file.close()
  }

  private func makeFolder(_ name: String) throws {
    guard mkdir(folder + "/" + name, 0o777) == 0 else {
      throw FileError.cannotWrite(path: folder + "/" + name, operation: "create folder", code: errno)
    }
  }
}

// MARK: - For transformers

extension ExportContent {
  private func writeWeights(_ encoder: [Parameter], _ table: WeightTable, _ notes: inout [String]) throws {
    var tensors = encoder.map { tensor($0, $0.name) }
    let own = Set(encoder.map(\.name))
    if source.foreign == nil {
      let names = try source.configuration.tensorNames + ["pooler.dense.weight", "pooler.dense.bias"]
      precondition(own.isSubset(of: names), "only the encoder's parameters go into model.safetensors")
    }
    var kept: [FloatBuffer] = []
    let width = source.shape.hiddenSize
    // ALBERT's is called pooler alone.
    let poolers = ["pooler.dense", "pooler"].flatMap { [($0 + ".weight", [width, width]), ($0 + ".bias", [width])] }
    for (name, shape) in poolers
    where !own.contains(name) && table.contains(name) {
      let buffer = FloatBuffer(count: shape.reduce(1, *))
      try table.copy(name, shape: shape, into: buffer.pointer)
      tensors.append(SafetensorsWriter.Entry(name: name, shape: shape, pointer: UnsafePointer(buffer.pointer)))
      kept.append(buffer)
    }
    try withExtendedLifetime((encoder, kept)) {
      try SafetensorsWriter.write(to: folder + "/model.safetensors", tensors: tensors)
    }
    let written = Set(tensors.map(\.name))
    let dropped = table.names.filter { !Self.isWritten($0, among: written) && !$0.hasSuffix("position_ids") }
    if !dropped.isEmpty {
      notes.append(
        "left out, as no part of the encoder: " + dropped.prefix(8).joined(separator: ", ")
          + (dropped.count > 8 ? " and \(dropped.count - 8) more" : ""))
    }
  }

  /// Whether a tensor of the source is among those written, with or without a prefix that this program does not know
  /// ("deberta.").
  private static func isWritten(_ name: String, among written: Set<String>) -> Bool {
    var rest = Substring(name)
    while !written.contains(String(rest)) {
      guard let dot = rest.firstIndex(of: ".") else { return false }
      rest = rest[rest.index(after: dot)...]
    }
    return true
  }

  /// The source's config.json with the class and the type of what is in the weights now; of a model that somebody else
  /// reads with the type alone.
  private func writeConfiguration() throws {
    var object = source.configurationFile
    for key in ["torch_dtype", "dtype"] where object[key] != nil { object[key] = .string("float32") }
    if source.foreign == nil {
      object["architectures"] = .array([.string(ArchitectureFormat.of(try source.configuration.family).modelClass)])
      for key in ["_name_or_path", "auto_map"] { object[key] = nil }
    }
    try write("config.json", .object(object))
  }

  private func copyTokenizer() throws {
    for name in ModelExport.tokenizerFiles where try Path.isPresent(source.encoderPath + "/" + name) {
      let input = try InputFile(path: source.encoderPath + "/" + name, expected: "a tokenizer file")
      let bytes = try input.bytes(at: 0, count: input.size)
      let output = try OutputFile(path: folder + "/" + name)
      try bytes.withUnsafeBytes { try output.write($0) }
      try output.close()
    }
  }
}

// MARK: - For sentence-transformers

extension ExportContent {
  /// Writes a kept head as a Dense module and says whether there was one.
  private func writeHead(_ name: String) throws -> Bool {
    guard case .kept(let weight, let bias) = head else { return false }
    let width = source.shape.hiddenSize
    precondition(weight.shape == [width, width] && bias.shape == [width], "the head is Linear width -> width")
    try makeFolder(name)
    try write(
      name + "/config.json",
      .object(
        JSONObject([
          ("in_features", .integer(width)), ("out_features", .integer(width)), ("bias", .bool(true)),
          ("activation_function", .string("torch.nn.modules.activation.Tanh")),
        ])))
    try withExtendedLifetime((weight, bias)) {
      try SafetensorsWriter.write(
        to: folder + "/" + name + "/model.safetensors",
        tensors: [tensor(weight, "linear.weight"), tensor(bias, "linear.bias")])
    }
    return true
  }

  private func writeModules(headFolder: String?, _ notes: inout [String]) throws {
    guard let tokens = pooling.tokens else {
      notes.append(
        "the pooler \"\(pooling.text)\" \(pooling.obstacle ?? "is no pooling of sentence-transformers"): it is kept as "
          + "text only, and no modules.json was written. transformers loads the encoder; `mixcse encode` computes the"
          + " embeddings"
      )
      return
    }
    var modules = [("", "Transformer")]
    if let weights = pooling.layerWeights {
      modules.append(("1_WeightedLayerPooling", "WeightedLayerPooling"))
      try writeLayerWeights(weights, "1_WeightedLayerPooling")
    }
    let poolingFolder = "\(modules.count)_Pooling"
    modules.append((poolingFolder, "Pooling"))
    try writePooling(tokens, poolingFolder)
    if let headFolder { modules.append((headFolder, "Dense")) }
    let list = modules.enumerated().map { index, module in
      JSONValue.object(
        JSONObject([
          ("idx", .integer(index)), ("name", .string(String(index))), ("path", .string(module.0)),
          ("type", .string("sentence_transformers.models." + module.1)),
        ]))
    }
    try write("modules.json", .array(list))
    try writePrompts()
  }

  private func writePooling(_ tokens: ExportPooling.Tokens, _ name: String) throws {
    try makeFolder(name)
    try write(
      name + "/config.json",
      .object(
        JSONObject([
          ("word_embedding_dimension", .integer(source.shape.hiddenSize)),
          ("pooling_mode_cls_token", .bool(tokens == .cls)), ("pooling_mode_mean_tokens", .bool(tokens == .mean)),
          ("pooling_mode_max_tokens", .bool(tokens == .max)), ("pooling_mode_mean_sqrt_len_tokens", .bool(false)),
        ])))
  }

  private func writeLayerWeights(_ weights: [Float], _ name: String) throws {
    try makeFolder(name)
    try write(
      name + "/config.json",
      .object(
        JSONObject([
          ("word_embedding_dimension", .integer(source.shape.hiddenSize)), ("layer_start", .integer(0)),
          ("num_hidden_layers", .integer(source.shape.layerCount)),
        ])))
    try weights.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      try SafetensorsWriter.write(
        to: folder + "/" + name + "/model.safetensors",
        tensors: [SafetensorsWriter.Entry(name: "layer_weights", shape: [weights.count], pointer: base)])
    }
  }

  /// The length is the source's, else the model's own limit, as in evaluation here: never the training length.
  private func writeSettings(hasModules: Bool) throws {
    let source = try TextSettings(folder: self.source.encoderPath)
    let limit = self.source.shape.maximumPositions
    let arguments = try TextSettings.tokenizerArguments(self.source.encoderPath)
    // Without modules nothing has to be said but what the source says beside its tokenizer's files.
    guard hasModules || source.lowercases || arguments != nil || source.maximumLength ?? limit < limit else { return }
    var settings = JSONObject([
      ("max_seq_length", .integer(min(source.maximumLength ?? limit, limit))),
      ("do_lower_case", .bool(source.lowercases)),
    ])
    if let arguments { settings["tokenizer_args"] = .object(arguments) }
    if pooling.layerWeights != nil {
      settings["config_args"] = .object(JSONObject([("output_hidden_states", .bool(true))]))
    }
    try write("sentence_bert_config.json", .object(settings))
  }

  private func writePrompts() throws {
    try write(
      "config_sentence_transformers.json",
      .object(
        JSONObject([
          ("prompts", .object(JSONObject(source.settings.prompts.map { ($0.name, .string($0.text)) }))),
          ("default_prompt_name", .null), ("similarity_fn_name", .string(source.settings.similarity)),
        ])))
  }
}
