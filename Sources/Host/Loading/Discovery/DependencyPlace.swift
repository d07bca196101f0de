// Where the loader will look for a library that a plugin is linked with, and whether others could put theirs there: its
// constructors run as the plugin's do. Made by DependencySearch.

/// One library that a plugin needs, as the loader will search for it.
struct DependencyPlace {
  let name: String
  let neededBy: String
  /// Of DT_RPATH, LD_LIBRARY_PATH and DT_RUNPATH, those searched up to where it was found. A folder that does not have
  /// the library counts, too: what others put there would be found first.
  let folders: [String]
  /// What was found in them. Nothing where it is the system's, which every program on this machine trusts.
  let files: [String]

  /// Why others could exchange it; nil where they cannot.
  func problem() -> PluginRefusal? {
    let problem = folders.lazy.compactMap(FileSafety.problem(ofSearched:)).first ?? files.lazy.compactMap(problem).first
    return problem.map { .unsafeDependency(name: name, neededBy: neededBy, problem: "\($0)") }
  }

  private func problem(_ file: String) -> PluginRefusal? {
    do throws(PluginRefusal) {
      return FileSafety.problem(of: try OpenedFile(file))
    } catch {
      return error
    }
  }
}
