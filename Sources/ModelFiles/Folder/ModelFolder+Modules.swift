// Where in a model folder the encoder lies, and what says that it is no whole model. Called where a model folder is
// opened.

import Files

extension ModelFolder {
  /// The folder inside a model folder that holds config.json, weights and tokenizer: where modules.json says so, else
  /// the folder itself.
  /// - Throws: `FileError` where modules.json is broken; `ModelFileError` where its first module is no encoder.
  package static func encoderPath(of folder: String) throws -> String {
    guard let first = try ModuleList(folder: folder)?.entries.first else { return folder }
    let inner = first.path.isEmpty ? folder : folder + "/" + first.path
    // A class of the model's own may stand for an encoder that is one of ours: --pooler says what to do with it.
    guard first.kind == .transformer || Path.exists(inner + "/config.json") else {
      throw ModelFileError.unsupported(
        path: folder + "/modules.json", what: "the first module", found: first.name,
        supported: "sentence_transformers.models.Transformer, an encoder")
    }
    return inner
  }

  /// What the folder does with texts and vectors and a training does not, for its beginning.
  package var notesForTraining: [String] {
    var notes = self.notes
    if let own = sentencePooling?.unsupported { notes.append("\(path) asks for \(own); training does without") }
    if sentencePooling?.origin == .sentenceTransformers, let modules = sentencePooling?.learnedModules {
      notes.append("\(modules) of \(path) is left out: training has its own pooler and head")
    }
    if let prompt = defaultPrompt {
      notes.append("the default prompt of \(path), \"\(prompt)\", is not put before texts in training")
    }
    return notes
  }

  /// - Throws: `ModelFileError` where the folder asks for an adapter: with it the model is another one.
  static func refuseAdapter(_ folder: String) throws {
    guard try Path.isPresent(folder + "/adapter_config.json") else { return }
    let isAlone = !Path.exists(folder + "/config.json")
    throw ModelFileError.unsupported(
      path: folder, what: "the model",
      found: "an adapter (adapter_config.json)" + (isAlone ? " without its base model" : " beside its base model"),
      supported: "whole models; merge the adapter into its base model first, with merge_and_unload of peft")
  }
}
