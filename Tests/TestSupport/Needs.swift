// What a test needs beyond the package: `@Test(.needs(.model, .sharedData))`. Where it is missing the test is left out,
// by name and with this reason; under CI=true it fails instead.

import Foundation
public import Testing

/// Something outside of the package that some tests need.
public enum Need: Sendable {
  /// The pretrained model.
  case model
  /// The large data beside the package. `CSE_SHARED=none` says that there is none, also to CI.
  case sharedData
  /// A python3 with NumPy.
  case numpy
  /// A Python with torch and transformers.
  case transformers
  /// A compiler, by the name of its command.
  case compiler(String)
  /// The headers of hnswlib, and a C++ compiler.
  case hnswlib
  /// Slurm and munge, which the test starts itself, as root.
  case slurm

  /// What is missing and how to get it; nil where it is there.
  var problem: String? {
    switch self {
    case .model:
      Resources.model == nil ? "the pretrained model is not there: `make model`, or CSE_MODEL, its folder" : nil
    case .sharedData:
      Resources.sharedRoot == nil ? "the large data is not there: set CSE_SHARED to its folder, or to none" : nil
    case .numpy: Self.hasNumPy ? nil : "python3 has no NumPy: python3 -m pip install numpy"
    case .transformers:
      Resources.transformersPython == nil
        ? "no Python has torch and transformers: MIXCSE_PYTHON names one, `make .cache/venv/trainers` makes one" : nil
    case .compiler(let name):
      Self.isCommand(name) ? nil : "\(name) is not installed: run `make test-deps`"
    case .hnswlib:
      Self.hasHNSWLib ? nil : "the headers of hnswlib, or g++, are not installed: run `make test-deps`"
    case .slurm:
      Self.slurmPrograms.first { !Self.isCommand($0) }.map { "\($0) of Slurm is not installed: run `make test-deps`" }
        ?? (geteuid() == 0 ? nil : "Slurm's daemons are started by root only")
    }
  }

  /// Whether CI may do without it.
  var isOptional: Bool {
    switch self {
    case .sharedData: ProcessInfo.processInfo.environment["CSE_SHARED"] == "none"
    // Some gigabytes, which the checks in other programs have.
    case .transformers: true
    // Nobody is asked to be root.
    case .slurm: geteuid() != 0
    default: false
    }
  }

  private static let hasNumPy = (try? shell(["python3", "-c", "import numpy"]).code) == 0

  private static let hasHNSWLib =
    (try? shell(
      ["g++", "-x", "c++", "-include", "hnswlib/hnswlib.h", "-fsyntax-only", "-w", "/dev/null"]
    ).code) == 0

  private static let slurmPrograms = ["munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "setpriv"]

  private static func isCommand(_ name: String) -> Bool {
    ((ProcessInfo.processInfo.environment["PATH"] ?? "") + ":/usr/sbin").split(separator: ":").contains {
      access("\($0)/\(name)", X_OK) == 0
    }
  }
}

/// A test cannot run here, though nothing may be left out.
struct MissingResource: Error, CustomStringConvertible {
  let description: String
}

extension Trait where Self == ConditionTrait {
  /// Leaves a test out where something it needs is missing; under CI=true the test fails with what is missing.
  public static func needs(_ needs: Need...) -> Self {
    let problems = needs.filter { $0.problem != nil }
    let text = problems.compactMap(\.problem).joined(separator: "; ")
    return .enabled(text.isEmpty ? nil : Comment(rawValue: text)) {
      if Resources.isCI, problems.contains(where: { !$0.isOptional }) {
        throw MissingResource(description: "CI=true leaves out nothing, and " + text)
      }
      return problems.isEmpty
    }
  }
}
