// A pseudo-terminal, for tests of what commands show on a real one.

import Foundation
import Synchronization

/// One end for a child's output, and all that came out of the other one.
public final class PseudoTerminal: Sendable {
  /// For the child.
  public let slave: FileHandle
  private let master: FileHandle
  private let received = Received()

  private final class Received: Sendable {
    let data = Mutex(Data())
  }

  /// What the system refused.
  public struct Failure: Error { public let code: Int32 }

  /// Opens one of a size.
  public init(columns: Int, rows: Int = 24) throws {
    // As unlockpt and ptsname, which Swift's Glibc leaves out: TIOCSPTLCK and TIOCGPTN.
    let descriptor = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    var (lock, number) = (Int32(0), Int32(0))
    guard descriptor >= 0, ioctl(descriptor, 0x4004_5431, &lock) == 0, ioctl(descriptor, 0x8004_5430, &number) == 0
    else { throw Failure(code: errno) }
    let other = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard other >= 0 else { throw Failure(code: errno) }
    master = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    slave = FileHandle(fileDescriptor: other, closeOnDealloc: true)
    resize(columns: columns, rows: rows)
    // Text as it is written, without the carriage returns that a terminal's driver adds.
    var mode = termios()
    tcgetattr(other, &mode)
    cfmakeraw(&mode)
    tcsetattr(other, TCSANOW, &mode)
    master.readabilityHandler = { [received] handle in
      var bytes = [UInt8](repeating: 0, count: 1 << 14)
      let count = read(handle.fileDescriptor, &bytes, bytes.count)
      if count <= 0 { handle.readabilityHandler = nil } else { received.data.withLock { $0 += bytes[..<count] } }
    }
  }

  /// As a window that is drawn larger or smaller.
  public func resize(columns: Int, rows: Int = 24) {
    var size = winsize(ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(slave.fileDescriptor, UInt(TIOCSWINSZ), &size)
  }

  /// All that was written so far.
  public var text: String { String(decoding: received.data.withLock { $0 }, as: UTF8.self) }

  /// Types at the keyboard, for a command that was started with `reads`.
  public func type(_ text: String) throws { try master.write(contentsOf: Data(text.utf8)) }

  /// Starts a command whose output and errors go here, and which reads from here if it `reads`.
  public func start(
    _ arguments: [String], environment: [String: String] = [:], reads: Bool = false
  ) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: arguments[0])
    process.arguments = Array(arguments.dropFirst())
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = reads ? slave : FileHandle.nullDevice
    process.standardOutput = slave
    process.standardError = slave
    try process.run()
    return process
  }

  /// Waits for the end of a command and for all it wrote.
  /// - Returns: its exit code, or 128 + the signal that ended it.
  public func wait(for process: Process) -> Int32 {
    process.waitUntilExit()
    var (before, quiet) = (-1, 0)
    while quiet < 5 {
      let count = received.data.withLock { $0.count }
      quiet = count == before ? quiet + 1 : 0
      before = count
      usleep(20_000)
    }
    return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
  }
}
