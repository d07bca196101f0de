// Plugins in C that tests compile as they run.

import Foundation
import Testing

/// Compiles a plugin from C into a library that the program loads: readable by all, written by nobody else.
/// - Parameter flags: more of the compiler's.
/// - Throws: what the compiler says, where it refuses.
public func buildPlugin(_ source: String, to library: String, flags: [String] = []) throws {
  let include = Resources.packageRoot + "/Sources/PluginAPI/include"
  let built = try shell(["cc", "-O2", "-shared", "-fPIC", "-I", include] + flags + [source, "-o", library, "-lm"])
  try #require(built.code == 0, "\(built.errors)")
  try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: library)
}
