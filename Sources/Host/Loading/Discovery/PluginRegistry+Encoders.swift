// Encoders are looked for apart from other plugins, in a folder `encoders` of each folder of the search path: what they
// are linked with takes seconds to load, so only who asks for one, or for the list of all, loads them.

import PluginGrammar

extension PluginRegistry {
  /// The folder of encoders inside a folder of plugins.
  package static let encoderFolder = "encoders"

  /// The encoders along the search path, loaded; a file that cannot be used is among `refusals`.
  package var encoders: [PluginComponent] {
    encoderFiles.flatMap { path -> [PluginComponent] in
      do {
        return try library(atPath: path).components.filter { $0.kind == .encoder }
      } catch PluginError.refused(_, let reason) {
        refuse(path, reason)
        return []
      } catch {
        return []
      }
    }
  }

  /// The encoder that `name` stands for: its name, its full id, a path or a path and a name.
  /// - Throws: `PluginError`: `.unknownComponent`, `.refused`; `UsageError.ambiguous`.
  package func encoder(_ name: String) throws -> PluginComponent {
    if isPath(name) { return try component(.encoder, name) }
    var found: [PluginComponent] = []
    for component in encoders where component.name == name || component.id == name {
      // The first folder counts, as with other plugins.
      if !found.contains(where: { $0.library.id == component.library.id }) { found.append(component) }
    }
    guard let first = found.first else {
      let build = name == "torch" ? "; mixcse encoder build torch --python PYTHON makes it" : ""
      let refused = refusals.filter { encoderFiles.contains($0.path) }.map { "\($0.path): \($0.reason)" }
      throw PluginError.unknownComponent(
        kind: ComponentKind.encoder.rawValue, name: name, hint: build,
        searched: SearchReport(
          folders: searchPath.folders.map { "\($0.path)/\(Self.encoderFolder)" }, refused: refused))
    }
    guard found.count == 1 else {
      throw UsageError.ambiguous(
        kind: ComponentKind.encoder.rawValue, name: name, candidates: found.map { "\($0.id) (\($0.library.path))" })
    }
    return try placed(first)
  }

  private var encoderFiles: [String] {
    searchPath.folders.flatMap { folder -> [String] in
      let path = folder.path + "/" + Self.encoderFolder
      return ((try? libraryNames(in: path)) ?? []).map { path + "/" + $0 }
    }
  }
}
