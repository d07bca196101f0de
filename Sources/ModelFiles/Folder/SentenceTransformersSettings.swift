// config_sentence_transformers.json: what is put before every text, and what is kept of an embedding. Read where a
// model folder is opened, kept by exports.

import Files

/// The settings of a whole sentence-transformers model.
package struct SentenceTransformersSettings: Sendable, Equatable {
  /// What may be put before every text, by name.
  package private(set) var prompts: [(name: String, text: String)] = []
  /// The name of the prompt that is put there where nothing else is asked for.
  package private(set) var defaultPromptName: String?
  /// How many of an embedding's first numbers are kept.
  package private(set) var truncatesTo: Int?
  /// What embeddings are compared by: cosine, dot, euclidean or manhattan.
  package private(set) var similarity = "cosine"

  private static let rules = SettingRules(
    [
      "prompts": .read, "default_prompt_name": .read, "truncate_dim": .read, "similarity_fn_name": .read,
      // A model of another kind makes no sentence embeddings, or more than one for a text.
      "model_type": .only([.string("SentenceTransformer")]),
      "__version__": .harmless, "requirements": .harmless,
    ], others: .harmless)

  /// What a folder without the file says.
  init() {}

  /// Reads the file of a folder that may have none.
  /// - Throws: `FileError`, `ModelFileError`.
  init(folder: String) throws {
    let path = folder + "/config_sentence_transformers.json"
    guard try Path.isPresent(path) else { return }
    let json = try InputFile.json(path: path, expected: "the settings of sentence-transformers")
    let reader = RecordReader(json.object ?? JSONObject(), path: path)
    try Self.rules.check(reader.object, path: path)
    for member in try reader.optional("prompts", "an object of prompts", { $0.object })?.members ?? [] {
      guard let text = member.value == .null ? "" : member.value.string else {
        throw reader.error("prompts", "texts")
      }
      prompts.append((member.key, text))
    }
    defaultPromptName = try reader.optional("default_prompt_name", "the name of a prompt") { $0.string }
    guard defaultPromptName == nil || prompt(defaultPromptName ?? "") != nil else {
      throw reader.error("default_prompt_name", "one of the prompts")
    }
    truncatesTo = try reader.optional("truncate_dim", "a whole number of 1 or more") { json in
      json.integer.flatMap { $0 >= 1 ? $0 : nil }
    }
    similarity = try reader.optional("similarity_fn_name", "the name of a similarity") { $0.string } ?? "cosine"
  }

  /// The text of a prompt; nil where there is none of that name.
  package func prompt(_ name: String) -> String? { prompts.first { $0.name == name }?.text }

  /// What is put before every text by default; nil where that is nothing.
  package var defaultPrompt: String? {
    defaultPromptName.flatMap(prompt).flatMap { $0.isEmpty ? nil : $0 }
  }

  package static func == (left: Self, right: Self) -> Bool {
    left.prompts.elementsEqual(right.prompts) { $0 == $1 } && left.defaultPromptName == right.defaultPromptName
      && left.truncatesTo == right.truncatesTo && left.similarity == right.similarity
  }
}
