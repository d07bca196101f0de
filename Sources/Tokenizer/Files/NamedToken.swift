// A token as the settings beside a vocabulary describe it. Made by TokenizerSettings and TokenizerJSON.

import Files

/// A token as a settings file describes it; its id may be known to the vocabulary only.
struct NamedToken {
  var bytes: [UInt8]
  /// The id a file gives it.
  var id: Int32?
  var isNormalized = false
  var isSingleWord = false
  var stripsLeft = false
  var stripsRight = false
  var isSpecial = true
  /// Listed among further special tokens, whether `isSpecial` or not.
  var isListed = false
  /// What the token is for, where it is one of the five that every tokenizer has.
  var role: SpecialRole?
  /// No file names it: it is the name its family gives it.
  var isDefault = false

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// Reads an entry of `added_tokens` or `added_tokens_decoder`.
  init(_ node: JSONNode, id: Int32) throws {
    bytes = try node.required("content").bytes()
    self.id = id
    isSpecial = try node["special"]?.bool() ?? false
    isNormalized = try node["normalized"]?.bool() ?? !isSpecial
    try readFlags(node)
  }

  /// Reads a special token, `"[CLS]"` or an object with `content`.
  init(special node: JSONNode, role: SpecialRole? = nil) throws {
    self.role = role
    if let text = node.value.string {
      bytes = Array(text.utf8)
    } else {
      bytes = try node.required("content").bytes()
      isNormalized = try node["normalized"]?.bool() ?? false
      try readFlags(node)
    }
  }

  /// The name that a family gives a special token.
  init(_ role: SpecialRole, of family: TokenizerFamily) {
    bytes = Array(family.defaultName(role).utf8)
    self.role = role
    isDefault = true
  }

  private mutating func readFlags(_ node: JSONNode) throws {
    isSingleWord = try node["single_word"]?.bool() ?? false
    stripsLeft = try node["lstrip"]?.bool() ?? false
    stripsRight = try node["rstrip"]?.bool() ?? false
  }

  func added(id: Int32) -> AddedToken {
    AddedToken(
      bytes: bytes, id: id, isNormalized: isNormalized, isSingleWord: isSingleWord, stripsLeft: stripsLeft,
      stripsRight: stripsRight, isSpecial: isSpecial)
  }
}
