// Loading model folders: what is accepted, and what each kind of broken folder says.

import Files
import Foundation
import TestSupport
import Testing
import Tokenizer

@Suite struct TokenizerFolderTests {
  static let specials = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"

  /// The error of loading a folder with these files.
  private func error(_ files: [String: String]) throws -> TokenizerError {
    let folder = try TemporaryFolder()
    for (name, text) in files { try folder.write(name, text) }
    return try #require(throws: TokenizerError.self) { _ = try TokenizerFolder.load(folder.path) }
  }

  private func load(_ files: [String: String]) throws -> any Tokenizer {
    let folder = try TemporaryFolder()
    for (name, text) in files { try folder.write(name, text) }
    return try TokenizerFolder.load(folder.path)
  }

  @Test func missingFolderAndFilesAreNamed() throws {
    let nowhere = try #require(throws: FileError.self) { _ = try TokenizerFolder.load("/nowhere/at all") }
    #expect(nowhere == .noModelFolder("/nowhere/at all"))
    #expect(nowhere.exitCode == 66)
    let empty = try error([:])
    #expect(empty.description.contains("tokenizer.json, or vocab.txt, or vocab.json with merges.txt"))
    #expect(empty.exitCode == 66)
    let half = try error(["vocab.json": "{}"])
    #expect(half.description.contains("merges.txt (beside vocab.json)"))
  }

  @Test func aFolderInPlaceOfAFileIsNamed() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.path + "/vocab.txt", withIntermediateDirectories: false)
    let error = try #require(throws: TokenizerError.self) { _ = try TokenizerFolder.load(folder.path) }
    #expect(error == .unreadable(file: folder.path + "/vocab.txt", reason: "a folder"))
  }

  @Test(.timeLimit(.minutes(1)), arguments: ["vocab.txt", "tokenizer.json", "tokenizer_config.json", "vocab.json"])
  func aPipeInPlaceOfAFileIsNamedWithoutWaiting(_ name: String) throws {
    let folder = try TemporaryFolder()
    if name == "tokenizer_config.json" { try folder.write("vocab.txt", Self.specials) }
    if name == "vocab.json" { try folder.write("merges.txt", "") }
    try #require(mkfifo(folder.path + "/" + name, 0o600) == 0)
    let error = try #require(throws: TokenizerError.self) { _ = try TokenizerFolder.load(folder.path) }
    #expect(error == .unreadable(file: folder.path + "/" + name, reason: "a device or pipe"))
  }

  @Test(
    arguments: [
      ("{\"model\": ", 1, 11, "the end of the file"), ("{\"model\"\n: {]}", 2, 4, "]}"), ("", 1, 1, "the end"),
      ("{} x", 1, 4, "x"), ("{\"a\": 01x}", 1, 8, "1x"), ("[\"\\ud83d\"]", 1, 5, "d83d"), ("{\"a\": \"b", 1, 9, "end"),
      ("{\"a\" 1}", 1, 6, "1"), ("[1 2]", 1, 4, "2"), ("[tru]", 1, 2, "tru"), ("{a: 1}", 1, 2, "a"),
      ("[\"\\x\"]", 1, 4, "x"), ("[-]", 1, 2, "-"), ("[1e999]", 1, 2, "1e999"), ("[\"a\nb\"]", 1, 4, "b"),
    ])
  func brokenJSONIsLocated(_ text: String, line: Int, column: Int, found: String) throws {
    let error = try error(["tokenizer.json": text])
    guard case .malformedJSON(_, let foundLine, let foundColumn, _, let foundText) = error else {
      Issue.record("\(error)")
      return
    }
    #expect((foundLine, foundColumn) == (line, column), "\(error)")
    #expect(foundText.contains(found), "\(error)")
    #expect(error.exitCode == 65)
  }

  @Test func deepNestingIsRefused() throws {
    let error = try error(["tokenizer.json": String(repeating: "[", count: 1_000_000)])
    #expect(error.description.contains("at most 100 levels of nesting"))
  }

  @Test func invalidUTF8IsRefused() throws {
    let folder = try TemporaryFolder()
    try folder.write("vocab.txt", Data("[PAD]\n[UNK]\nab".utf8 + [0xFF, 0x0A]))
    let error = try #require(throws: TokenizerError.self) { _ = try TokenizerFolder.load(folder.path) }
    #expect(error.description.contains("line 3: expected UTF-8"))
  }

  /// As tokenizers 0.23 reads `{"[PAD]":0, ..., "a":5, "b":6, "a":7, "c":6}`: the last id of a token, an id for two.
  @Test func repeatedTokensAndIDsOfJSONAreReadAsTheyAre() throws {
    let words = #"{"[PAD]":0,"[UNK]":1,"[CLS]":2,"[SEP]":3,"a":5,"b":6,"a":7,"c":6}"#
    let model = #"{"type":"WordPiece","unk_token":"[UNK]","vocab":\#(words)}"#
    let ends = #"{"type":"BertProcessing","sep":["[SEP]",3],"cls":["[CLS]",2]}"#
    let rest = #""pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": \#(ends)"#
    let json = "{\"model\": \(model), \(rest)}"
    #expect(try load(["tokenizer.json": json]).ids(Array("a b c".utf8)) == [2, 7, 6, 6, 3])
  }

  @Test func tokensThatOnlySwiftStringsTakeForEqualStayApart() throws {
    let tokenizer = try load([
      "vocab.txt": Self.specials + "caf\u{E9}\ncafe\u{301}\n",
      "tokenizer_config.json": #"{"do_lower_case": false}"#,
    ])
    #expect(tokenizer.ids(Array("caf\u{E9} cafe\u{301}".utf8)) == [2, 5, 6, 3])
  }

  /// Nothing here is filled up: transformers gives the token the next id.
  @Test func aMissingPaddingTokenHasTheNextID() throws {
    let tokenizer = try load(["vocab.txt": "\u{FEFF}[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n"])
    #expect(tokenizer.padID == 6 && tokenizer.vocabularySize == 7 && tokenizer.token(0) == "\u{FEFF}[PAD]")
    #expect(tokenizer.ids(Array("a [PAD]".utf8)) == [2, 5, 6, 3])
  }

  @Test(arguments: ["[UNK]", "[CLS]", "[SEP]"])
  func missingSpecialTokensAreNamed(_ token: String) throws {
    let error = try error(["vocab.txt": Self.specials.replacingOccurrences(of: token, with: "other") + "a\n"])
    #expect(error.description.contains("token \"\(token)\""), "\(error)")
    #expect(error.description.contains("tokenizer_config.json"))
  }

  @Test func theMaskIsOptional() throws {
    let tokenizer = try load(["vocab.txt": "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n"])
    #expect(tokenizer.maskID == nil)
    #expect(tokenizer.specialIDs == [0, 1, 2, 3])
  }

  @Test func specialTokensHaveTheNamesOfTheSettings() throws {
    let config = """
      {"cls_token": "<s>", "sep_token": {"content": "</s>", "lstrip": true}, "pad_token": "<pad>",
       "unk_token": "<unk>", "mask_token": null}
      """
    let tokenizer = try load([
      "vocab.txt": "<pad>\n<unk>\n<s>\n</s>\na\n[MASK]\n", "tokenizer_config.json": config,
    ])
    #expect(tokenizer.tokens("a  </s>a q") == ["<s>", "a", "</s>", "a", "<unk>", "</s>"])
    #expect((tokenizer.startID, tokenizer.endID, tokenizer.padID, tokenizer.maskID) == (2, 3, 0, 5))
  }

  @Test func emptyVocabulariesAreRefused() throws {
    #expect(try error(["vocab.txt": ""]).description.contains("found no token"))
    #expect(try error(["vocab.json": "{}", "merges.txt": ""]).description.contains("found no token"))
  }

  @Test(
    arguments: [
      (#"{"a": -1}"#, "a whole number from 0"), (#"{"a": 1.5}"#, "found 1.5"), (#"{"a": "1"}"#, "found \"1\""),
      (#"{"a": 2000000000}"#, "ids below"), ("[]", "expected an object, found an array"),
    ])
  func wrongIDsAreRefused(_ vocabulary: String, message: String) throws {
    let error = try error(["vocab.json": vocabulary, "merges.txt": ""])
    #expect(error.description.contains(message), "\(error)")
  }

  @Test func aWrongIDIsNamedBeforeWhatFollowsFromIt() throws {
    let error = try error([
      "vocab.json": #"{"a": 0, "b": 2000000000}"#, "merges.txt": "", "added_tokens.json": #"{"<e>": 7}"#,
    ])
    #expect(error.description.contains("ids below"), "\(error)")
  }

  @Test func wrongSettingsAreRefused() throws {
    let error = try error(["vocab.txt": Self.specials, "tokenizer_config.json": #"{"do_lower_case": "yes"}"#])
    #expect(error.description.contains("do_lower_case: expected true or false, found \"yes\""))
  }

  @Test func mergesMustBeOfTheVocabulary() throws {
    func fixture(_ name: String) throws -> String {
      try String(contentsOfFile: Resources.fixture("tokenizer/byte-level/\(name)"), encoding: .utf8)
    }
    let vocabulary = try fixture("vocab.json")
    let unknown = try error(["vocab.json": vocabulary, "merges.txt": "#version: 0.2\nQ Q\n"])
    #expect(unknown.description.contains("merges.txt, line 2: expected tokens of the vocabulary, found \"QQ\""))
    let words = try error(["vocab.json": vocabulary, "merges.txt": "t h\nt h e\n"])
    #expect(words.description.contains("merges.txt, line 2: expected two tokens and one blank"))
    let bytes = try error([
      "vocab.json": vocabulary.replacingOccurrences(of: "\"Q\":", with: "\"QQ\":"), "merges.txt": "",
    ])
    #expect(bytes.description.contains("expected the single-byte token \"Q\""), "\(bytes)")
  }

  @Test(
    arguments: [
      (
        #"{"type":"WordLevel","vocab":{}}"#, "null",
        "expected \"WordPiece\", \"BPE\" or \"Unigram\", found \"WordLevel\""
      ),
      (
        #"{"type":"WordPiece","vocab":{"[PAD]":0,"[UNK]":1,"[CLS]":2,"[SEP]":3},"unk_token":"[UNK]"}"#,
        #"{"type":"Whitespace"}"#, "expected \"BertPreTokenizer\", found \"Whitespace\""
      ),
      (#"{"type":"BPE","vocab":{},"merges":[],"end_of_word_suffix":"</w>"}"#, "null", "model.end_of_word_suffix"),
      (#"{"type":"BPE","vocab":{},"merges":[],"byte_fallback":true}"#, "null", "model.byte_fallback"),
      (#"{"type":"BPE","vocab":{},"merges":[],"dropout":0.1}"#, "null", "model.dropout: expected null, found 0.1"),
    ])
  func otherKindsAreRefused(_ model: String, preTokenizer: String, message: String) throws {
    let error = try error(["tokenizer.json": "{\"model\": \(model), \"pre_tokenizer\": \(preTokenizer)}"])
    #expect(error.description.contains(message), "\(error)")
    #expect(error.exitCode == 65)
  }

  @Test func windowsLineEndsAndAByteOrderMarkAreRead() throws {
    let tokenizer = try load([
      "vocab.txt": "[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\nword\r\n",
      "tokenizer_config.json": "\u{FEFF}{\"do_lower_case\": true}",
    ])
    #expect(tokenizer.ids(Array("Word".utf8)) == [2, 4, 3])
  }
}
