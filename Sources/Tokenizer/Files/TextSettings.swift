// What a folder says of the text itself: how many tokens of a line are read, and whether it is lower-cased first.
// Called by TokenizerFolder and by the export of models. Follows sentence-transformers, which keeps both beside the
// model, in sentence_bert_config.json, and the limit since version 6 in tokenizer_config.json alone.

package import Files

/// The settings of sentence-transformers that change what a model reads of a line.
package struct TextSettings: Sendable, Equatable {
  /// Tokens of a line at most, special ones among them: `max_seq_length`, else `model_max_length`; nil without a limit.
  package private(set) var maximumLength: Int?
  /// Whether text is lower-cased before anything else happens to it (`do_lower_case` of sentence-transformers).
  package private(set) var lowercases = false

  /// Reads the settings of a model folder; all of its files may be missing.
  /// - Throws: `TokenizerError`.
  package init(folder: String) throws {
    try self.init(folder: folder, tokenizer: JSONNode.optional(folder + "/tokenizer_config.json"))
  }

  init(folder: String, tokenizer: JSONNode?) throws {
    let sentence = try Self.sentenceNode(folder)
    lowercases = try sentence?["do_lower_case"]?.bool() ?? false
    let arguments = Self.arguments(sentence)
    maximumLength = try
      (arguments?["model_max_length"] ?? sentence?["max_seq_length"] ?? tokenizer?["model_max_length"])
      .map(Self.length)
  }

  /// The file of sentence-transformers beside an encoder, and what it says; nil where there is none.
  /// - Throws: `FileError`, `TokenizerError`.
  package static func sentenceFile(_ folder: String) throws -> (path: String, object: JSONObject)? {
    try sentenceNode(folder).flatMap { node in node.value.object.map { (node.file, $0) } }
  }

  /// What goes to the tokenizer before its own tokenizer_config.json (`tokenizer_args`).
  /// - Throws: `FileError`, `TokenizerError`.
  package static func tokenizerArguments(_ folder: String) throws -> JSONObject? {
    try arguments(sentenceNode(folder))?.value.object
  }

  private static func arguments(_ sentence: JSONNode?) -> JSONNode? {
    sentence?["tokenizer_args"] ?? sentence?["processor_kwargs"]
  }

  /// Files of versions before 1.2 are called after the model.
  private static func sentenceNode(_ folder: String) throws -> JSONNode? {
    for name in ["bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet"] {
      guard let node = try JSONNode.optional("\(folder)/sentence_\(name)_config.json") else { continue }
      if try !node.members().isEmpty { return node }
    }
    return nil
  }

  /// transformers writes 10^30 where it knows no limit.
  private static func length(_ node: JSONNode) throws -> Int {
    guard let number = node.value.double, number >= 2, number == number.rounded() else {
      throw node.expected("a whole number of 2 or more, the two special tokens among them")
    }
    return Int(exactly: number) ?? .max
  }
}
