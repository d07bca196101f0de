// Which files of a model folder decide a run's numbers: whatever says how model and tokenizer are built, and the
// weights that are opened. Asked by the identity of runs.

import Files

extension ModelFolder {
  /// Records that programs leave beside a model, which nobody reads to build it.
  private static let records: Set<String> = [
    "run.json", "comparison.json", "results.json", "trainer_state.json", "training_args.json", "all_results.json",
    "train_results.json", "eval_results.json", "generation_config.json", "inference_config.json",
  ]

  private static let vocabularies = Set(ModelExport.tokenizerFiles)

  /// The paths, seen from `folder`, of all files that may decide what a model computes, in order: settings and
  /// vocabularies, its weights with every shard, and the same in the encoder's folder inside it and in the modules of
  /// sentence-transformers (`1_Pooling`).
  /// - Throws: `FileError`, `ModelFileError` where a folder or an index of shards cannot be read.
  package static func decidingFiles(_ folder: String) throws -> [String] {
    let folder = try locate(folder)
    let encoder = Path.withoutTrailingSlashes(try encoderPath(of: folder))
    let modules = try ModuleList(folder: folder)?.entries.map(\.path).filter { !$0.isEmpty } ?? []
    let all = try numbered(folder) + modules.filter { Path.isFolder(folder + "/" + $0) }
    let inside = Set(all + (encoder == folder ? [] : [String(encoder.dropFirst(folder.count + 1))]))
    let inner = try inside.flatMap { name in try files(in: folder + "/" + name).map { name + "/" + $0 } }
    return Set(inner + (try files(in: folder))).sorted()
  }

  /// The deciding files of a folder with their SHA-256.
  /// - Throws: the errors of reading.
  package static func digests(_ folder: String) throws -> [(name: String, sha256: String)] {
    let folder = try locate(folder)
    return try decidingFiles(folder).map { ($0, try fileDigest(folder + "/" + $0).sha256) }
  }

  /// By their names in one folder.
  private static func files(in folder: String) throws -> [String] {
    let settings = try Folder.names(in: folder).filter { name in
      let isRecord = records.contains(name) || name.hasPrefix("pair-scores-")
      return !name.hasPrefix(".") && !isRecord && (name.hasSuffix(".json") || vocabularies.contains(name))
        && Path.isFile(folder + "/" + name)
    }
    return settings + (try weightFiles(in: folder))
  }

  /// The heads of an export without modules.json, for one.
  private static func numbered(_ folder: String) throws -> [String] {
    try Folder.names(in: folder).filter { isModule($0) && Path.isFolder(folder + "/" + $0) }
  }

  /// `1_Pooling`, `0_Transformer`: a number and a name.
  private static func isModule(_ name: String) -> Bool {
    let digits = name.prefix { $0.isASCII && $0.isNumber }
    return !digits.isEmpty && name.dropFirst(digits.count).first == "_"
  }

  /// The weights that would be opened, an index with its shards; none where there are none.
  private static func weightFiles(in folder: String) throws -> [String] {
    let plugins = ModelExport.pluginWeightsFile
    let own = Path.isFile(folder + "/" + plugins) ? [plugins] : []
    guard let name = weightFiles.first(where: { Path.exists(folder + "/" + $0) }) else { return own }
    return own + [name]
      + (name.hasSuffix(".index.json") ? try ShardedCheckpoint.shards(index: folder + "/" + name) : [])
  }
}
