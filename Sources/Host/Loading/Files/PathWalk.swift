// The way to a file, as the kernel goes it: each folder from the root down and each symbolic link. Used by FileSafety.

import Files
import Glibc

/// Looks at each step of a path. Once a folder is known to be safe, nobody else can exchange what lies in it: so by the
/// time the walk is at its end, all that it has seen still holds, and a path that passed leads to the same file when
/// the loader takes it.
struct PathWalk {
  /// How far it is, without links; in the end the file or folder itself.
  private(set) var place = "/"
  /// What is still to go, the next step last.
  private var rest: [String] = []
  private var links = 0

  /// As many as the kernel follows.
  private static let mostLinks = 40

  /// - Parameter path: One that is not absolute begins in the working directory.
  init(_ path: String) {
    if !path.hasPrefix("/"), let here = getcwd(nil, 0) {
      go(String(cString: here))
      free(here)
    }
    rest = steps(path) + rest
  }

  /// What is unsafe on the way to the end; nil where nothing is. The file at the end is not judged, a folder is.
  mutating func problem() -> PluginRefusal? {
    if let problem = problemHere() { return problem }
    while let step = rest.popLast() {
      if let problem = take(step) { return problem }
    }
    return nil
  }

  private mutating func take(_ step: String) -> PluginRefusal? {
    if step == ".." {
      place = Path.folder(of: place)
      return nil
    }
    let next = place == "/" ? "/" + step : place + "/" + step
    var info = stat()
    guard lstat(next, &info) == 0 else { return isNotThere(errno, next) }
    if info.st_mode & S_IFMT == S_IFLNK { return follow(next, info) }
    place = next
    return FileSafety.isFolder(info) ? problemHere() : nil
  }

  /// Where there is nothing, whoever may write to the folder above could put something.
  private mutating func isNotThere(_ code: Int32, _ path: String) -> PluginRefusal? {
    guard code == ENOENT || code == ENOTDIR else { return .unreadable(reason: "\(path): \(systemMessage(code))") }
    var info = stat()
    rest = []
    guard lstat(place, &info) == 0, FileSafety.isFolder(info), FileSafety.isWritableByOthers(info),
      !FileSafety.leadsToProgram(place)
    else { return nil }
    return .couldBeMadeByOthers(path: path)
  }

  /// A link's own mode means nothing; but in a sticky folder it must be nobody else's.
  private mutating func follow(_ link: String, _ info: stat) -> PluginRefusal? {
    guard FileSafety.isTrusted(owner: info.st_uid) else {
      return .wrongOwner(what: "the link", path: link, owner: info.st_uid)
    }
    links += 1
    guard links <= Self.mostLinks, let target = target(of: link) else {
      return .unreadable(reason: "\(link): \(systemMessage(ELOOP))")
    }
    go(target)
    return nil
  }

  private func target(of link: String) -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(link, &buffer, buffer.count)
    return count < 0 ? nil : String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  private mutating func go(_ path: String) {
    if path.hasPrefix("/") { place = "/" }
    rest += steps(path)
  }

  private func steps(_ path: String) -> [String] {
    path.split(separator: "/").map(String.init).filter { $0 != "." }.reversed()
  }

  private func problemHere() -> PluginRefusal? {
    if FileSafety.leadsToProgram(place) { return nil }
    var info = stat()
    guard lstat(place, &info) == 0 else { return .unreadable(reason: "\(place): \(systemMessage(errno))") }
    return FileSafety.problem(of: info, what: "its folder", path: place)
  }
}
