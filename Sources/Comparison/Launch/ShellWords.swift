// Words of a shell: cut from what a user typed as one text, and put together into commands that are shown or run.

/// Cuts a text into words as a shell does.
package enum ShellWords {
  /// The words of a text; single and double quotes and backslashes are a shell's. Nil where a quote is not closed.
  package static func split(_ text: String) -> [String]? {
    var (words, word) = ([String](), String?.none)
    var quote: Character?
    var isEscaped = false
    for character in text {
      if isEscaped {
        word = (word ?? "") + String(character)
        isEscaped = false
      } else if character == "\\", quote != "'" {
        isEscaped = true
      } else if let open = quote {
        if character == open { quote = nil } else { word = (word ?? "") + String(character) }
      } else if character == "'" || character == "\"" {
        quote = character
        word = word ?? ""
      } else if character.isWhitespace {
        if let done = word { words.append(done) }
        word = nil
      } else {
        word = (word ?? "") + String(character)
      }
    }
    guard quote == nil, !isEscaped else { return nil }
    return words + (word.map { [$0] } ?? [])
  }

  /// A command as one would type it.
  package static func join(_ words: [String]) -> String {
    words.map { word in
      let isPlain = word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._=-/:,@%+".contains($0)) }
      return isPlain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }.joined(separator: " ")
  }
}
