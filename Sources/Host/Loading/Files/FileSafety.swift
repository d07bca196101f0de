// Who may change a plugin: its user, root, and who can change this program anyway, or its code could be anybody's.
// Asked by the pre-flight of plugins, of what describes them and of what they are linked with, and by whoever makes
// private copies.

import Files
import Glibc
import Processes

/// Judges files and the folders that lead to them, as sshd does before it believes a file of keys.
package enum FileSafety {
  /// What is unsafe about the file or about a folder or link on the way to it; nil where nothing is.
  package static func problem(of file: OpenedFile) -> PluginRefusal? {
    if let problem = problem(of: file.info, what: "the file", path: file.resolvedPath) { return problem }
    var way = PathWalk(file.path)
    if let problem = way.problem() { return problem }
    // Everything on the way is safe now, so what lies at its end is what will lie there; is it what was opened?
    var info = stat()
    return lstat(way.place, &info) == 0 && FileStamp(info) == file.stamp ? nil : .changedSinceChecked
  }

  /// Why others could exchange what lies in `folder`, which need not be there; nil where they cannot.
  package static func problem(ofFolder folder: String) -> PluginRefusal? {
    var way = PathWalk(folder)
    return way.problem()
  }

  /// Why others could put a file of theirs into `folder`, in which something is looked for; nil where they cannot.
  ///
  /// Into a sticky folder they can: it is safe on the way to something, not as a place that is searched, where what
  /// they add may come first (`glibc-hwcaps/...` in the very folder that has the library).
  static func problem(ofSearched folder: String) -> PluginRefusal? {
    var way = PathWalk(folder)
    if let problem = way.problem() { return problem }
    var info = stat()
    guard lstat(way.place, &info) == 0, isFolder(info), isWritableByOthers(info) else { return nil }
    return .writableByOthers(what: "its folder", path: way.place, mode: UInt32(info.st_mode & 0o7777))
  }

  /// What is unsafe about what lies at `path`.
  static func problem(of info: stat, what: String, path: String) -> PluginRefusal? {
    guard isTrusted(owner: info.st_uid) else { return .wrongOwner(what: what, path: path, owner: info.st_uid) }
    // In a sticky folder such as /tmp others can add files, but not replace those of somebody else.
    if isFolder(info) && isSticky(info) { return nil }
    guard isWritableByOthers(info) else { return nil }
    return .writableByOthers(what: what, path: path, mode: UInt32(info.st_mode & 0o7777))
  }

  static func isFolder(_ info: stat) -> Bool { info.st_mode & S_IFMT == S_IFDIR }

  static func isSticky(_ info: stat) -> Bool { info.st_mode & S_ISVTX != 0 }

  static func isWritableByOthers(_ info: stat) -> Bool {
    info.st_mode & S_IWOTH != 0
      || info.st_mode & S_IWGRP != 0 && !isPrivateGroup(info.st_gid) && !programWriters.groups.contains(info.st_gid)
  }

  /// Whether what this user owns may be loaded.
  static func isTrusted(owner: uid_t) -> Bool {
    owner == 0 || owner == geteuid() || programWriters.owners.contains(owner)
  }

  /// Where every user has a group of their own (umask 002), that group is nobody else; sshd decides the same way.
  private static func isPrivateGroup(_ group: gid_t) -> Bool {
    guard let user = getpwuid(geteuid()), user.pointee.pw_gid == group, let name = user.pointee.pw_name,
      let entry = getgrgid(group), strcmp(entry.pointee.gr_name, name) == 0
    else { return false }
    var member = entry.pointee.gr_mem
    while let current = member?.pointee {
      if strcmp(current, name) != 0 { return false }
      member = member?.advanced(by: 1)
    }
    return true
  }

  /// Whether this very program lies below `folder`, so that whoever may write there can replace the program, too: then
  /// there is nothing to be won by refusing. A checkout that another user owns, in a container, is such a folder.
  static func leadsToProgram(_ folder: String) -> Bool {
    programFiles.contains { $0.hasPrefix(folder == "/" ? folder : folder + "/") }
  }

  /// Who can replace this very program: whoever owns its file or folder, and groups that may write there. Software that
  /// an administrator has installed for all, under an account of its own, brings plugins of that account.
  private static let programWriters: (owners: Set<uid_t>, groups: Set<gid_t>) = {
    var writers: (owners: Set<uid_t>, groups: Set<gid_t>) = ([], [])
    for place in programFiles.flatMap({ [$0, Path.folder(of: $0)] }) {
      var info = stat()
      // In a sticky folder others cannot replace it.
      guard lstat(place, &info) == 0, !(isFolder(info) && isSticky(info)) else { continue }
      writers.owners.insert(info.st_uid)
      if info.st_mode & S_IWGRP != 0 { writers.groups.insert(info.st_gid) }
    }
    return writers
  }()

  private static let programFiles = [ThisProcess.executable, ThisProcess.codeFile].compactMap { $0 }
}
