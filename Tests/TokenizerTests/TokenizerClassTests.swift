// Folders whose files say different things: the ids are those of AutoTokenizer of transformers, or the folder is
// refused. Tests/Fixtures/tokenizer/make_folders.py wrote folders.json.

import Foundation
import TestSupport
import Testing
import Tokenizer

@Suite("folders as transformers reads them")
struct TokenizerClassTests {
  struct Case: Decodable, CustomTestStringConvertible {
    var name: String
    var files: [String: String]
    var copied: [String: String]
    var text: String
    var ids: [Int32]
    var refused: Bool
    var testDescription: String { name }
  }

  static func cases() throws -> [Case] {
    let file = URL(fileURLWithPath: Resources.fixture("tokenizer/folders.json"))
    return try JSONDecoder().decode([Case].self, from: Data(contentsOf: file))
  }

  @Test("added tokens, lower case, repeated and blank lines, prefix blanks", arguments: try cases())
  func matches(_ expected: Case) throws {
    let folder = try TemporaryFolder()
    for (name, text) in expected.files { try folder.write(name, text) }
    for (name, source) in expected.copied {
      try folder.write(name, Data(contentsOf: URL(fileURLWithPath: Resources.fixture("tokenizer/" + source))))
    }
    if expected.refused {
      let error = #expect(throws: TokenizerError.self) { _ = try TokenizerFolder.load(folder.path) }
      let words = expected.name.contains("SomeTokenizer") ? "found SomeTokenizer" : "added token"
      #expect(error?.exitCode == 65 && error?.description.contains(words) == true, "\(error as Any)")
    } else {
      #expect(try TokenizerFolder.load(folder.path).ids(Array(expected.text.utf8)) == expected.ids)
    }
  }

  @Test(
    "a class that cuts its vocabulary in another way is refused",
    arguments: ["BertJapaneseTokenizer", "XLNetTokenizer", "T5TokenizerFast", "MyTokenizer"])
  func otherClasses(name: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("vocab.txt", TokenizerFolderTests.specials + "a\n")
    try folder.write("tokenizer_config.json", "{\"tokenizer_class\": \"\(name)\"}")
    let error = #expect(throws: TokenizerError.self) { _ = try TokenizerFolder.load(folder.path) }
    let found = name.hasSuffix("Fast") ? String(name.dropLast(4)) : name
    #expect(error?.description.contains("found \(found);") == true && error?.exitCode == 65)
    #expect(error?.description.contains("BertTokenizer") == true)
  }

  @Test("a class that takes all from tokenizer.json is not made up from a vocabulary")
  func withoutJSON() throws {
    let folder = try TemporaryFolder()
    try folder.write("vocab.txt", TokenizerFolderTests.specials + "a\n")
    try folder.write("tokenizer_config.json", #"{"tokenizer_class": "PreTrainedTokenizerFast"}"#)
    let error = #expect(throws: TokenizerError.self) { _ = try TokenizerFolder.load(folder.path) }
    #expect(error == .missingFile(expected: ["tokenizer.json"], folder: folder.path))
  }

  @Test("a template that gives text another token type is refused")
  func tokenTypes() throws {
    func load(_ type: Int) throws -> any Tokenizer {
      let folder = try TemporaryFolder()
      let pieces = [
        #"{"SpecialToken":{"id":"[CLS]","type_id":0}}"#, #"{"Sequence":{"id":"A","type_id":\#(type)}}"#,
        #"{"SpecialToken":{"id":"[SEP]","type_id":0}}"#,
      ]
      let ids = [("[CLS]", 2), ("[SEP]", 3)].map { name, id in
        #""\#(name)":{"id":"\#(name)","ids":[\#(id)],"tokens":["\#(name)"]}"#
      }
      let words = #"{"[PAD]":0,"[UNK]":1,"[CLS]":2,"[SEP]":3,"a":4}"#
      try folder.write(
        "tokenizer.json",
        """
        {"model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": \(words)},
         "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": {"type": "TemplateProcessing",
         "single": [\(pieces.joined(separator: ","))], "special_tokens": {\(ids.joined(separator: ","))}}}
        """)
      return try TokenizerFolder.load(folder.path)
    }
    #expect(try load(0).ids(Array("a".utf8)) == [2, 4, 3])
    let error = #expect(throws: TokenizerError.self) { _ = try load(1) }
    #expect(error?.description.contains("type_id: expected 0, found 1") == true)
  }

  /// Sequence[Lowercase, BertNormalizer] of tokenizers 0.23, as sentence-transformers 6.2 builds it: accents stay where
  /// the folder keeps upper case.
  @Test("sentence-transformers' lower case comes first and keeps accents")
  func lowerCaseFirst() throws {
    let words = TokenizerFolderTests.specials + "the\nThe\n\u{E9}\n\u{C9}\ne\ni\u{307}\n"
    func ids(_ files: [String: String]) throws -> [Int32] {
      let folder = try TemporaryFolder()
      try folder.write("vocab.txt", words)
      for (name, text) in files { try folder.write(name, text) }
      return try TokenizerFolder.load(folder.path).ids(Array("The \u{C9} \u{130} [MASK]".utf8))
    }
    let cased = [("tokenizer_config.json", #"{"do_lower_case": false}"#)]
    let lower = #"{"max_seq_length": 9, "do_lower_case": true}"#
    #expect(try ids([:]) == [2, 5, 9, 1, 4, 3])
    #expect(try ids(Dictionary(uniqueKeysWithValues: cased)) == [2, 6, 8, 1, 4, 3])
    for name in ["sentence_bert_config.json", "sentence_roberta_config.json"] {
      #expect(try ids(Dictionary(uniqueKeysWithValues: cased + [(name, lower)])) == [2, 5, 7, 10, 4, 3])
    }
    #expect(try ids(["sentence_bert_config.json": lower]) == [2, 5, 9, 1, 4, 3])
  }

  @Test("byte-level text is lower-cased, too, but not its special tokens")
  func lowerCaseOfBytes() throws {
    let folder = try TemporaryFolder()
    for name in ["vocab.json", "merges.txt"] {
      let source = Resources.fixture("tokenizer/byte-level/" + name)
      try folder.write(name, Data(contentsOf: URL(fileURLWithPath: source)))
    }
    let plain = try TokenizerFolder.load(folder.path).ids(Array("the caf\u{E9} is<mask> open".utf8))
    try folder.write("sentence_bert_config.json", #"{"do_lower_case": true}"#)
    let tokenizer = try TokenizerFolder.load(folder.path)
    #expect(tokenizer.ids(Array("THE Caf\u{C9} IS<mask> open".utf8)) == plain)
    #expect(tokenizer.ids(Array("<MASK>".utf8)) != tokenizer.ids(Array("<mask>".utf8)))
  }

  @Test("the longest line: sentence-transformers' own file, else the tokenizer's; 10^30 is no limit")
  func longestLine() throws {
    func limit(_ files: [String: String]) throws -> Int? {
      let folder = try TemporaryFolder()
      try folder.write("vocab.txt", TokenizerFolderTests.specials)
      for (name, text) in files { try folder.write(name, text) }
      return try TokenizerFolder.load(folder.path).maximumLength
    }
    #expect(try limit([:]) == nil)
    let own = ["tokenizer_config.json": #"{"model_max_length": 40}"#]
    #expect(try limit(own) == 40)
    #expect(try limit(own.merging(["sentence_bert_config.json": #"{"max_seq_length": 8}"#]) { $1 }) == 8)
    #expect(try limit(own.merging(["sentence_bert_config.json": #"{"max_seq_length": null}"#]) { $1 }) == 40)
    #expect(try limit(own.merging(["sentence_bert_config.json": "{}"]) { $1 }) == 40)
    #expect(
      try limit(["tokenizer_config.json": #"{"model_max_length": 1000000000000000019884624838656}"#]) == .max)
    for wrong in ["0", "1", "2.5", #""8""#, "-3"] {
      let error = #expect(throws: TokenizerError.self) {
        _ = try limit(["sentence_bert_config.json": "{\"max_seq_length\": \(wrong)}"])
      }
      #expect(error?.description.contains("max_seq_length: expected a whole number of 2 or more") == true)
    }
  }
}
