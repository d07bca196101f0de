// Locks of folders that several machines see: who is waited for, who is refused, and what a file that was left says.

import Foundation
import Processes
import Synchronization
import TestSupport
import Testing

@Suite struct FolderLockTests {
  private let scratch: Scratch
  private var folder: String { scratch.path }
  private var file: String { scratch.path + "/" + FolderLock.name }
  /// Fast enough for a test, slow enough for a busy machine.
  private let pace = LockPace(beat: 0.05, patience: 1.5)
  private let elsewhere = LockOwner(process: 77, host: "node7", kernel: "another-kernel", job: "Slurm job 12_3")

  init() throws { scratch = try Scratch() }

  private func touch() { utimes(file, nil) }

  private func take(hasSystemLocks: Bool = true) throws -> (lock: FolderLock, waited: Bool) {
    var waited = false
    let lock = try FolderLock(
      folder: folder, pace: pace, hasSystemLocks: hasSystemLocks, waiting: { waited = true })
    return (lock, waited)
  }

  @Test func ownersAreTextAndBack() {
    #expect(LockOwner(text: elsewhere.text) == elsewhere)
    #expect("\(elsewhere)" == "process 77 on node7, Slurm job 12_3" && !elsewhere.isHere && !elsewhere.isGone)
    #expect(LockOwner(text: LockOwner.current.text) == .current && LockOwner.current.isHere)
    // As earlier versions wrote it.
    let old = LockOwner(text: "4711\n")
    #expect(old?.process == 4711 && old?.isHere == true && old.map { "\($0)" } == "process 4711")
    for text in ["", "\n", "1\n", "x\nhost\n"] { #expect(LockOwner(text: text) == nil, "\(text)") }
  }

  /// By the system's locks, and where there are none.
  @Test(arguments: [true, false])
  func oneProcessAtATime(hasSystemLocks: Bool) throws {
    do {
      let first = try take(hasSystemLocks: hasSystemLocks)
      #expect(!first.waited)
      // Asked of the system.
      if hasSystemLocks { #expect(FolderLock.isHeld(folder: folder)) }
      #expect(throws: FolderLockFailure.inUse(.current)) { _ = try take(hasSystemLocks: hasSystemLocks) }
      withExtendedLifetime(first.lock) {}
    }
    #expect(!FileManager.default.fileExists(atPath: file) && !FolderLock.isHeld(folder: folder))
    #expect(try !take(hasSystemLocks: hasSystemLocks).waited)
  }

  /// Another machine holds it and shows life: it is refused, with who it is.
  @Test(arguments: [true, false])
  func aLiveHeartbeatRefuses(hasSystemLocks: Bool) throws {
    _ = try scratch.file(FolderLock.name, elsewhere.text)
    #expect(FolderLock.owner(folder: folder) == elsewhere && FolderLock.isHeld(folder: folder))
    let isOver = Atomic(false)
    let path = file
    let beats = WorkThread {
      while !isOver.load(ordering: .relaxed) {
        utimes(path, nil)
        usleep(50_000)
      }
    }
    #expect(throws: FolderLockFailure.inUse(elsewhere)) { _ = try take(hasSystemLocks: hasSystemLocks) }
    isOver.store(true, ordering: .relaxed)
    beats?.join()
    #expect(try String(contentsOfFile: file, encoding: .utf8) == elsewhere.text)
  }

  /// Another machine held it and is gone: after the patience it is taken, and not before.
  @Test(arguments: [true, false])
  func aStaleHeartbeatIsTakenOver(hasSystemLocks: Bool) throws {
    _ = try scratch.file(FolderLock.name, elsewhere.text)
    let began = ContinuousClock.now
    let (lock, waited) = try take(hasSystemLocks: hasSystemLocks)
    #expect(waited && ContinuousClock.now - began >= .seconds(pace.patience))
    #expect(try String(contentsOfFile: file, encoding: .utf8) == LockOwner.current.text)
    withExtendedLifetime(lock) {}
  }

  /// A process of this machine that is gone is not waited for.
  @Test(arguments: [true, false])
  func aDeadProcessOfThisMachineIsNoOwner(hasSystemLocks: Bool) throws {
    let current = LockOwner.current
    let child = Process()
    child.executableURL = URL(fileURLWithPath: "/bin/true")
    try child.run()
    child.waitUntilExit()
    let dead = LockOwner(process: child.processIdentifier, host: current.host, kernel: current.kernel)
    _ = try scratch.file(FolderLock.name, dead.text)
    #expect(dead.isGone && !FolderLock.isHeld(folder: folder))
    #expect(try !take(hasSystemLocks: hasSystemLocks).waited)
  }

  @Test func heldLocksShowLife() throws {
    let (lock, _) = try take()
    func time() -> timespec {
      var status = stat()
      stat(file, &status)
      return status.st_mtim
    }
    let first = time()
    let began = ContinuousClock.now
    while time().tv_nsec == first.tv_nsec, ContinuousClock.now - began < .seconds(20) { usleep(10_000) }
    #expect(time().tv_nsec != first.tv_nsec)
    withExtendedLifetime(lock) {}
  }

  /// Whoever stood still for too long is told that it is no longer the owner, and leaves the file to the new one.
  @Test func aLostLockIsNoticed() throws {
    let lost = Mutex<LockOwner?>(nil)
    do {
      let lock = try FolderLock(
        folder: folder, pace: pace, waiting: {}, lost: { other in lost.withLock { $0 = other } })
      try elsewhere.text.write(toFile: file, atomically: false, encoding: .utf8)
      let began = ContinuousClock.now
      while lost.withLock({ $0 }) == nil, ContinuousClock.now - began < .seconds(20) { usleep(10_000) }
      withExtendedLifetime(lock) {}
    }
    #expect(lost.withLock { $0 } == elsewhere)
    #expect(try String(contentsOfFile: file, encoding: .utf8) == elsewhere.text)
  }

  /// A comparison's lock stays a file, without an owner that another machine would wait for.
  @Test func inheritedLocksLeaveNoOwner() throws {
    do {
      let lock = try FolderLock(folder: folder, isInherited: true, pace: pace, waiting: {})
      #expect(FolderLock.owner(folder: folder) == .current)
      withExtendedLifetime(lock) {}
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: file)).isEmpty && !FolderLock.isHeld(folder: folder))
  }

  @Test func jobsByTheirVariables() throws {
    let names = ["SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID"]
    try #require(names.allSatisfy { getenv($0) == nil })
    #expect(BatchJob.name == nil && LockOwner.current.job == nil)
  }
}
