// Where `mixcse plugins new` finds the header and the Swift kit that it copies.

import ArgumentParser
import FoundationEssentials
import Processes

/// Where the header and the kit are.
struct PluginSDK {
  let header: String
  let kit: String
  /// Where the sources of the encoder on libtorch would be.
  private let encoder: String
  /// Where the header and the source of the library that connects ranks would be.
  private let ranksHeader, ranksSource: String
  /// The same of the library that keeps graphs.
  private let graphHeader, graphSource: String

  init(_ given: String?) throws {
    let program = URL(fileURLWithPath: ThisProcess.executable ?? ThisProcess.link).deletingLastPathComponent()
    var places = [given ?? ProcessInfo.processInfo.environment["CSE_SDK"]].compactMap { $0 }
    if places.isEmpty {
      places.append(program.deletingLastPathComponent().path + "/share/cse")
      var folder = program
      for _ in 0..<5 {
        folder.deleteLastPathComponent()
        places.append(folder.path)
      }
    }
    for place in places {
      for (api, sources, headersOf) in [("", "", nil), ("/Sources/PluginAPI/include", "/Plugins", "/Sources")]
        as [(String, String, String?)] where FileManager.default.fileExists(atPath: place + api + "/cse_plugin.h")
      {
        header = place + api
        kit = place + (headersOf ?? "") + "/PluginKit"
        (encoder, ranksSource, graphSource) = (
          place + sources + "/TorchEncoder", place + sources + "/MPIRanks", place + sources + "/HNSWGraph"
        )
        // What is installed has the header beside the source.
        ranksHeader = headersOf.map { place + $0 + "/RankAPI/include" } ?? ranksSource
        graphHeader = headersOf.map { place + $0 + "/GraphAPI/include" } ?? graphSource
        return
      }
    }
    throw ValidationError(
      "cse_plugin.h is in none of \(places.joined(separator: ", ")); say where the sources are with --sdk DIR")
  }

  /// The file that the encoder on libtorch is compiled from.
  /// - Throws: `ValidationError` where it is not there.
  func torchEncoder() throws -> String {
    for file in [encoder + "/encoder.cpp", header + "/cse_encoder.h"]
    where !FileManager.default.fileExists(atPath: file) {
      throw ValidationError(
        "\(file): expected the sources of the encoder, found none; say where they are with --sdk DIR")
    }
    return encoder + "/encoder.cpp"
  }

  /// The folder of cse_ranks.h, and the file that the library over MPI is compiled from.
  /// - Throws: `ValidationError` where they are not there.
  func ranks() throws -> (header: String, file: String) {
    try Self.source(
      ranksSource + "/ranks.c", header: ranksHeader, "cse_ranks.h", of: "the library that connects ranks")
  }

  /// The folder of cse_graph.h, and the file that the library over hnswlib is compiled from.
  /// - Throws: `ValidationError` where they are not there.
  func graph() throws -> (header: String, file: String) {
    try Self.source(graphSource + "/hnsw.cpp", header: graphHeader, "cse_graph.h", of: "the library that keeps graphs")
  }

  private static func source(
    _ file: String, header: String, _ name: String, of what: String
  ) throws -> (header: String, file: String) {
    for part in [file, header + "/" + name] where !FileManager.default.fileExists(atPath: part) {
      throw ValidationError(
        "\(part): expected the sources of \(what), found none; say where they are with --sdk DIR")
    }
    return (header, file)
  }

  func files(kit withKit: Bool) throws -> [(path: String, data: Data)] {
    func read(_ path: String) throws -> Data {
      guard let data = FileManager.default.contents(atPath: path) else {
        throw ValidationError("\(path) cannot be read")
      }
      return data
    }
    var files = [("include/cse_plugin.h", try read(header + "/cse_plugin.h"))]
    guard withKit else { return files }
    files.append(
      ("include/module.modulemap", Data("module PluginAPI {\n  header \"cse_plugin.h\"\n  export *\n}\n".utf8)))
    let names = try? FileManager.default.contentsOfDirectory(atPath: kit).filter { $0.hasSuffix(".swift") }.sorted()
    guard let names, !names.isEmpty else { throw ValidationError("\(kit): the Swift kit is not there") }
    for name in names { files.append(("Kit/" + name, try read(kit + "/" + name))) }
    return files
  }
}
