// A Hugging Face model folder: config.json, the weights in whichever format is there, and what the folder records about
// pooling. The first thing every command opens.

package import Encoder
package import Files
package import Tokenizer

/// An opened model folder.
package struct ModelFolder: Sendable {
  /// The folder, without a trailing slash: as given, or where the cache of the Hub has it.
  package let path: String
  /// The folder of config.json, weights and tokenizer: `path`, or one inside it where modules.json says so, as
  /// sentence-transformers before version 2 wrote them.
  package let encoderPath: String
  /// Whose model it is: this program's own by config.json, or somebody else's, who has read it.
  private let reading: Reading
  /// The sizes of the encoder.
  package let shape: EncoderShape
  /// config.json, with what sentence-transformers changes in it.
  let configurationFile: JSONObject
  /// How the folder says its token states become a sentence embedding; nil where it says nothing.
  package let sentencePooling: SentencePooling?
  /// What it says of the whole model, for sentence-transformers.
  package let settings: SentenceTransformersSettings
  /// What it says that is not done, for whoever uses it.
  package let notes: [String]

  private enum Reading: Sendable {
    case own(EncoderConfiguration)
    case foreign(any ForeignModel)
  }

  /// The encoder that config.json describes.
  /// - Throws: `ModelFileError.unsupported` where the folder was read by somebody else.
  package var configuration: EncoderConfiguration {
    get throws {
      if case .own(let configuration) = reading { return configuration }
      throw ModelFileError.unsupported(
        path: path, what: "the model", found: "read by another encoder (--encoder)",
        supported: "models of this program's own encoder here")
    }
  }

  /// Who has read the model in this program's place; nil where nobody has.
  package var foreign: (any ForeignModel)? { if case .foreign(let model) = reading { model } else { nil } }

  /// What the folder has put before every text, where nothing else is asked for; nil where it has nothing put there.
  package var defaultPrompt: String? { settings.defaultPrompt }

  /// Opens a folder and reads its configuration and its pooling record.
  /// - Parameters:
  ///   - name: a folder, or the name of a model that is in the local cache of the Hugging Face Hub.
  ///   - read: reads the model in this program's place, which then looks at no key of config.json; is given the
  ///     encoder's folder and the keys that have other values than in config.json.
  /// - Throws: `FileError`, `ModelFileError` where the folder or config.json is missing, or a file is broken; errors of
  ///   `read`.
  package init(
    path name: String, by read: ((_ folder: String, _ changes: JSONObject) throws -> any ForeignModel)? = nil
  ) throws {
    path = try Self.locate(name)
    encoderPath = try Self.encoderPath(of: path)
    try Self.refuseAdapter(encoderPath)
    let transformer = try TransformerSettings(folder: encoderPath)
    let file = encoderPath + "/config.json"
    let json = try InputFile.json(path: file, expected: "a Hugging Face config.json")
    guard var object = json.object else {
      throw FileError.malformed(path: file, place: "the file", expected: "a JSON object", found: json.summary)
    }
    for member in transformer.configuration.members { object[member.key] = member.value }
    configurationFile = object
    let reading: Reading
    if let read {
      let model = try read(encoderPath, transformer.configuration)
      (reading, shape, notes) = (.foreign(model), model.shape, transformer.notes)
    } else {
      let own = try EncoderConfiguration(object, path: file)
      (reading, shape) = (.own(own), own.shape)
      notes = ArchitectureFormat.of(own.family).rules.notes(in: object) + transformer.notes
    }
    self.reading = reading
    settings = try SentenceTransformersSettings(folder: path)
    sentencePooling = try Self.pooling(path, shape, object, settings)
  }

  /// The record of a folder: our own mixcse.json, else modules.json; nil where it has none.
  private static func pooling(
    _ folder: String, _ shape: EncoderShape, _ file: JSONObject,
    _ settings: SentenceTransformersSettings
  ) throws -> SentencePooling? {
    let own = folder + "/mixcse.json"
    if try Path.isPresent(own) { return try SentencePooling.own(own, hiddenSize: shape.hiddenSize) }
    guard let list = try ModuleList(folder: folder) else { return nil }
    var record = try SentenceTransformersModules(
      folder: folder, list: list, layerCount: shape.layerCount, hiddenSize: shape.hiddenSize,
      hasAllLayers: file["output_hidden_states"] == .bool(true)
    ).read()
    if let width = settings.truncatesTo { record.modules.append(.first(width)) }
    return record
  }

  /// Opens the weights: safetensors before PyTorch's own format, one file before several.
  /// - Throws: `FileError`, `ModelFileError` where none is there, or a file is broken.
  package func openWeights() throws -> WeightTable { try Self.weights(in: encoderPath) }

  /// Opens the weights of a module behind the pooler.
  /// - Parameter module: the folder inside this one.
  package func openModule(_ module: String) throws -> WeightTable { try Self.weights(in: path + "/" + module) }

  /// Opens the weights of pooler and loss plugins that were stored with the model, by parameter name; nil without any.
  package func openPluginWeights() throws -> WeightTable? {
    let file = path + "/" + ModelExport.pluginWeightsFile
    return try Path.isPresent(file) ? try WeightTable(SafetensorsFile(path: file)) : nil
  }

  /// Opens the tokenizer, and looks whether the model has a vector for each of its tokens.
  /// - Parameter say: gets what there is to tell.
  /// - Throws: `FileError`, `TokenizerError`; `ModelFileError` where a token that is in every text has none.
  package func openTokenizer(say: (String) -> Void) throws -> any Tokenizer {
    let tokenizer = try TokenizerFolder.load(encoderPath)
    let rows = shape.vocabularySize
    let without = (rows..<max(rows, tokenizer.vocabularySize)).filter { tokenizer.token(Int32($0)) != nil }
    guard let first = without.first else { return tokenizer }
    func name(_ id: Int) -> String { "\"\(tokenizer.token(Int32(id)) ?? "")\" (id \(id))" }
    if let needed = without.first(where: { [tokenizer.startID, tokenizer.endID].contains(Int32($0)) }) {
      throw ModelFileError.unsupported(
        path: encoderPath, what: "a token that is put around every text", found: name(needed),
        supported: "ids below \(rows), the rows of the model's word matrix; give it the rows of its tokenizer"
          + " (resize_token_embeddings in transformers)")
    }
    say(
      "\(without.count) token\(without.count == 1 ? "" : "s") of the tokenizer, from \(name(first)) on, "
        + "\(without.count == 1 ? "has" : "have") no row in the model's word matrix of \(rows): text that holds one is"
        + " refused")
    return tokenizer
  }
}
