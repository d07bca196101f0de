// sentence_bert_config.json, beside the encoder: what sentence-transformers changes in it. Read where a model folder is
// opened; what it says of the text itself is read by the tokenizer (TextSettings).

import Files
import Tokenizer

/// The settings of sentence-transformers' Transformer module.
struct TransformerSettings {
  /// Keys of config.json that have other values here, `config_args`.
  let configuration: JSONObject
  /// What there is to be said.
  let notes: [String]

  /// The encoder's states are what is pooled, whatever else the model can be asked for.
  private static let rules = SettingRules(
    [
      "max_seq_length": .read, "do_lower_case": .read, "modality_config": .read,
      "config_args": .read, "config_kwargs": .read, "model_args": .read, "model_kwargs": .read,
      "tokenizer_args": .read, "processor_kwargs": .read,
      "transformer_task": .only([.string("feature-extraction")]),
      "module_output_name": .only([.string("token_embeddings")]),
      "processing_kwargs": .only([.object(JSONObject())]),
      "query_expansion": .only([]),
      "query_length": .noted("of sentence_bert_config.json is for encode_query alone, and not applied"),
      "document_length": .noted("of sentence_bert_config.json is for encode_document alone, and not applied"),
      "unpad_inputs": .harmless,
    ], others: .only([]))

  /// How the model is loaded there; none of it changes a number but by rounding.
  private static let modelRules = SettingRules(
    [
      "add_pooling_layer": .harmless, "attn_implementation": .harmless, "device_map": .harmless, "dtype": .harmless,
      "low_cpu_mem_usage": .harmless, "revision": .harmless, "torch_dtype": .harmless, "trust_remote_code": .harmless,
      "use_safetensors": .harmless,
    ], others: .only([]))

  /// Reads the file of an encoder's folder that may have none.
  /// - Throws: `FileError`, `ModelFileError`, `TokenizerError`.
  init(folder: String) throws {
    guard let (path, object) = try TextSettings.sentenceFile(folder) else {
      (configuration, notes) = (JSONObject(), [])
      return
    }
    try Self.rules.check(object, path: path)
    let reader = RecordReader(object, path: path)
    func arguments(_ older: String, _ newer: String) throws -> JSONObject {
      try reader.optional(older, "an object") { $0.object } ?? reader.optional(newer, "an object") { $0.object }
        ?? JSONObject()
    }
    try Self.modelRules.check(try arguments("model_args", "model_kwargs"), path: path)
    try Self.checkText(reader)
    configuration = try arguments("config_args", "config_kwargs")
    notes = Self.rules.notes(in: object)
  }

  /// Text has to go the common way: into the encoder, whose last states are pooled.
  private static func checkText(_ reader: RecordReader) throws {
    guard let kinds = try reader.optional("modality_config", "an object", { $0.object }) else { return }
    let common = JSONObject([("method", .string("forward")), ("method_output_name", .string("last_hidden_state"))])
    guard kinds["message"] == nil, let text = kinds["text"]?.object, text["method"] == common["method"],
      text["method_output_name"] == common["method_output_name"]
    else {
      throw ModelFileError.unsupported(
        path: reader.path, what: "modality_config", found: JSONValue.object(kinds).text(indent: nil),
        supported: "text: \(JSONValue.object(common).text(indent: nil))")
    }
  }
}
