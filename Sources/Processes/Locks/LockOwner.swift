// Who holds the lock of a folder: a process, the machine it runs on, and the job of a cluster that it belongs to.
// Written into the lock's file by FolderLock, shown by whoever is refused.

import Glibc

/// A process that holds a lock, on this machine or on another one that sees the same folder.
package struct LockOwner: Sendable, Equatable {
  /// The number of the process on its machine.
  package let process: Int32
  /// The name of its machine.
  package let host: String
  /// What tells one running kernel from any other; the system's locks are certain among processes of one kernel.
  package let kernel: String
  /// The job of a cluster, as `Slurm job 12_3`; nil outside of any.
  package let job: String?

  /// An owner by its parts.
  package init(process: Int32, host: String, kernel: String, job: String? = nil) {
    (self.process, self.host, self.kernel, self.job) = (process, host, kernel, job)
  }

  /// This process.
  package static var current: LockOwner {
    let host = hostName
    return LockOwner(process: getpid(), host: host, kernel: bootIdentifier ?? host, job: BatchJob.name)
  }

  /// Whether its process can be asked for by its number: another container has its own numbers.
  package var isHere: Bool { sharesKernel && (host.isEmpty || host == Self.hostName) }

  /// Whether it runs under this kernel.
  package var sharesKernel: Bool { kernel.isEmpty || kernel == Self.bootIdentifier ?? Self.hostName }

  /// Whether its process is known to be gone: only one of this machine can be asked.
  package var isGone: Bool { isHere && kill(process, 0) != 0 && errno == ESRCH }

  // MARK: - As a file holds it

  /// A line each: process, host, kernel, job.
  package var text: String { "\(process)\n\(host)\n\(kernel)\n\(job ?? "")\n" }

  /// What a file says; nil where that is no owner. Earlier versions wrote the process alone.
  package init?(text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard let process = lines.first.flatMap({ Int32($0) }), process > 1 else { return nil }
    func line(_ place: Int) -> String { place < lines.count ? lines[place] : "" }
    self.init(process: process, host: line(1), kernel: line(2), job: line(3).isEmpty ? nil : line(3))
  }

  // MARK: - This machine

  private static let hostName: String = {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }()

  /// New at each start of a machine, the same in all its containers; nil without /proc.
  private static let bootIdentifier: String? = {
    let file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = read(file, &bytes, bytes.count)
    return count > 1 ? String(decoding: bytes[..<count].prefix { $0 != 10 }, as: UTF8.self) : nil
  }()
}

extension LockOwner: CustomStringConvertible {
  /// `process 12`, `process 12 on node7, Slurm job 55_2`.
  package var description: String {
    "process \(process)" + (isHere ? "" : " on \(host)") + (job.map { ", \($0)" } ?? "")
  }
}

/// The job of a cluster that this process belongs to.
package enum BatchJob {
  /// `Slurm job 12_3`, `PBS job 7`; nil outside of any.
  package static var name: String? {
    if let array = variable("SLURM_ARRAY_JOB_ID"), let task = variable("SLURM_ARRAY_TASK_ID") {
      return "Slurm job \(array)_\(task)"
    }
    let known = [
      ("SLURM_JOB_ID", "Slurm job"), ("PBS_JOBID", "PBS job"), ("LSB_JOBID", "LSF job"), ("JOB_ID", "Grid Engine job"),
    ]
    return known.lazy.compactMap { name, word in variable(name).map { "\(word) \($0)" } }.first
  }

  /// Only characters that a line can hold.
  private static func variable(_ name: String) -> String? {
    guard let text = getenv(name).map({ String(cString: $0) }), !text.isEmpty, text.utf8.count < 100,
      text.utf8.allSatisfy({ $0 > 32 && $0 < 127 })
    else { return nil }
    return text
  }
}
