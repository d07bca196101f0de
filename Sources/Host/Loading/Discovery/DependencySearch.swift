// Finds the libraries a plugin needs as the dynamic loader would, to name what is missing before anything runs.
// Used by the pre-flight; after a failed dlopen it also lists the symbols that nothing defines.

import Files
import Glibc

/// The loader's search, done by hand. Source: ld.so(8), "searches for the shared object in the following order".
struct DependencySearch {
  private let libraryPath: [String]
  private let cache: LoaderCache

  /// Larger dependencies are taken as they are: reading them only to look for their own needs is not worth it.
  private static let largestRead = 64 << 20
  private static let mostLibraries = 256

  #if arch(x86_64)
    private static let triple = "x86_64-linux-gnu"
  #elseif arch(arm64)
    private static let triple = "aarch64-linux-gnu"
  #else
    private static let triple = "riscv64-linux-gnu"
  #endif
  private static let defaultFolders = [
    "/lib/\(triple)", "/usr/lib/\(triple)", "/lib64", "/usr/lib64", "/lib", "/usr/lib",
  ]

  init(environment: (String) -> String? = { getenv($0).map { String(cString: $0) } }) {
    libraryPath = (environment("LD_LIBRARY_PATH") ?? "")
      .split { $0 == ":" || $0 == ";" }.map(String.init)
    cache = LoaderCache.shared
  }

  /// - Throws: `PluginRefusal.missingDependency` for the first library that is found nowhere.
  func check(_ image: ELFImage, path: String) throws(PluginRefusal) {
    var walk = Walk(path: path)
    visit(image, path: path, inherited: [], &walk)
    if let missing = walk.missing { throw missing }
  }

  /// Strong undefined symbols of `image` that neither this process nor any of its dependencies defines.
  func undefinedSymbols(of image: ELFImage, path: String) -> [String] {
    let process = dlopen(nil, RTLD_LAZY)
    var open = Set(image.undefined.filter { name in process.map { dlsym($0, name) == nil } ?? true })
    var walk = Walk(path: path)
    visit(image, path: path, inherited: [], &walk)
    for image in walk.images where !open.isEmpty { open.subtract(image.exports) }
    for name in walk.loaded where !open.isEmpty {
      guard let handle = dlopen(name, RTLD_LAZY | RTLD_NOLOAD) else { continue }
      open = open.filter { dlsym(handle, $0) == nil }
      dlclose(handle)
    }
    return open.sorted()
  }

  // MARK: The walk through the dependencies

  private struct Walk {
    var seen: Set<String>
    /// What was read of the dependencies, and the names of those this process has loaded already.
    var images: [ELFImage] = []
    var loaded: [String] = []
    /// The first one that is found nowhere.
    var missing: PluginRefusal?

    init(path: String) { seen = [path] }
  }

  private func visit(_ image: ELFImage, path: String, inherited: [String], _ walk: inout Walk) {
    let folders = searchFolders(image, path: path, inherited: inherited)
    // An RPATH holds for the dependencies of dependencies too; a RUNPATH does not.
    let passedOn = image.runPath == nil ? expanded(image.rPath, path: path) + inherited : inherited
    for name in image.needed {
      switch find(name, in: folders) {
      case .loaded: walk.loaded.append(name)
      case .missing:
        walk.missing =
          walk.missing ?? .missingDependency(name: name, neededBy: path, searched: folders + ["the system's folders"])
      case .file(let file):
        guard let file = Path.resolved(file), walk.seen.insert(file).inserted, walk.seen.count < Self.mostLibraries,
          let needed = Self.image(at: file)
        else { continue }
        walk.images.append(needed)
        visit(needed, path: file, inherited: passedOn, &walk)
      }
    }
  }

  private enum Finding {
    case loaded, missing
    case file(String)
  }

  private func find(_ name: String, in folders: [String]) -> Finding {
    if name.contains("/") { return Self.fits(name) ? .file(name) : .missing }
    if let handle = dlopen(name, RTLD_LAZY | RTLD_NOLOAD) {
      dlclose(handle)
      return .loaded
    }
    for folder in folders where Self.fits(folder + "/" + name) { return .file(folder + "/" + name) }
    for path in cache.paths(of: name) where Self.fits(path) { return .file(path) }
    for folder in Self.defaultFolders where Self.fits(folder + "/" + name) { return .file(folder + "/" + name) }
    return .missing
  }

  private func searchFolders(_ image: ELFImage, path: String, inherited: [String]) -> [String] {
    let own = image.runPath == nil ? expanded(image.rPath, path: path) + inherited : []
    return own + libraryPath + expanded(image.runPath, path: path)
  }

  /// The folders of a RUNPATH or RPATH with the loader's variables filled in.
  private func expanded(_ list: String?, path: String) -> [String] {
    (list ?? "").split(separator: ":").map { entry in
      var text = String(entry)
      for (name, value) in [("ORIGIN", Path.folder(of: path)), ("LIB", "lib/" + Self.triple), ("PLATFORM", "x86_64")] {
        text = replacing("${\(name)}", by: value, in: text)
        text = replacing("$\(name)", by: value, in: text)
      }
      return text
    }
  }

  /// Whether the loader would take this file: readable, ELF, for this machine.
  private static func fits(_ path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var head = [UInt8](repeating: 0, count: 64)
    guard pread(descriptor, &head, 64, 0) == 64, head.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]) else { return false }
    return UInt16(head[18]) | UInt16(head[19]) << 8 == ELFHeader.hostMachine
  }

  private static func image(at path: String) -> ELFImage? {
    guard let file = try? OpenedFile(path), file.info.st_size <= largestRead, let bytes = try? file.contents() else {
      return nil
    }
    return try? ELFImage(bytes)
  }
}

private func replacing(_ part: String, by value: String, in text: String) -> String {
  var result = ""
  var rest = Substring(text)
  while !rest.isEmpty {
    if rest.hasPrefix(part) {
      result += value
      rest = rest.dropFirst(part.count)
    } else {
      result.append(rest.removeFirst())
    }
  }
  return result
}
