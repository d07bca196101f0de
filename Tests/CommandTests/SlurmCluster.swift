// A cluster of one node: munge and Slurm's two daemons as children of the test, with files and ports of their own.

import Foundation
import Processes
import TestSupport
import Testing

/// Started as root; ended with the object.
final class SlurmCluster {
  /// What finds this cluster.
  var environment: [String: String] { ["SLURM_CONF": folder + "/slurm.conf"] }
  private let folder: String
  private var daemons: [ChildProcess] = []

  init() throws {
    // Short: the socket's path may have 108 bytes.
    folder = "/tmp/mixcse-slurm-\(getpid())"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    for name in ["state", "spool", "munge"] {
      try FileManager.default.createDirectory(atPath: folder + "/" + name, withIntermediateDirectories: true)
    }
    let host = try shell(["hostname", "-s"]).output.trimmingCharacters(in: .whitespacesAndNewlines)
    try configuration(host: host).write(toFile: folder + "/slurm.conf", atomically: true, encoding: .utf8)
    let munge = folder + "/munge"
    try Data((0..<1024).map { _ in UInt8.random(in: 0...255) }).write(to: URL(fileURLWithPath: munge + "/key"))
    try #require(try shell(["chown", "-R", "munge", munge]).code == 0)
    try #require(try shell(["chmod", "400", munge + "/key"]).code == 0)
    let identity = ["--reuid=munge", "--regid=munge", "--clear-groups", "munged", "--foreground"]
    let files = ["socket", "key-file", "log-file", "pid-file", "seed-file"].map {
      "--\($0)=\(munge)/\($0.prefix { $0 != "-" })"
    }
    try start("setpriv", identity + files)
    try wait("munge") { FileManager.default.fileExists(atPath: munge + "/socket") }
    try start("slurmctld", ["-D"])
    try start("slurmd", ["-D", "-N", host])
    try wait("an idle node") { try command("sinfo", "--noheader", "--format=%t").output.hasPrefix("idle") }
  }

  deinit {
    for daemon in daemons.reversed() {
      daemon.send(SIGTERM)
      if daemon.wait(atMost: 3) == nil { daemon.stop() }
    }
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// Asks one of Slurm's programs.
  func command(_ arguments: String...) throws -> ShellResult { try shell(arguments, environment: environment) }

  /// What the daemons said last.
  var said: String {
    ["slurmctld", "slurmd", "setpriv"].map { name in
      let text = (try? String(contentsOfFile: "\(folder)/\(name).out", encoding: .utf8)) ?? ""
      return "\(name): " + text.split(separator: "\n").suffix(8).joined(separator: "\n")
    }.joined(separator: "\n")
  }

  /// With no other descriptors than its own: a daemon that kept one of another test's would keep that waiting.
  private func start(_ program: String, _ arguments: [String]) throws {
    var settings = ChildSettings(program: "/usr/bin/env", name: "env", [program] + arguments)
    settings.variables = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "SLURM_CONF=\(folder)/slurm.conf"]
    let output = ChildStream.appended(to: "\(folder)/\(program).out")
    settings.streams = [.nothing, output, output]
    settings.endsWithObject = false
    daemons.append(try ChildProcess(settings))
  }

  private func wait(_ what: String, until condition: () throws -> Bool) throws {
    let start = Date()
    while try !condition() {
      try #require(Date().timeIntervalSince(start) < 120, "no \(what): \(said)")
      usleep(100_000)
    }
  }

  /// One node with two processors, whose jobs are told from others by their parents and whose end waits five seconds.
  private func configuration(host: String) -> String {
    let port = 20_000 + Int(getpid()) % 10_000 * 2
    return """
      ClusterName=one
      SlurmctldHost=\(host)(127.0.0.1)
      SlurmUser=root
      SlurmdUser=root
      AuthType=auth/munge
      AuthInfo=socket=\(folder)/munge/socket
      CredType=cred/munge
      StateSaveLocation=\(folder)/state
      SlurmdSpoolDir=\(folder)/spool
      SlurmctldPidFile=\(folder)/slurmctld.pid
      SlurmdPidFile=\(folder)/slurmd.pid
      SlurmctldPort=\(port)
      SlurmdPort=\(port + 1)
      ProctrackType=proctrack/linuxproc
      TaskPlugin=task/none
      SwitchType=switch/none
      MpiDefault=none
      ReturnToService=2
      SelectType=select/cons_tres
      SelectTypeParameters=CR_Core
      SchedulerParameters=sched_interval=2,batch_sched_delay=0
      AccountingStorageType=accounting_storage/none
      JobAcctGatherType=jobacct_gather/none
      JobRequeue=1
      KillWait=20
      InactiveLimit=0
      NodeName=\(host) NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
      PartitionName=all Nodes=\(host) Default=YES MaxTime=INFINITE State=UP

      """
  }
}
