// The library that keeps graphs, built once with the hnswlib of this machine.

import Foundation

/// What `mixcse index library` builds.
public enum BuiltGraphLibrary {
  /// Its file.
  public static let path: Result<String, any Error> = Result {
    let folder = FileManager.default.temporaryDirectory.path + "/graphs-\(getpid())"
    let built = try shell([Resources.command, "index", "library", "--output", folder])
    guard built.code == 0 else { throw GraphLibraryNotBuilt(description: built.errors) }
    return folder + "/libMixCSEGraph.so"
  }
}

struct GraphLibraryNotBuilt: Error, CustomStringConvertible {
  let description: String
}
