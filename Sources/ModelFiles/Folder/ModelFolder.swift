// A Hugging Face model folder: config.json, the weights in whichever format is there, and what the folder records about
// pooling. The first thing every command opens.

package import Encoder
import Files

/// An opened model folder.
package struct ModelFolder: Sendable {
  /// The folder as given, without a trailing slash.
  package let path: String
  /// The folder of config.json, weights and tokenizer: `path`, or one inside it where modules.json says so, as
  /// sentence-transformers before version 2 wrote them.
  package let encoderPath: String
  /// The encoder that config.json describes.
  package let configuration: EncoderConfiguration
  /// How the folder says its token states become a sentence embedding; nil where it says nothing.
  package let sentencePooling: SentencePooling?
  /// What the folder has put before every text, where nothing else is asked for; nil where it has nothing put there.
  package let defaultPrompt: String?

  /// Opens a folder and reads its configuration and its pooling record.
  /// - Throws: `FileError`, `ModelFileError` where the folder or config.json is missing, or a file is broken.
  package init(path: String) throws {
    let trimmed = Path.withoutTrailingSlashes(path)
    guard Path.isFolder(trimmed) else { throw FileError.noModelFolder(path) }
    self.path = trimmed
    encoderPath = try Self.encoderPath(of: trimmed)
    try Self.refuseAdapter(encoderPath)
    configuration = try EncoderConfiguration(contentsOf: encoderPath + "/config.json")
    defaultPrompt = try Self.readDefaultPrompt(trimmed)
    sentencePooling = try SentencePooling.read(
      folder: trimmed, layerCount: configuration.layerCount, hasPrompt: defaultPrompt != nil)
  }

  /// The weight files that are looked for, first hit first.
  static let weightFiles = [
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
  ]

  /// Opens the weights: safetensors before PyTorch's own format, one file before several.
  /// - Throws: `FileError`, `ModelFileError` where none is there, or a file is broken.
  package func openWeights() throws -> WeightTable { try Self.weights(in: encoderPath) }

  /// Opens the head that was kept with the model: `linear.weight [width, width]`, `linear.bias [width]`; nil without.
  package func openHead() throws -> WeightTable? {
    guard let folder = sentencePooling?.headFolder else { return nil }
    return try Self.weights(in: path + "/" + folder)
  }

  /// Opens the weights of pooler and loss plugins that were stored with the model, by parameter name; nil without any.
  package func openPluginWeights() throws -> WeightTable? {
    let file = path + "/" + ModelExport.pluginWeightsFile
    return Path.exists(file) ? try WeightTable(SafetensorsFile(path: file)) : nil
  }

  private static func weights(in folder: String) throws -> WeightTable {
    guard let name = weightFiles.first(where: { Path.exists(folder + "/" + $0) }) else {
      let others = try Folder.names(in: folder).filter { name in
        [".safetensors", ".bin", ".onnx", ".h5", ".msgpack", ".gguf", ".ot", ".index.json"].contains {
          name.hasSuffix($0)
        }
      }
      throw FileError.notFound(
        path: folder,
        expected: "one of " + weightFiles.joined(separator: ", ") + " in it"
          + (others.isEmpty ? "" : "; there is only \(others.prefix(8).joined(separator: ", "))"))
    }
    return try WeightTable(open(folder + "/" + name))
  }

  /// Opens a checkpoint by the end of its name.
  static func open(_ path: String) throws -> any TensorSource {
    if path.hasSuffix(".index.json") { return try ShardedCheckpoint(index: path) }
    return path.hasSuffix(".safetensors") ? try SafetensorsFile(path: path) : try TorchCheckpoint(path: path)
  }
}
