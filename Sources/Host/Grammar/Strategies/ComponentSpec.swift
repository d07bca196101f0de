// What the command line says about one component: weight, name, settings. Parsed by SpecParser, resolved by
// StrategyRequest, handed to the objective, which makes an instance of it.

/// One use of a component, before it is looked up.
package struct ComponentSpec: Sendable, Equatable {
  /// The factor of a loss in the weighted sum; 1 for everything else.
  package var weight: Double
  /// An alias (`mixcse`), a full id, a path (`./libmine.so`) or a path and a name (`./libmine.so:mine`).
  package var name: String
  /// Parameter names and their values as text, in the order given.
  package var settings: [(String, String)]

  /// A use by its parts; nothing is looked up.
  package init(weight: Double = 1, name: String, settings: [(String, String)] = []) {
    self.weight = weight
    self.name = name
    self.settings = settings
  }

  /// Whether weight, name and settings are the same, settings in the same order.
  package static func == (a: ComponentSpec, b: ComponentSpec) -> Bool {
    a.weight == b.weight && a.name == b.name && a.settings.elementsEqual(b.settings) { $0 == $1 }
  }

  /// The form it is typed in: `0.5*infonce:temperature=0.05`.
  package var text: String {
    var text = weight == 1 ? name : "\(ParameterRange.shortText(weight))*\(name)"
    for (index, setting) in settings.enumerated() {
      text += index == 0 ? ":" : ","
      text += "\(setting.0)=\(quotedIfNeeded(setting.1))"
    }
    return text
  }

  /// Sets a parameter, in place of an earlier setting of the same name.
  package mutating func set(_ name: String, _ value: String) {
    if let index = settings.firstIndex(where: { $0.0 == name }) {
      settings[index].1 = value
    } else {
      settings.append((name, value))
    }
  }
}

private func quotedIfNeeded(_ value: String) -> String {
  value.isEmpty || value.contains { " \t,:+".contains($0) } ? "\"\(value)\"" : value
}
