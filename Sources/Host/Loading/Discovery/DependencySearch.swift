// Finds the libraries a plugin needs as the dynamic loader would, to name what is missing before anything runs.
// Used by the pre-flight, which also refuses libraries and folders that others could write; after a failed dlopen it
// lists the symbols that nothing defines.

import Files
import Glibc

/// The loader's search, done by hand. Source: ld.so(8), "searches for the shared object in the following order".
struct DependencySearch {
  private let libraryPath: [String]
  private let cache: LoaderCache

  /// Larger dependencies are taken as they are: reading them only to look for their own needs is not worth it.
  private static let largestRead = 64 << 20
  private static let mostLibraries = 256
  private static let mostLooks = 1 << 15

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
    libraryPath = Self.entries(environment("LD_LIBRARY_PATH")) { $0 == ":" || $0 == ";" }
    cache = LoaderCache.shared
  }

  /// - Throws: `PluginRefusal.missingDependency` for the first library that is found nowhere, `.unsafeDependency` for
  ///   the first that others could exchange, unless `allowInsecure`.
  func check(_ image: ELFImage, path: String, allowInsecure: Bool = false) throws(PluginRefusal) {
    var walk = Walk(path: path)
    visit(image, path: path, inherited: [], &walk)
    if let missing = walk.missing { throw missing }
    if !allowInsecure, let problem = walk.places.lazy.compactMap({ $0.problem() }).first { throw problem }
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
    /// How often a library was looked for in a folder.
    var looks = 0
    /// What was read of the dependencies, and the names of those this process has loaded already.
    var images: [ELFImage] = []
    var loaded: [String] = []
    /// The first one that is found nowhere.
    var missing: PluginRefusal?
    /// Where the loader will look for them.
    var places: [DependencyPlace] = []

    init(path: String) { seen = [path] }
  }

  private func visit(_ image: ELFImage, path: String, inherited: [String], _ walk: inout Walk) {
    let folders = searchFolders(image, path: path, inherited: inherited)
    // An RPATH holds for the dependencies of dependencies too; a RUNPATH does not.
    let passedOn = image.runPath == nil ? expanded(image.rPath, path: path) + inherited : inherited
    for (index, name) in (image.needed + image.auxiliary).enumerated() {
      walk.looks += folders.count
      guard walk.looks <= Self.mostLooks else {
        walk.missing = walk.missing ?? .malformed("its libraries are looked for in too many folders")
        return
      }
      switch find(name, in: folders) {
      case .loaded: walk.loaded.append(name)
      case .missing where index >= image.needed.count: break
      case .missing:
        walk.missing =
          walk.missing ?? .missingDependency(name: name, neededBy: path, searched: folders + ["the system's folders"])
      case .found(let files, let folders, let isSystem):
        walk.places.append(
          DependencyPlace(name: name, neededBy: path, folders: folders, files: isSystem ? [] : files))
        for file in files { enter(file, passedOn, &walk) }
      }
    }
  }

  private func enter(_ file: String, _ passedOn: [String], _ walk: inout Walk) {
    guard let file = Path.resolved(file), walk.seen.insert(file).inserted, walk.seen.count < Self.mostLibraries,
      let needed = Self.image(at: file)
    else { return }
    walk.images.append(needed)
    visit(needed, path: file, inherited: passedOn, &walk)
  }

  private enum Finding {
    case loaded, missing
    /// The file, with its variants for processors; the folders that are searched before it and its own.
    case found([String], looked: [String], isSystem: Bool)
  }

  /// Folders below a folder of the search that the loader prefers, by what the processor can do.
  private static let variants =
    ["x86-64-v4", "x86-64-v3", "x86-64-v2"].map { "/glibc-hwcaps/" + $0 + "/" }

  private func find(_ name: String, in folders: [String]) -> Finding {
    if name.contains("/") { return Self.fits(name) ? .found([name], looked: [], isSystem: false) : .missing }
    if let handle = dlopen(name, RTLD_LAZY | RTLD_NOLOAD) {
      dlclose(handle)
      return .loaded
    }
    for (index, folder) in folders.enumerated() {
      let files = (Self.variants + ["/"]).map { folder + $0 + name }.filter(Self.fits)
      if !files.isEmpty { return .found(files, looked: Array(folders[...index]), isSystem: false) }
    }
    let system = cache.paths(of: name) + Self.defaultFolders.map { $0 + "/" + name }
    return system.first(where: Self.fits).map { .found([$0], looked: folders, isSystem: true) } ?? .missing
  }

  private func searchFolders(_ image: ELFImage, path: String, inherited: [String]) -> [String] {
    let own = image.runPath == nil ? expanded(image.rPath, path: path) + inherited : []
    return own + libraryPath + expanded(image.runPath, path: path)
  }

  /// The folders of a RUNPATH or RPATH with the loader's variables filled in.
  private func expanded(_ list: String?, path: String) -> [String] {
    Self.entries(list) { $0 == ":" }.map { entry in
      var text = entry
      for (name, value) in [("ORIGIN", Path.folder(of: path)), ("LIB", "lib/" + Self.triple), ("PLATFORM", "x86_64")] {
        text = replacing("${\(name)}", by: value, in: text)
        text = replacing("$\(name)", by: value, in: text)
      }
      return text
    }
  }

  /// An empty entry is the working directory; a list without any text has no entries.
  private static func entries(_ list: String?, _ isSeparator: (Character) -> Bool) -> [String] {
    guard let list, !list.isEmpty else { return [] }
    return list.split(omittingEmptySubsequences: false, whereSeparator: isSeparator).map {
      $0.isEmpty ? "." : String($0)
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
