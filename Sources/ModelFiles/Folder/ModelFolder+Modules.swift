// What sentence-transformers and peft write around an encoder: where it lies, what is put before every text, that it is
// no whole model. Called where a model folder is opened.

import Files

extension ModelFolder {
  /// The folder inside a model folder that holds config.json, weights and tokenizer.
  /// - Throws: `FileError` where modules.json is broken.
  package static func encoderPath(of folder: String) throws -> String {
    let path = folder + "/modules.json"
    guard Path.exists(path) else { return folder }
    let modules = try SentenceTransformersModules.list(path)
    guard let encoder = modules.first(where: { $0.kind == "Transformer" })?.path, !encoder.isEmpty else {
      return folder
    }
    return folder + "/" + encoder
  }

  static func refuseAdapter(_ folder: String) throws {
    guard !Path.exists(folder + "/config.json"), Path.exists(folder + "/adapter_config.json") else { return }
    throw ModelFileError.unsupported(
      path: folder, what: "the model", found: "an adapter (adapter_config.json) without its base model",
      supported: "whole models; merge the adapter into its base model first, with merge_and_unload of peft")
  }

  static func readDefaultPrompt(_ folder: String) throws -> String? {
    let path = folder + "/config_sentence_transformers.json"
    guard Path.exists(path) else { return nil }
    let json = try InputFile.json(path: path, expected: "the settings of sentence-transformers")
    let reader = RecordReader(json.object ?? JSONObject(), path: path)
    guard let name = try reader.optional("default_prompt_name", "the name of a prompt", { $0.string }) else {
      return nil
    }
    guard let prompt = try reader.optional("prompts", "an object of prompts", { $0.object })?[name]?.string else {
      throw reader.error("default_prompt_name", "one of the prompts")
    }
    return prompt.isEmpty ? nil : prompt
  }
}
