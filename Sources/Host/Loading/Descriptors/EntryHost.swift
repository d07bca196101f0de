// The host table that entry functions see when nothing runs: it keeps what they log, so that a refusal has a reason.
// Used by PluginLoader; training passes the table of HostServices instead.

import Files
import Glibc
import PluginAPI
import Synchronization
import Version

/// An immortal `cse_host` whose log is kept. There is no instance and no call while it is in use, so of its
/// functions only `log` and `get_service` can be called properly.
enum EntryHost {
  /// Lines that entry functions logged, in order, by the thread they ran on.
  private static let lines = Mutex<[pthread_t: [String]]>([:])

  nonisolated(unsafe) static let table: UnsafePointer<cse_host> = {
    let table = UnsafeMutablePointer<cse_host>.allocate(capacity: 1)
    table.initialize(to: cse_host())
    table.pointee.struct_size = UInt32(MemoryLayout<cse_host>.size)
    table.pointee.abi_major = UInt16(CSE_ABI_MAJOR)
    table.pointee.abi_minor = UInt16(CSE_ABI_MINOR)
    table.pointee.name = UnsafePointer(strdup("mixcse"))
    table.pointee.version = UnsafeRawPointer(ProgramVersion.text.utf8Start).assumingMemoryBound(to: CChar.self)
    table.pointee.log = { _, _, line in EntryHost.keep(line) }
    table.pointee.parallel_for = { _, _, _, _, _ in cse_status(CSE_E_UNSUPPORTED) }
    table.pointee.random = { _, _, _, destination, count in
      guard let destination, count > 0 else { return }
      destination.update(repeating: 0, count: Int(count))
    }
    table.pointee.get_service = { _, _ in nil }
    return UnsafePointer(table)
  }()

  /// Removes and returns what was logged on this thread.
  static func takeLines() -> [String] {
    lines.withLock { $0.removeValue(forKey: pthread_self()) ?? [] }
  }

  private static func keep(_ line: UnsafePointer<CChar>?) {
    guard let memory = try? ProbedMemory(),
      case .bytes(let bytes) = memory.string(at: UInt(bitPattern: line), limit: 4096)
    else { return }
    let kept = String(decoding: bytes, as: UTF8.self).visible
    lines.withLock { if $0[pthread_self(), default: []].count < 16 { $0[pthread_self(), default: []].append(kept) } }
  }
}
