// The library that keeps graphs (cse_graph.h): built on the user's machine by `mixcse index library`, found beside the
// plugins, loaded at run time. Used by NeighbourGraph alone.

import Files
import Glibc
import GraphAPI
package import Host

/// A loaded library; it stays for the life of the process.
package final class GraphLibrary: Sendable {
  /// The name of its file.
  package static let fileName = "libMixCSEGraph.so"
  /// The folder of the library in a folder of plugins, where it is not taken for one.
  package static let folder = "graphs"
  /// The variable that names it.
  package static let variable = "CSE_GRAPH"

  nonisolated(unsafe) let functions: UnsafePointer<cse_graph_functions>
  /// What it is made of, for people.
  package var name: String { String(cString: functions.pointee.library) }

  /// The library that `CSE_GRAPH` names, else the first along a search path.
  /// - Parameter allowInsecure: accept one that others could have written.
  /// - Throws: `SearchError.noGraphLibrary`, `.graphLibrary`.
  package convenience init(along searchPath: PluginSearchPath, allowInsecure: Bool) throws {
    let named = runsPrivileged() ? nil : getenv(Self.variable).map { String(cString: $0) }
    let usual = searchPath.folders.map { "\($0.path)/\(Self.folder)/\(Self.fileName)" }
    try self.init(places: named.flatMap { $0.isEmpty ? nil : [$0] } ?? usual, allowInsecure: allowInsecure)
  }

  /// The first of these files that is there.
  /// - Throws: `SearchError.noGraphLibrary`, `.graphLibrary`.
  package init(places: [String], allowInsecure: Bool = false) throws {
    guard let path = places.first(where: Path.exists) else { throw SearchError.noGraphLibrary(places: places) }
    func refusal(_ problem: String) -> SearchError { .graphLibrary(path: path, problem: problem) }
    let file: OpenedFile
    do { file = try OpenedFile(path) } catch { throw refusal("\(error)") }
    if !allowInsecure, let problem = FileSafety.problem(of: file) { throw refusal("\(problem)") }
    guard let handle = dlopen(file.resolvedPath, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
      throw refusal(dlerror().map { String(cString: $0) } ?? "it cannot be loaded")
    }
    guard let symbol = dlsym(handle, CSE_GRAPH_ENTRY) else { throw refusal("it has no \(CSE_GRAPH_ENTRY)") }
    typealias Entry = @convention(c) (UInt32) -> UnsafePointer<cse_graph_functions>?
    guard let table = unsafeBitCast(symbol, to: Entry.self)(CSE_GRAPH_ABI) else {
      throw refusal("it was built for another version of this program")
    }
    functions = table
  }
}
