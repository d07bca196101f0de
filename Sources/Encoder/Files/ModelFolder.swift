// A Hugging Face model folder: config.json, the weights in whichever format is there, and what the folder records about
// pooling. The first thing every command opens.

import Glibc

/// An opened model folder.
package struct ModelFolder {
  /// The folder as given, without a trailing slash.
  package let path: String
  package let configuration: EncoderConfiguration

  /// Opens a folder and reads its configuration.
  /// - Throws: `EncoderError` where the folder or config.json is missing or broken.
  package init(path: String) throws {
    var trimmed = path
    while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
    var status = stat()
    guard stat(trimmed, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw EncoderError.notFound(path: path, expected: "a model folder (config.json, weights, tokenizer files)")
    }
    self.path = trimmed
    configuration = try EncoderConfiguration(contentsOf: trimmed + "/config.json")
  }

  /// Opens the weights: model.safetensors.
  /// - Throws: `EncoderError` where none is there, or the file is broken.
  package func openWeights() throws -> WeightTable {
    try WeightTable(SafetensorsFile(path: path + "/model.safetensors"))
  }
}
