// The files of weights in a folder: which is opened, and what is said where only others are there. Called by
// ModelFolder.

import Files

extension ModelFolder {
  /// The weight files that are looked for, first hit first.
  static let weightFiles = [
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
  ]

  /// What else may hold weights, by the end of its name.
  private static let others: [(ending: String, what: String)] = [
    (".onnx", "for ONNX Runtime"), (".h5", "for TensorFlow"), (".msgpack", "for Flax"), (".gguf", "for llama.cpp"),
    (".ot", "for rust-bert"), (".ckpt.index", "for TensorFlow 1"), (".ckpt.data-00000-of-00001", "for TensorFlow 1"),
    (".safetensors", "under another name"), (".bin", "under another name"), (".pt", "under another name"),
    (".pth", "under another name"), (".ckpt", "under another name"), (".index.json", "under another name"),
  ]

  /// Opens the weights of a folder.
  /// - Throws: `FileError`, `ModelFileError` where none is there, or a file is broken.
  static func weights(in folder: String) throws -> WeightTable {
    guard let name = try weightFiles.first(where: { try Path.isPresent(folder + "/" + $0) }) else {
      throw ModelFileError.noWeights(path: folder, expected: weightFiles, found: try otherWeights(in: folder))
    }
    return try WeightTable(open(folder + "/" + name))
  }

  /// Files that may be weights, and for whom.
  private static func otherWeights(in folder: String) throws -> [String] {
    guard Path.isFolder(folder) else { throw FileError.notFound(path: folder, expected: "a folder with weights") }
    let inner = ["onnx", "openvino"].filter { Path.isFolder(folder + "/" + $0) }.map { $0 + "/" }
    return try Folder.names(in: folder).compactMap { name in
      guard name != ModelExport.pluginWeightsFile else { return nil }
      return others.first { name.hasSuffix($0.ending) }.map { "\(name) (\($0.what))" }
    } + inner
  }

  /// Opens a checkpoint by the end of its name.
  static func open(_ path: String) throws -> any TensorSource {
    if path.hasSuffix(".index.json") { return try ShardedCheckpoint(index: path) }
    return path.hasSuffix(".safetensors") ? try SafetensorsFile(path: path) : try TorchCheckpoint(path: path)
  }
}
