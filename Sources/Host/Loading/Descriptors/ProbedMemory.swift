// Reads memory that a plugin points to without trusting the pointer: a wrong one gives nil instead of a crash.
// Used while a descriptor is validated, never in the training loop.

import Files
import Glibc

/// Reading through the kernel: `write(2)` from a bad address fails with EFAULT where a load would die.
package final class ProbedMemory {
  private let readEnd: Int32
  private let writeEnd: Int32

  /// - Throws: `PluginRefusal.unreadable` where the process can open no more files.
  package init() throws(PluginRefusal) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw .unreadable(reason: systemMessage(errno)) }
    (readEnd, writeEnd) = (ends[0], ends[1])
    _ = fcntl(readEnd, F_SETFD, FD_CLOEXEC)
    _ = fcntl(writeEnd, F_SETFD, FD_CLOEXEC)
  }

  deinit {
    close(readEnd)
    close(writeEnd)
  }

  /// `count` bytes from `address`, or nil where any of them cannot be read.
  package func bytes(at address: UInt, count: Int) -> [UInt8]? {
    guard address != 0, count >= 0, !address.addingReportingOverflow(UInt(count)).overflow else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(count)
    while result.count < count {
      let position = address + UInt(result.count)
      guard let piece = piece(at: position, count: min(count - result.count, bytesLeftInPage(position))) else {
        return nil
      }
      result += piece
    }
    return result
  }

  /// The bytes from `address` up to a zero byte.
  package func string(at address: UInt, limit: Int) -> StringReading {
    guard address != 0 else { return .null }
    var result: [UInt8] = []
    while result.count <= limit {
      let (position, overflow) = address.addingReportingOverflow(UInt(result.count))
      guard !overflow, let piece = piece(at: position, count: bytesLeftInPage(position)) else { return .unreadable }
      if let end = piece.firstIndex(of: 0) {
        result += piece[..<end]
        return result.count > limit ? .tooLong : .bytes(result)
      }
      result += piece
    }
    return .tooLong
  }

  /// What was found where a text should be.
  package enum StringReading {
    case null, unreadable, tooLong
    /// Without the zero byte.
    case bytes([UInt8])
  }

  // Pages are readable as a whole; 4096 divides every page size in use.
  private func bytesLeftInPage(_ address: UInt) -> Int { 4096 - Int(address & 4095) }

  /// Up to a page, well below what a pipe holds, so that the write never waits.
  private func piece(at address: UInt, count: Int) -> [UInt8]? {
    var written: Int
    repeat {
      written = write(writeEnd, UnsafeRawPointer(bitPattern: address), count)
    } while written < 0 && errno == EINTR
    guard written > 0 else { return nil }
    let received = [UInt8](unsafeUninitializedCapacity: written) { buffer, filled in
      while filled < written {
        let got = read(readEnd, buffer.baseAddress.map { $0 + filled }, written - filled)
        if got > 0 { filled += got } else if errno != EINTR { break }
      }
    }
    return received.count == count ? received : nil
  }
}

/// The address ranges of this process that hold code, as they are now.
package struct ExecutableRanges {
  private let ranges: [Range<UInt>]

  /// Reads /proc/self/maps.
  package init() {
    var ranges: [Range<UInt>] = []
    for line in (readSmallFile("/proc/self/maps") ?? "").split(separator: "\n") {
      let fields = line.split(separator: " ", maxSplits: 2)
      guard fields.count >= 2, fields[1].contains("x") else { continue }
      let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
      if ends.count == 2, ends[0] < ends[1] { ranges.append(ends[0]..<ends[1]) }
    }
    self.ranges = ranges
  }

  /// Whether `address` is code; without /proc every address counts as such.
  package func contains(_ address: UInt) -> Bool {
    ranges.isEmpty || ranges.contains { $0.contains(address) }
  }
}

/// The text of a file of the system whose size is not known beforehand; nil where it cannot be read.
func readSmallFile(_ path: String) -> String? {
  readSmallFileBytes(path).map { String(decoding: $0, as: UTF8.self) }
}

func readSmallFileBytes(_ path: String) -> [UInt8]? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let got = read(descriptor, &buffer, buffer.count)
    if got < 0 && errno == EINTR { continue }
    guard got > 0 else { return bytes }
    bytes += buffer[..<got]
  }
}
