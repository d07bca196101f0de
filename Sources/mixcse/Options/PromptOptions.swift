// What is put before every text: the folder's default prompt, unless a flag says another one.

import ArgumentParser
import ModelFiles

/// `--prompt`, `--prompt-name`, `--no-prompt`.
struct PromptOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Text to put before every line. (default: the folder's default prompt)", valueName: "text"))
  var prompt: String?

  @Option(
    name: .customLong("prompt-name"),
    help: ArgumentHelp("One of the folder's prompts, by its name.", valueName: "name"))
  var promptName: String?

  @Flag(name: .customLong("no-prompt"), help: "Put nothing before lines, whatever the folder's default prompt is.")
  var noPrompt = false

  /// The prompt that was asked for; nil for the folder's own.
  /// - Throws: `ValidationError` where the folder has none of that name.
  func text(for folder: ModelFolder) throws -> String? {
    let asked = [("--prompt", prompt != nil), ("--prompt-name", promptName != nil), ("--no-prompt", noPrompt)]
    let given = asked.filter(\.1).map(\.0)
    guard given.count <= 1 else {
      throw ValidationError("expected one way to say the prompt, found \(given.joined(separator: " and "))")
    }
    guard let promptName else { return noPrompt ? "" : prompt }
    guard let text = folder.settings.prompt(promptName) else {
      let names = folder.settings.prompts.map(\.name).joined(separator: ", ")
      throw ValidationError(
        "--prompt-name: expected one of the folder's prompts (\(names.isEmpty ? "it has none" : names)), found "
          + "\"\(promptName)\"")
    }
    return text
  }

  /// As they are typed.
  var words: [String] {
    (prompt.map { ["--prompt=\($0)"] } ?? []) + (promptName.map { ["--prompt-name=\($0)"] } ?? [])
      + (noPrompt ? ["--no-prompt"] : [])
  }
}
