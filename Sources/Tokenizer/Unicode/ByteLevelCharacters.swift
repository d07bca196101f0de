// The character classes of the regular expression by which GPT-2 and RoBERTa split text, as the engine behind
// Hugging Face's Rust package defines them. Called by ByteLevelSplitter and AddedTokens.

/// Letters, numbers, white space and word characters.
final class ByteLevelCharacters: Sendable {
  /// Flags of a character, one bit each.
  enum Flag {
    static let letter: UInt8 = 1
    static let number: UInt8 = 2
    static let whitespace: UInt8 = 4
    static let word: UInt8 = 8
  }

  /// The table, built at first use.
  static let shared = ByteLevelCharacters()

  let flags = CharacterFlags()

  private init() {
    flags.insert(Flag.letter, from: ByteLevelCharacterData.letters)
    flags.insert(Flag.number, from: ByteLevelCharacterData.numbers)
    flags.insert(Flag.whitespace, from: ByteLevelCharacterData.whitespace)
    flags.insert(Flag.word, from: ByteLevelCharacterData.words)
    flags.insert(Flag.letter | Flag.word, in: 0x41...0x5A)
    flags.insert(Flag.letter | Flag.word, in: 0x61...0x7A)
    flags.insert(Flag.number | Flag.word, in: 0x30...0x39)
    flags.insert(Flag.word, in: 0x5F...0x5F)
    flags.insert(Flag.whitespace, in: 0x09...0x0D)
    flags.insert(Flag.whitespace, in: 0x20...0x20)
  }
}
