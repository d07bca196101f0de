// `--model NAME`: models of the Hub's local cache, and files of a folder that are not there.

import Foundation
import TestSupport
import Testing

@Suite struct ModelNameTests {
  private let world: CommandWorld

  init() throws { world = try CommandWorld() }

  /// Puts the model into a cache as huggingface_hub lays it out: files are links into `blobs`.
  private func cache(_ repository: String, revision: String, main: String?) throws {
    let manager = FileManager.default
    let folder = world.path("hub/models--" + repository)
    for name in ["blobs", "refs", "snapshots/" + revision] {
      try manager.createDirectory(atPath: folder + "/" + name, withIntermediateDirectories: true)
    }
    if let main { try Data(main.utf8).write(to: URL(fileURLWithPath: folder + "/refs/main")) }
    for file in try manager.contentsOfDirectory(atPath: world.path("model")) {
      let blob = folder + "/blobs/" + file
      if !manager.fileExists(atPath: blob) { try manager.copyItem(atPath: world.path("model/" + file), toPath: blob) }
      try manager.createSymbolicLink(
        atPath: folder + "/snapshots/" + revision + "/" + file, withDestinationPath: "../../blobs/" + file)
    }
  }

  private func encode(_ name: String, _ environment: [String: String]) throws -> ShellResult {
    try shell(
      [
        Resources.command, "encode", "--model", name, "--pooler", "avg", "--json", "--threads", "1", "--input",
        world.path("train.txt"),
      ], in: NSTemporaryDirectory(), environment: ["HF_HUB_CACHE": "", "HF_HOME": ""].merging(environment) { $1 })
  }

  @Test("the revision main of the cache, by owner and name or by the name alone; HF_HUB_CACHE before HF_HOME")
  func names() throws {
    try cache("an-owner--a-model", revision: "aaaa", main: "bbbb")
    try cache("an-owner--a-model", revision: "bbbb", main: "bbbb\n")
    let wanted = try encode(world.path("model"), [:]).output
    #expect(!wanted.isEmpty)
    for name in ["an-owner/a-model", "a-model"] {
      for environment in [["HF_HUB_CACHE": world.path("hub")], ["HF_HOME": world.path("")]] {
        let result = try encode(name, environment)
        #expect(result.code == 0 && result.output == wanted, "\(result.errors)")
      }
    }
    let other = try encode("a-model", ["HF_HUB_CACHE": world.path("model"), "HF_HOME": world.path("")])
    #expect(other.code == 66 && other.errors.contains("hf download a-model"), "\(other.errors)")
    try cache("someone--a-model", revision: "cccc", main: nil)
    let both = try encode("a-model", ["HF_HUB_CACHE": world.path("hub")])
    #expect(both.code == 65 && both.errors.contains("an-owner/a-model and someone/a-model"), "\(both.errors)")
    #expect(try encode("someone/a-model", ["HF_HUB_CACHE": world.path("hub")]).output == wanted)
  }

  @Test("a cache without the revision, and links that lead nowhere")
  func incomplete() throws {
    try cache("an-owner--a-model", revision: "aaaa", main: "bbbb")
    let result = try encode("an-owner/a-model", ["HF_HUB_CACHE": world.path("hub")])
    #expect(result.code == 65 && result.errors.contains("hf download an-owner/a-model"), "\(result.errors)")
    for file in ["model.safetensors", "vocab.txt", "config.json", "modules.json", "tokenizer_config.json"] {
      let path = world.path("model/" + file)
      try? FileManager.default.moveItem(atPath: path, toPath: path + ".kept")
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "../blobs/" + file)
      let result = try encode(world.path("model"), [:])
      #expect(result.code == 65 && result.errors.contains("a link to ../blobs/\(file), where nothing is"), "\(file)")
      try FileManager.default.removeItem(atPath: path)
      try? FileManager.default.moveItem(atPath: path + ".kept", toPath: path)
    }
  }

  @Test("prompts by name and text; a training from a cached name says the same model")
  func promptsAndTraining() throws {
    try cache("an-owner--a-model", revision: "aaaa", main: nil)
    let folder = world.path("hub/models--an-owner--a-model/snapshots/aaaa")
    let settings = #"{"prompts": {"query": "word1 word2 ", "none": ""}, "default_prompt_name": "query"}"#
    try Data(settings.utf8).write(to: URL(fileURLWithPath: folder + "/config_sentence_transformers.json"))
    func prompted(_ flags: [String]) throws -> ShellResult {
      try shell(
        [Resources.command, "encode", "--model", "a-model", "--pooler", "avg", "--json", "--input"]
          + [world.path("train.txt"), "--threads", "1"] + flags, environment: ["HF_HUB_CACHE": world.path("hub")])
    }
    let (standard, plain) = (try prompted([]), try prompted(["--no-prompt"]))
    #expect(standard.errors.contains("the default prompt") && !plain.errors.contains("default prompt"))
    #expect(standard.output != plain.output)
    #expect(try prompted(["--prompt-name", "query"]).output == standard.output)
    #expect(try prompted(["--prompt-name", "none"]).output == plain.output)
    #expect(try prompted(["--prompt", "word1 word2 "]).output == standard.output)
    let wrong = try prompted(["--prompt-name", "other"])
    #expect(wrong.code == 64 && wrong.errors.contains("(query, none), found \"other\""), "\(wrong.errors)")
    let trained = try shell(
      [
        Resources.command, "train", "--model", "a-model", "--train-file", world.path("train.txt"), "--method",
        "simcse", "--max-steps", "1", "--batch-size", "8", "--output-dir", world.path("run"), "--threads", "1",
      ], environment: ["HF_HUB_CACHE": world.path("hub")])
    #expect(trained.code == 0, "\(trained.errors)")
    let exported = try String(decoding: world.data("run/config_sentence_transformers.json"), as: UTF8.self)
    #expect(exported.contains("word1 word2 "))
  }
}
