// `mixcse tokenize`: what the model sees of each line.

import ArgumentParser
import Files
import ModelFiles
import Tokenizer
import TextData
import Training

struct TokenizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize", abstract: "Shows the tokens of each input line, special tokens included.",
    discussion: """
      With --json a line {"ids":[...],"tokens":[...]} a line, else the tokens separated by spaces, and control \
      characters in them as \\u{1B}.
      """)

  @Option(help: ArgumentHelp("A Hugging Face folder with tokenizer files.", valueName: "dir"), completion: .directory)
  var model: String
  @Option(help: ArgumentHelp("A file of lines, or - for standard input.", valueName: "file"), completion: .file())
  var input = "-"
  @Option(
    name: .customLong("max-seq-length"),
    help: ArgumentHelp("Cut lines to that many tokens, 2 or more. (default: no limit)", valueName: "tokens"))
  var maximumLength: Int?
  @Flag(help: "Print a JSON line for each input line.") var json = false

  func validate() throws {
    if let maximumLength, maximumLength < 2 {
      throw ValidationError("--max-seq-length: expected 2 or more, found \(maximumLength)")
    }
  }

  func run() throws {
    let tokenizer = try TokenizerFolder.load(ModelFolder.encoderPath(of: ModelFolder.locate(model)))
    let encoder = tokenizer.makeEncoder()
    let lines = try LineInput(path: input, spoolFolder: Folder.temporary)
    var replaced = 0
    while let line = try lines.next(1).first {
      let encoded = line.withUnsafeBufferPointer { encoder.encode($0, maximumLength: maximumLength ?? Int.max / 2) }
      replaced += encoded.replacedBytes
      let tokens = encoded.ids.map { tokenizer.token($0) ?? "?" }
      if json {
        let object = JSONObject([
          ("ids", .array(encoded.ids.map { .integer(Int($0)) })), ("tokens", .array(tokens.map { .string($0) })),
        ])
        try printText(JSONValue.object(object).text(indent: nil))
      } else {
        try printText(tokens.joined(separator: " "))
      }
    }
    if replaced > 0 { printToStandardError("note: \(replaced) bytes were no UTF-8 and were read as U+FFFD") }
  }
}
