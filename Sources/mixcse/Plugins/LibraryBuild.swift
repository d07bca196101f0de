// How the program compiles a library of its own against what is installed here: beside its place, then put there whole.
// Used by `encoder build`, `ranks build` and `index library`.

import ArgumentParser
import Files
import Glibc
import Host
import Processes

/// A library that is compiled on the user's machine.
struct LibraryBuild {
  /// Where it will be.
  let target: String
  private let temporary: String

  /// - Parameters:
  ///   - name: of the file.
  ///   - folder: as `--output` names it.
  ///   - usual: the folder below the user's own plugins, where `folder` is nil.
  init(_ name: String, in folder: String?, else usual: String) throws {
    guard let folder = try folder ?? Self.ownFolder(usual) else {
      throw ValidationError("--output: expected a folder, since neither XDG_DATA_HOME nor HOME names one; found none")
    }
    // Whatever the umask: a library that others can write to is refused later.
    try Folder.create(folder, mode: 0o755)
    (target, temporary) = (folder + "/" + name, folder + "/.\(getpid()).\(name)")
  }

  /// A folder below the user's own plugins; nil where the environment has no place for a user's files.
  private static func ownFolder(_ name: String) throws -> String? {
    try PluginSearchPath(pluginPaths: []).dataFolder.map { $0 + "/" + name }
  }

  /// `CXX`, else g++ or clang++.
  /// - Throws: `ValidationError` where there is none.
  static func cxxCompiler() throws -> String {
    let names = getenv("CXX").map { [String(cString: $0)] } ?? ["g++", "clang++", "c++"]
    guard let found = names.first(where: { ChildOutput.found($0) != nil }) else {
      throw ValidationError(
        "expected a C++ compiler (\(names.joined(separator: ", "))), found none\n  sudo apt-get install g++")
    }
    return found
  }

  /// Compiles it.
  /// - Parameters:
  ///   - arguments: of the compiler, for a library at the given path.
  ///   - source: as errors name it, with what it is compiled against; `advice`: behind the compiler's own words.
  /// - Throws: `ValidationError` where it does not compile or cannot be written.
  func run(
    _ compiler: String, source: String, advice: String = "", _ arguments: (_ target: String) -> [String]
  ) throws {
    defer { unlink(temporary) }
    let result = try ChildOutput(of: compiler, arguments(temporary))
    guard result.isSuccess else {
      throw ValidationError("\(compiler) does not compile \(source):\n" + result.errors.prefix(2000) + advice)
    }
    guard chmod(temporary, 0o755) == 0, rename(temporary, target) == 0 else {
      throw ValidationError("\(target) cannot be written: \(systemMessage(errno))")
    }
  }
}
