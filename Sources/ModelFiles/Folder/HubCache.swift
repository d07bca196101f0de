// Models of the Hugging Face Hub that are on this computer: where its library keeps what it has fetched. Nothing is
// fetched here. Called where a model folder is opened.
// Source: huggingface_hub, constants.py and file_download.py (`models--OWNER--NAME/refs`, `/snapshots`).

import Files
import Glibc

/// The local cache of the Hub.
enum HubCache {
  /// The folder of the cache: `HF_HUB_CACHE`, else `hub` in `HF_HOME`, else in `~/.cache/huggingface`.
  static var folder: String? {
    for name in ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"] {
      if let path = variable(name) { return path }
    }
    if let home = variable("HF_HOME") { return home + "/hub" }
    if let cache = variable("XDG_CACHE_HOME") { return cache + "/huggingface/hub" }
    return variable("HOME").map { $0 + "/.cache/huggingface/hub" }
  }

  private static func variable(_ name: String) -> String? {
    guard let text = getenv(name), case let value = String(cString: text), !value.isEmpty else { return nil }
    guard value.hasPrefix("~/"), let home = variable("HOME") else { return Path.withoutTrailingSlashes(value) }
    return Path.withoutTrailingSlashes(home + value.dropFirst())
  }

  /// The folder of a model by its name on the Hub: `OWNER/NAME`, or `NAME` where only one owner's is here.
  /// - Returns: nil where the cache has none of that name.
  /// - Throws: `FileError` where the cache has it and not as it should be, or from several owners.
  static func find(_ name: String) throws -> String? {
    guard let folder, Path.isFolder(folder) else { return nil }
    let words = name.split(separator: "/", omittingEmptySubsequences: false)
    guard words.count <= 2, words.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") }) else { return nil }
    let exact = "models--" + words.joined(separator: "--")
    if Path.isFolder(folder + "/" + exact) { return try snapshot(folder + "/" + exact, of: name) }
    guard words.count == 1 else { return nil }
    let owned = try Folder.names(in: folder).filter { entry in
      guard entry.hasPrefix("models--"), entry.hasSuffix("--" + name), entry.count > exact.count + 2 else {
        return false
      }
      return !entry.dropFirst("models--".count).dropLast(name.count + 2).contains("--")
    }
    guard owned.count <= 1 else {
      let names = owned.map { $0.dropFirst("models--".count).replacing("--", with: "/") }
      throw FileError.malformed(
        path: name, place: "", expected: "a folder, or a name that only one model in \(folder) has",
        found: names.joined(separator: " and "), advice: "Name its owner, too")
    }
    return try owned.first.map { try snapshot(folder + "/" + $0, of: name) }
  }

  /// The files of the revision "main", else of the only one.
  private static func snapshot(_ repository: String, of name: String) throws -> String {
    let snapshots = repository + "/snapshots"
    let main = repository + "/refs/main"
    var found = Path.isFolder(snapshots) ? try Folder.names(in: snapshots) : []
    if Path.isFile(main) {
      let file = try InputFile(path: main, expected: "the name of a revision")
      let text = String(decoding: try file.bytes(at: 0, count: min(file.size, 256)), as: UTF8.self)
      found = found.filter { $0 == text.filter { !$0.isWhitespace } }
    }
    guard found.count == 1, let revision = found.first else {
      throw FileError.malformed(
        path: repository, place: "snapshots", expected: "the revision main, or a single one",
        found: found.isEmpty ? "none" : "\(found.count)", advice: "Fetch the model again: hf download \(name)")
    }
    return snapshots + "/" + revision
  }
}

extension ModelFolder {
  /// The folder that a name means: one of that path, else a model of the local cache of the Hub.
  /// - Throws: `FileError` where there is neither, with how to get it.
  package static func locate(_ name: String) throws -> String {
    let trimmed = Path.withoutTrailingSlashes(name)
    if Path.isFolder(trimmed) { return trimmed }
    guard !Path.exists(trimmed), let cached = try HubCache.find(trimmed) else { throw FileError.noModelFolder(name) }
    return cached
  }
}
