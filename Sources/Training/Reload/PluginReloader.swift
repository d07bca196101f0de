// Hot reload: watches the libraries of a run, checks a rebuilt one in a child while training goes on, and puts it into
// the model between two steps. Made by TrainingPlan for `--watch`, asked by TrainingRun before each step.

import Files
import FoundationEssentials
package import Host
import Kernels
package import Objective
import Processes

/// What became of one rebuilt library.
struct PluginReload {
  /// Its path, as the run found it.
  let library: String
  /// SHA-256 of the build in use until then, and of the new one.
  let from, to: String
  /// Why it was refused; nil where it is in the model now.
  var refusal: String?
  var notes: [String] = []
  /// For `PluginReloader.undo` and `.accept`.
  fileprivate var change: ModelReload?
  fileprivate var copy: LibraryCopy?
  /// All builds of all libraries that are mapped now: how many, and their bytes.
  fileprivate(set) var mapped = (count: 0, bytes: 0)

  var name: String { Path.name(of: library) }
}

/// The libraries of a run while they are worked on.
package final class PluginReloader {
  /// How rebuilt plugins are tried.
  package struct Settings: Sendable {
    /// Seconds the check of a rebuilt library may take.
    package var deadline = 30.0
    /// The program that offers `check-reload`.
    package var program = ThisProcess.link

    /// The usual settings.
    package init() {}
  }

  /// A rebuilt library whose check runs.
  private struct Attempt {
    let library: String
    let copy: LibraryCopy
    let check: SmokeCheck
  }

  /// Files are left alone for so long after their last change, in seconds.
  private static let settling = 0.03
  /// Old builds stay mapped, so that there is an end to it somewhere.
  private static let mostBuilds = 1000

  private let model: ContrastiveModel
  private let registry: PluginRegistry
  private let copies: LibraryCopies
  private let settings: Settings
  private let note: (String) -> Void
  private let watch: FileWatch
  /// By path as found; the build in use, and what of it is registered by alias.
  private var current: [String: LibraryCopy] = [:]
  private var changed: [String: ContinuousClock.Instant] = [:]
  private var saidIncomplete: Set<String> = []
  private var attempt: Attempt?
  private var mapped = (count: 0, bytes: 0)
  private let seed: UInt64

  /// - Parameters:
  ///   - model: Whose plugins are watched; they were loaded from copies.
  ///   - note: Takes lines for the user.
  /// - Throws: `UsageError.option` where the system cannot watch files.
  package init(
    model: ContrastiveModel, registry: PluginRegistry, settings: Settings, seed: UInt64,
    note: @escaping (String) -> Void
  ) throws {
    self.model = model
    self.registry = registry
    self.settings = settings
    self.seed = seed
    self.note = note
    do { watch = try FileWatch() } catch {
      throw UsageError.option("--watch", problem: "\(error); raise fs.inotify.max_user_instances, or leave it out")
    }
    guard let copies = registry.copies else { preconditionFailure("--watch needs copies of libraries") }
    self.copies = copies
    for identity in model.instances.map(\.component.library) where current[identity.path] == nil {
      guard let copy = copies.copy(of: identity) else { preconditionFailure("\(identity.path) was not copied") }
      current[identity.path] = copy
      mapped = (mapped.count + 1, mapped.bytes + copy.byteCount)
      follow(identity.path)
      warn(about: identity)
    }
  }

  /// The libraries that are watched.
  package var libraries: [String] { current.keys.sorted() }

  /// Only the library itself is loaded again; what it links to beside itself would stay as it is.
  private func warn(about identity: LibraryIdentity) {
    let folder = Path.folder(of: identity.resolvedPath)
    for name in identity.needed where Path.exists(folder + "/" + name) {
      note("note: \(identity.path) needs \(name) beside it, which a reload does not load again; link it statically")
    }
  }

  // MARK: - Between steps

  /// What became of a rebuilt library, once it is known. One that is accepted is in the model already, on trial: the
  /// caller ends that with `accept`, or with `undo` and the model is as it was.
  func poll() -> PluginReload? {
    let now = ContinuousClock.now
    for path in watch.changes() { changed[path] = now }
    if let attempt {
      guard let answer = attempt.check.poll() else { return nil }
      self.attempt = nil
      return conclude(attempt, answer)
    }
    let due = changed.filter { now - $0.value >= .seconds(Self.settling) }.keys.sorted().first
    guard let due else { return nil }
    changed[due] = nil
    do {
      try start(due)
      return nil
    } catch let refusal as PluginRefusal {
      return refusal.isUnfinished ? wait(due, refusal) : refused(due, to: "", "\(refusal)")
    } catch {
      return refused(due, to: "", "\(error)")
    }
  }

  /// The model keeps the new build.
  func accept(_ reload: PluginReload) {
    if let copy = reload.copy { current[reload.library] = copy }
  }

  /// The model goes back to the old build.
  func undo(_ reload: PluginReload) {
    if let change = reload.change { model.undo(change) }
  }

  // MARK: - Checking

  /// Watches a library and the sidecar that describes its bare functions.
  private func follow(_ path: String) { watch.follow(path, suffixes: [BareSource.sidecarSuffix]) }

  private func start(_ path: String) throws {
    guard let old = current[path] else { return }
    let copy = try LibraryCopy(of: path, allowInsecure: registry.allowInsecure)
    // A link may lead somewhere else now.
    follow(path)
    saidIncomplete.remove(path)
    guard !copy.isSame(as: old) else { return }
    _ = try PluginFile(path: path, allowInsecure: registry.allowInsecure, copy: copy.path)
    guard mapped.count < Self.mostBuilds else {
      throw TrainingError.usage(
        place: "--watch", expected: "at most \(Self.mostBuilds) builds in one run", found: "another one",
        advice: "Stop the run and go on with --resume")
    }
    let folder = try PrivateFolder()
    let check = try SmokeCheck(in: folder, settings: settings) { proof in
      try smokeTest(path, copy, in: folder, proof: proof)
    }
    attempt = Attempt(library: path, copy: copy, check: check)
  }

  /// The run's strategy with the new build in place of the old one, all libraries written into `folder`.
  private func smokeTest(
    _ path: String, _ copy: LibraryCopy, in folder: PrivateFolder, proof: String
  ) throws -> SmokeTest {
    var files = [path: copy.path]
    for (index, other) in current.sorted(by: { $0.key < $1.key }).enumerated() where other.key != path {
      let ending = pluginEndings.first { other.key.hasSuffix($0) } ?? ""
      files[other.key] = try other.value.write(into: folder, as: "lib\(index)\(ending)")
    }
    func use(_ instance: PluginInstance, weight: Double = 1) -> SmokeTest.Use {
      let set = instance.values.resolved.filter { instance.values.isSet($0.0) }
      let file = files[instance.component.library.path] ?? instance.component.library.path
      return SmokeTest.Use(
        name: "\(file):\(instance.component.name)", weight: weight, settings: set.map { ($0.0, $0.1) })
    }
    let pooling = model.pooling
    return SmokeTest(
      poolers: pooling.instances.map { use($0) }, samplers: model.samplers.map { use($0) },
      losses: zip(model.losses, model.lossWeights).map { use($0, weight: $1) },
      testsPoolers: pooling.instances.contains { $0.component.library.path == path },
      hiddenWidth: pooling.hiddenWidth, layerCount: pooling.layerCount, width: model.outputWidth,
      views: model.viewCount, supervision: model.supervision, guideWidths: model.guideWidths,
      hardNegativeWeight: model.hardNegativeWeight, seed: seed,
      embeddings: try SmokeTest.write(model.lastEmbeddings, into: folder), proof: proof)
  }

  private func conclude(_ attempt: Attempt, _ answer: SmokeCheck.Answer) -> PluginReload {
    if let problem = answer.problem {
      let said = problem.replacing(attempt.copy.path, with: attempt.library)
      return refused(attempt.library, to: attempt.copy.sha256, said)
    }
    defer { attempt.copy.forget() }
    do {
      return try swap(attempt.library, attempt.copy)
    } catch {
      return refused(attempt.library, to: attempt.copy.sha256, "\(error)")
    }
  }

  private func swap(_ path: String, _ copy: LibraryCopy) throws -> PluginReload {
    let aliases = Set(model.instances.map(\.component.library).filter { $0.path == path }.map(\.alias))
    var libraries: [String?: PluginLibrary] = [:]
    for alias in aliases { libraries[alias] = try copies.load(copy, alias: alias) }
    mapped = (mapped.count + 1, mapped.bytes + copy.byteCount)
    let change = try model.reload { instance in
      let old = instance.component
      guard old.library.path == path, let library = libraries[old.library.alias] else { return nil }
      guard let new = library.component(old.kind, old.name) else {
        throw UsageError.incomplete(problem: "it has no \(old.kind.rawValue) '\(old.name)' any more")
      }
      return new
    }
    var reload = PluginReload(library: path, from: current[path]?.sha256 ?? "", to: copy.sha256)
    reload.notes = change.notes
    reload.change = change
    reload.copy = copy
    reload.mapped = mapped
    return reload
  }

  private func refused(_ path: String, to digest: String, _ reason: String) -> PluginReload {
    PluginReload(
      library: path, from: current[path]?.sha256 ?? "", to: digest,
      refusal: reason.split(separator: "\n").first.map(String.init) ?? "")
  }

  /// A file that is being written, or is gone for a while, is nothing to worry about: it is said once.
  private func wait(_ path: String, _ reason: PluginRefusal) -> PluginReload? {
    if saidIncomplete.insert(path).inserted {
      note("note: \(path) is not complete yet (\(reason)); the run goes on with the build it has")
    }
    return nil
  }
}

extension PluginRefusal {
  /// Whether a file that is still being written looks like this.
  fileprivate var isUnfinished: Bool {
    switch self {
    case .missing, .changedSinceChecked, .notELF, .truncated, .malformed: true
    default: false
    }
  }
}
