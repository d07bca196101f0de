// Tells which of some files were written again or replaced, through inotify on their folders: a file that is renamed
// into place is another file, so that watching the file itself would see nothing. Asked by hot reload at every step.

import Files
import Glibc

/// Watches files, whether or not they exist at the moment.
package final class FileWatch {
  private struct Place {
    let folder: String
    let name: String
    /// What the file is called in `changes`.
    let file: String
  }

  private let descriptor: Int32
  private var places: [Place] = []
  /// Two names of one folder, such as `.` and its path, share a watch.
  private var folders: [Int32: Set<String>] = [:]

  /// - Throws: `SystemFailure` where the system gives no inotify instance.
  package init() throws(SystemFailure) {
    descriptor = inotify_init1(O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemFailure(operation: "inotify_init", code: errno) }
  }

  deinit { close(descriptor) }

  /// From now on `changes` names `file` when it, what a symbolic link of that name points to, or a file of either name
  /// with one of `suffixes` after it is written.
  package func follow(_ file: String, suffixes: [String] = []) {
    let target = Path.resolved(file) ?? file
    places.removeAll { $0.file == file }
    for path in Set([file, target]) {
      let folder = Path.folder(of: path)
      for suffix in [""] + suffixes {
        places.append(Place(folder: folder, name: Path.name(of: path) + suffix, file: file))
      }
      if !watched.contains(folder) { _ = add(folder) }
    }
  }

  /// The files that changed since the last call, in no order.
  package func changes() -> Set<String> {
    var changed: Set<String> = []
    // A folder that was removed and made again holds files nobody has seen.
    for folder in Set(places.map(\.folder)).subtracting(watched) where add(folder) {
      changed.formUnion(places.filter { $0.folder == folder }.map(\.file))
    }
    withUnsafeTemporaryAllocation(byteCount: 1 << 14, alignment: 8) { buffer in
      while true {
        let got = read(descriptor, buffer.baseAddress, buffer.count)
        if got < 0 && errno == EINTR { continue }
        guard got > 0 else { return }
        take(UnsafeRawBufferPointer(rebasing: buffer[..<got]), &changed)
      }
    }
    return changed
  }

  private var watched: Set<String> { Set(folders.values.joined()) }

  private func add(_ folder: String) -> Bool {
    let events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR
    let watch = inotify_add_watch(descriptor, folder, UInt32(bitPattern: Int32(truncatingIfNeeded: events)))
    if watch >= 0 { folders[watch, default: []].insert(folder) }
    return watch >= 0
  }

  private func take(_ events: UnsafeRawBufferPointer, _ changed: inout Set<String>) {
    let header = 16
    var start = 0
    while start + header <= events.count {
      let watch = events.loadUnaligned(fromByteOffset: start, as: Int32.self)
      let mask = Int(events.loadUnaligned(fromByteOffset: start + 4, as: UInt32.self))
      let length = Int(events.loadUnaligned(fromByteOffset: start + 12, as: UInt32.self))
      let bytes = events[(start + header)..<min(start + header + length, events.count)].prefix { $0 != 0 }
      start += header + length
      if mask & Int(IN_Q_OVERFLOW) != 0 { changed.formUnion(places.map(\.file)) }
      guard let names = folders[watch] else { continue }
      if mask & Int(IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED) != 0 {
        folders[watch] = nil
        inotify_rm_watch(descriptor, watch)
      }
      let name = String(decoding: bytes, as: UTF8.self)
      changed.formUnion(places.filter { names.contains($0.folder) && $0.name == name }.map(\.file))
    }
  }
}
