// What broken files, and files that ask for what is not built, say.

import Files
import Foundation
import TestSupport
import Testing
import Tokenizer

@Suite struct UnigramFolderTests {
  let fixture: UnigramFixture

  init() throws { fixture = try UnigramFixture() }

  /// The error of a folder that is read as it stands, after a change of its tokenizer.json.
  private func error(_ change: (inout JSONObject) throws -> Void) throws -> String {
    let folder = try fixture.folder("as it stands")
    var json = try fixture.base
    try change(&json)
    try folder.write("tokenizer.json", JSONValue.object(json).text(indent: nil))
    return try #require(throws: TokenizerError.self) { _ = try TokenizerFolder.load(folder.path) }.description
  }

  private func error(part key: String, _ text: String) throws -> String {
    try error { $0[key] = try JSONValue.parse(Array(text.utf8)) }
  }

  @Test(
    "options that would leave a text of ALBERT's without a first or a last token are refused",
    arguments: [
      (#""add_bos_token": true"#, "add_eos_token"), (#""add_eos_token": true"#, "add_bos_token"),
      (#""add_bos_token": false"#, "add_bos_token"), (#""add_bos_token": null"#, "add_bos_token"),
      (#""add_bos_token": true, "add_eos_token": false"#, "add_eos_token"),
      (#""add_bos_token": true, "add_eos_token": true, "bos_token": null"#, "bos_token"),
    ])
  func missingEnds(options: String, key: String) throws {
    let folder = try fixture.folder("ALBERT")
    #expect(throws: Never.self) { _ = try TokenizerFolder.load(folder.path) }
    try folder.write("tokenizer_config.json", "{\(options)}")
    let error = #expect(throws: TokenizerError.self) { _ = try TokenizerFolder.load(folder.path) }
    #expect(error?.exitCode == 65 && error?.description.contains(key) == true, "\(error as Any)")
  }

  private func error(model key: String, _ text: String) throws -> String {
    try error { json in
      var model = try #require(json["model"]?.object)
      model[key] = try JSONValue.parse(Array(text.utf8))
      json["model"] = .object(model)
    }
  }

  @Test(
    arguments: [
      (#"{"type": "Nmt"}"#, "normalizer.type", #""Nmt""#),
      (#"{"type": "Sequence", "normalizers": [{"type": "ByteLevel"}]}"#, "normalizer.normalizers[0].type", "ByteLevel"),
      (#"{"type": "Replace", "pattern": {"Regex": "a+"}, "content": ""}"#, "normalizer.pattern.Regex", #""a+""#),
      (#"{"type": "Replace", "pattern": {"String": ""}, "content": "x"}"#, "normalizer.pattern.String", #""""#),
      (#"{"type": "Precompiled", "precompiled_charsmap": "A!=="}"#, "precompiled_charsmap", "base 64"),
      (#"{"type": "Precompiled", "precompiled_charsmap": ""}"#, "precompiled_charsmap", "a size of 4 bytes"),
      (#"{"type": "Precompiled", "precompiled_charsmap": "CAAAAA=="}"#, "precompiled_charsmap", "a size of 8 bytes"),
      (#"{"type": "Precompiled", "precompiled_charsmap": "BAAAAP///5//"}"#, "precompiled_charsmap", "UTF-8"),
      (#"{"type": "Precompiled", "precompiled_charsmap": "BAAAAP///58A"}"#, "precompiled_charsmap", "the place"),
      (#"{"type": "Strip", "strip_left": true}"#, "normalizer", "strip_right"),
    ])
  func normalizersThatAreNotBuiltAreNamed(_ text: String, place: String, found: String) throws {
    let error = try error(part: "normalizer", text)
    #expect(error.contains(place) && error.contains(found), "\(error)")
  }

  @Test(
    arguments: [
      (#"{"type": "Whitespace"}"#, "pre_tokenizer.type", #""Whitespace""#),
      (#"{"type": "Punctuation", "behavior": "Removed"}"#, "pre_tokenizer.behavior", #""Removed""#),
      (#"{"type": "Metaspace", "replacement": "ab"}"#, "pre_tokenizer.replacement", "one character"),
      (#"{"type": "Metaspace", "replacement": "_", "add_prefix_space": false}"#, "add_prefix_space", "false"),
      (#"{"type": "Metaspace", "replacement": "_", "prepend_scheme": "last"}"#, "prepend_scheme", #""last""#),
      (
        #"{"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, "#
          + #"{"type": "Metaspace", "replacement": "_", "prepend_scheme": "first"}]}"#, "prepend_scheme", #""first""#
      ),
      (
        #"{"type": "Sequence", "pretokenizers": [{"type": "Metaspace", "replacement": "_"}, "#
          + #"{"type": "Metaspace", "replacement": "_"}]}"#, "pretokenizers[1]", "a second one"
      ),
    ])
  func preTokenizersThatAreNotBuiltAreNamed(_ text: String, place: String, found: String) throws {
    let error = try error(part: "pre_tokenizer", text)
    #expect(error.contains(place) && error.contains(found), "\(error)")
  }

  @Test(
    arguments: [
      ("vocab", "{}", "model.vocab"), ("vocab", "[[\"a\"]]", "model.vocab[0]"), ("vocab", "[]", "found no token"),
      ("vocab", "[[\"<unk>\", \"x\"]]", "model.vocab[0]"), ("unk_id", "null", "unk_id"),
      ("unk_id", "100000", "the unknown token"), ("byte_fallback", "1", "model.byte_fallback"),
    ])
  func brokenModelsAreLocated(_ key: String, _ text: String, place: String) throws {
    let error = try error(model: key, text)
    #expect(error.contains(place), "\(error)")
  }

  @Test func aClassOfAnotherKindSaysWhatToDo() throws {
    let folder = try fixture.folder("as it stands")
    try folder.write("tokenizer_config.json", #"{"tokenizer_class": "BertTokenizer"}"#)
    let error = try #require(throws: TokenizerError.self) { _ = try TokenizerFolder.load(folder.path) }
    #expect(error.description.contains("XLMRobertaTokenizer"), "\(error)")
    #expect(error.description.contains("PreTrainedTokenizerFast"), "\(error)")
  }

  @Test func aMissingModelIsNamed() throws {
    let folder = try TemporaryFolder()
    try folder.write("config.json", #"{"model_type": "albert"}"#)
    let error = try #require(throws: TokenizerError.self) { _ = try TokenizerFolder.load(folder.path) }
    #expect(error.description.contains("tokenizer.json, or spiece.model"), "\(error)")
    #expect(error.exitCode == 66)
  }

  /// Cut anywhere, a SentencePiece model is an error or, between two fields, a smaller model.
  @Test func modelsThatAreCutOffAreErrors() throws {
    let whole = try fixture.model("plain")
    let folder = try fixture.folder("XLM-RoBERTa")
    var errors = 0
    for count in stride(from: 0, to: whole.count, by: 37) {
      try folder.write("sentencepiece.bpe.model", Data(whole.prefix(count)))
      do {
        _ = try TokenizerFolder.load(folder.path)
      } catch let error as TokenizerError {
        errors += 1
        #expect(error.description.contains("sentencepiece.bpe.model"), "\(error)")
      }
    }
    #expect(errors > whole.count / 37 / 2)
  }

  @Test func aModelThatIsNoUnigramIsNamed() throws {
    let folder = try fixture.folder("XLM-RoBERTa")
    // trainer_spec { model_type: BPE } once more: the last one counts.
    try folder.write("sentencepiece.bpe.model", Data(try fixture.model("plain") + [0x12, 0x02, 0x18, 0x02]))
    let error = try #require(throws: TokenizerError.self) { _ = try TokenizerFolder.load(folder.path) }
    #expect(error.description.contains("expected Unigram, found BPE"), "\(error)")
  }
}
