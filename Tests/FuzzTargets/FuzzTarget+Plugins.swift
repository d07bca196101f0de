// Plugins: libraries, texts of bare functions and of parameters, what is typed of strategies, what workers report.

import Host

extension FuzzTarget {
  static let plugins = [
    FuzzTarget("elf", largest: 1 << 16) { bytes, _ in _ = try ELFImage(bytes) },
    FuzzTarget("bare") { bytes, _ in
      let text = try BareParser.parse(bytes: bytes)
      _ = try BareComponent.components(of: text, source: String(decoding: bytes, as: UTF8.self))
    },
    FuzzTarget("parameters") { bytes, _ in
      for declaration in try ParameterGrammar.parse(String(decoding: bytes, as: UTF8.self)) {
        _ = declaration.parse("\(declaration.default)")
      }
    },
    FuzzTarget("strategy") { bytes, _ in
      let text = String(decoding: bytes, as: UTF8.self)
      _ = ScheduleForm(text)?.value(step: 3, total: 10)
      _ = try? RecipeGrammar.parse(text)
      _ = try? PoolerSpec(parsing: text)
      _ = try? SpecParser.chain(text, weighted: true)
      _ = try? StrategyGrid.expand(text)
      _ = try StrategySpec(parsing: text)
    },
    FuzzTarget("report") { bytes, _ in
      guard let texts = Netstrings.decode(bytes) else { return }
      precondition(Netstrings.decode(Netstrings.encode(texts)) == texts, "texts change on their way through a report")
      guard let library = DescribedLibrary(texts) else { return }
      precondition(DescribedLibrary(library.texts)?.texts == library.texts, "a library changes in a report")
    },
  ]
}
