// Looking names up: aliases, full ids, paths, recipes; and saying what was meant when there is no such name.

import Glibc
package import PluginGrammar

extension PluginRegistry {
  /// The component that `name` stands for: an alias (`infonce`), a full id (`org.mixcse.simcse.infonce`), a name of
  /// `--plugin-as` (`old`, `old.infonce`), a path (`./lib.so`) or a path and a name (`./lib.so:infonce`).
  /// - Throws: `PluginError`: `.unknownComponent`, `.refused`; `UsageError.ambiguous`.
  package func component(_ kind: ComponentKind, _ name: String) throws -> PluginComponent {
    if isPath(name) { return try placed(component(kind, atPath: name)) }
    let candidates = components(kind, called: name)
    guard let first = candidates.first else {
      throw PluginError.unknownComponent(
        kind: kind.rawValue, name: name, hint: hint(kind, name), searched: report)
    }
    guard candidates.count == 1 else {
      throw UsageError.ambiguous(
        kind: kind.rawValue, name: name, candidates: candidates.map { "\($0.id) (\($0.library.path))" })
    }
    return try placed(first)
  }

  /// Every component that `name` may stand for; empty where there is none. Paths are not looked up.
  package func components(_ kind: ComponentKind, called name: String) -> [PluginComponent] {
    let all = libraries.flatMap(\.components).filter { $0.kind == kind }
    let byID = all.filter { $0.id == name }
    if !byID.isEmpty { return byID }
    let ordinary = all.filter { $0.library.alias == nil && $0.name == name }
    if !ordinary.isEmpty { return ordinary }
    // A build of --plugin-as goes by that name where it offers one component of the kind.
    let renamed = all.filter { $0.library.alias == name }
    if renamed.count > 0 { return renamed }
    return all.filter { $0.library.alias != nil && $0.name == name }
  }

  /// The recipe called `name` (an alias or a path) and the library that offers it; nil where there is none.
  /// - Throws: `UsageError.ambiguous`, `PluginError.refused`.
  package func recipe(_ name: String) throws -> (recipe: Recipe, library: PluginLibrary)? {
    if isPath(name) {
      let (path, picked) = splitPath(name)
      let library = try library(atPath: path)
      let recipes = library.recipes.filter { picked == nil || $0.name == picked }
      guard recipes.count < 2 else {
        throw UsageError.ambiguous(
          kind: "method", name: name, candidates: recipes.map { "\(path):\($0.name) = \($0.text)" })
      }
      return recipes.first.map { ($0, library) }
    }
    let all = libraries.flatMap { library in library.recipes.map { (recipe: $0, library: library) } }
    let byID = all.filter { "\($0.library.id).\($0.recipe.name)" == name }
    let ordinary = all.filter { $0.library.identity.alias == nil && $0.recipe.name == name }
    let renamed = all.filter { $0.library.identity.alias == name }
    let candidates = [byID, ordinary, renamed].first { !$0.isEmpty } ?? []
    guard candidates.count < 2 else {
      throw UsageError.ambiguous(
        kind: "method", name: name,
        candidates: candidates.map { "\($0.library.id).\($0.recipe.name) = \($0.recipe.text) (\($0.library.path))" })
    }
    return candidates.first
  }

  /// What a name means of everything there is.
  package struct Meaning {
    /// Of any kind.
    package var components: [PluginComponent] = []
    /// With the libraries that suggest them.
    package var recipes: [(recipe: Recipe, library: PluginLibrary)] = []
    /// The libraries that any of it comes from.
    package var libraries: [PluginLibrary] = []
  }

  /// Components of any kind, recipes and whole libraries of this name, id or path.
  /// - Throws: `PluginError.unknownComponent` where it means nothing, `.refused` for a path that cannot be used.
  package func everything(called name: String) throws -> Meaning {
    let places: [PluginLibrary]
    let isMeant: (_ id: String, _ name: String, _ library: PluginLibrary) -> Bool
    if isPath(name) {
      let (path, picked) = splitPath(name)
      places = [try library(atPath: path)]
      isMeant = { id, name, _ in picked == nil || picked == name || picked == id }
    } else {
      places = libraries
      isMeant = { $0 == name || $1 == name || $2.id == name }
    }
    var meaning = Meaning()
    for library in places {
      let components = library.components.filter { isMeant($0.id, $0.name, library) }
      let recipes = library.recipes.filter { isMeant("\(library.id).\($0.name)", $0.name, library) }
      meaning.components += components
      meaning.recipes += recipes.map { ($0, library) }
      if !components.isEmpty || !recipes.isEmpty { meaning.libraries.append(library) }
    }
    if meaning.libraries.isEmpty {
      let known = places.flatMap { $0.components.map(\.name) + $0.recipes.map(\.name) + [$0.id] }
      throw PluginError.unknownComponent(
        kind: "plugin", name: name, hint: hintText(name, known: known), searched: report)
    }
    return meaning
  }

  /// The shortest name that finds `component` again.
  package func shortestName(of component: PluginComponent) -> String {
    let candidates = components(component.kind, called: component.name)
    if candidates.count == 1, candidates[0] === component { return component.name }
    if components(component.kind, called: component.id).contains(where: { $0 === component }) { return component.id }
    return "\(component.library.path):\(component.name)"
  }

  /// What `unknownComponent` says about a method.
  package func unknownMethod(_ name: String) -> PluginError {
    let known = libraries.flatMap { $0.recipes.map(\.name) }
    return .unknownComponent(kind: "method", name: name, hint: hintText(name, known: known), searched: report)
  }

  private func component(_ kind: ComponentKind, atPath name: String) throws -> PluginComponent {
    let (path, picked) = splitPath(name)
    let library = try library(atPath: path)
    let candidates = library.components.filter {
      $0.kind == kind && (picked == nil || $0.name == picked || $0.id == picked)
    }
    guard let first = candidates.first else {
      let offered = library.components.map { "\($0.kind.rawValue) \($0.name)" }.joined(separator: ", ")
      let report = SearchReport(folders: ["\(path) (it offers \(offered.isEmpty ? "no components" : offered))"])
      throw PluginError.unknownComponent(kind: kind.rawValue, name: picked ?? path, hint: "", searched: report)
    }
    guard candidates.count == 1 else {
      throw UsageError.ambiguous(
        kind: kind.rawValue, name: name, candidates: candidates.map { "\(path):\($0.name)" })
    }
    return first
  }

  private func hint(_ kind: ComponentKind, _ name: String) -> String {
    for other in ComponentKind.allCases where other != kind && !components(other, called: name).isEmpty {
      return ", but there is a \(other.rawValue) of that name"
    }
    if let recipe = try? recipe(name) { return ", but there is a method of that name: \(recipe.recipe.text)" }
    let known = libraries.flatMap(\.components).filter { $0.kind == kind }.map(\.name)
    return hintText(name, known: known)
  }

  private func hintText(_ name: String, known: [String]) -> String {
    if isPluginFileName(name) { return "; a library is named by a path: ./\(name)" }
    let near = didYouMean(nearestNames(to: name, among: known))
    if !near.isEmpty { return near }
    return known.isEmpty ? "" : "; there are \(Set(known).sorted().joined(separator: ", "))"
  }
}

/// The user's home folder as the environment says.
func homeFolder() -> String? { getenv("HOME").map { String(cString: $0) } }
