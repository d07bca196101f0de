// The style sheet of report.html: light and dark, narrow and wide, screen and paper. Used by ReportPage.

enum PageStyle {
  /// The colours of `SeriesStyle`, each with a contrast of at least 3 to the page; those that are like each other have
  /// other dashes.
  private static let light = [
    "#0067b0", "#c24e00", "#00795a", "#ad3f85", "#866a00", "#6a4fb3", "#b3261e", "#4f7a00", "#007c91", "#7a4a2b",
  ]
  private static let dark = [
    "#5cb3f5", "#f58b45", "#37c99b", "#e88fc6", "#dcb93c", "#b7a1f0", "#ff7b72", "#a5d24a", "#4fd0e0", "#cfa27f",
  ]

  private static func variables(_ colors: [String]) -> String {
    colors.enumerated().map { "--c\($0): \($1);" }.joined(separator: " ")
  }

  private static let classes = light.indices.map { ".c\($0) { color: var(--c\($0)); }" }.joined(separator: " ")

  static let css =
    """
    :root {
      --paper: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d8dee4; --panel: #f6f8fa; --grid: #e7ebef;
      --good: #0b6b3a; --good-back: #e3f4ea; --bad: #a32020; --bad-back: #fbe9e7; --none-back: #eef1f4;
      --link: #0757a8; \(variables(light))
    }
    @media (prefers-color-scheme: dark) { :root {
      --paper: #14181d; --ink: #e4e8ec; --soft: #9aa5b1; --line: #333b45; --panel: #1c2229; --grid: #262d36;
      --good: #6fdca0; --good-back: #12351f; --bad: #ff9d94; --bad-back: #45191a; --none-back: #262d36;
      --link: #7cbcff; \(variables(dark))
    } }

    """ + screen + tables + charts + classes + "\n" + narrow + print

  private static let screen = """
    * { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; }
    body { margin: 0 auto; max-width: 1440px; padding: 20px clamp(14px, 3vw, 40px); background: var(--paper);
      color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif;
      overflow-wrap: anywhere; }
    h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 10px; }
    h2 { font-size: 1.3rem; margin: 36px 0 12px; padding-bottom: 6px; border-bottom: 2px solid var(--line); }
    h3 { font-size: 1.08rem; margin: 24px 0 8px; }
    p { margin: 0 0 10px; max-width: 80ch; }
    ul { margin: 0 0 12px; padding-left: 20px; }
    li { max-width: 100ch; }
    a { color: var(--link); }
    .note, footer, dt { color: var(--soft); }
    .note { font-weight: normal; font-size: .88em; }
    p.note { max-width: 100ch; }
    .facts { display: flex; flex-wrap: wrap; gap: 4px 28px; margin: 0; }
    dt { font-size: .82em; }
    dd { margin: 0; }
    footer { margin-top: 40px; padding-top: 10px; border-top: 1px solid var(--line); font-size: .88em; }
    code { font: .92em ui-monospace, "Liberation Mono", Menlo, Consolas, monospace; }
    pre.command { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 10px 14px;
      white-space: pre-wrap; }
    .answer { padding: 12px 16px 6px; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; }
    .answer ul { list-style: none; padding: 0; margin: 0 0 6px; }
    .answer li { max-width: none; margin: 4px 0; }
    .answer p { max-width: none; }
    .begun { color: var(--soft); }
    .badge { display: inline-block; padding: 1px 8px; border-radius: 10px; background: var(--none-back);
      white-space: nowrap; }
    .badge.better { background: var(--good-back); color: var(--good); font-weight: 600; }
    .badge.worse { background: var(--bad-back); color: var(--bad); font-weight: 600; }
    .reason { white-space: pre-wrap; }
    details { border-top: 1px solid var(--line); }
    summary { cursor: pointer; padding: 9px 0; font-weight: 600; font-size: 1.05em; }
    details[open] > summary { margin-bottom: 8px; }

    """

  private static let tables = """
    table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 0 0 20px; }
    caption { text-align: left; font-weight: 600; padding: 0 0 4px; font-size: 1.05em; }
    th, td { text-align: left; padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); vertical-align: middle; }
    thead th { color: var(--soft); font-weight: 600; font-size: .88em; vertical-align: bottom; overflow-wrap: normal; }
    tbody th { font-weight: 600; overflow-wrap: break-word; min-width: 7em; }
    th.number, td.number { text-align: right; }
    td.number { white-space: nowrap; }
    tr.before th, tr.before td { color: var(--soft); font-weight: normal; }
    table.verdict, table.wide { width: 100%; }
    table.verdict tbody th { width: 30%; }
    .range { display: inline-block; min-width: 9.6em; margin-right: 6px; white-space: nowrap; }
    .range .note { display: block; }
    svg.interval { width: 150px; height: 18px; vertical-align: middle; }
    .zero { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 2; }
    .scroll { overflow-x: auto; margin: 0 0 8px; }
    .scroll table { margin-bottom: 8px; }
    table.matrix.full { width: 100%; }
    .matrix tbody th, .matrix thead th:first-child { position: sticky; left: 0; background: var(--paper); }
    .matrix tbody th { max-width: 20em; }
    .matrix th.number, .matrix td.number { padding: 4px 8px; }
    .matrix th:last-child, .matrix td:last-child { padding-right: 4px; }
    .matrix thead .note { display: block; font-size: .85em; }
    .matrix .decides { background: var(--panel); }
    .matrix td.decides { font-weight: 600; }
    .difference { display: block; font-size: .88em; color: var(--soft); font-weight: normal; }
    b.difference { font-weight: 700; }
    .difference.better { color: var(--good); } .difference.worse { color: var(--bad); }
    table.runs th, table.runs td, table.tuning td { white-space: nowrap; overflow-wrap: normal; }
    table.record th { font-weight: normal; color: var(--soft); white-space: nowrap; vertical-align: top;
      padding-right: 24px; }
    table.record tr.group th { color: var(--ink); font-weight: 600; padding-top: 14px; }
    table.record tr.group ~ tr:not(.group) th { padding-left: 14px; }

    """

  private static let charts = """
    .grid { display: grid; gap: 18px 26px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); }
    figure { margin: 0; min-width: 0; max-width: 640px; }
    figcaption { font-weight: 600; margin-bottom: 2px; }
    figure svg { display: block; width: 100%; height: auto; }
    svg text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
    svg .middle { text-anchor: middle; } svg .end { text-anchor: end; }
    path.grid { stroke: var(--grid); stroke-width: 1; fill: none; }
    .axis { stroke: var(--soft); stroke-width: 1; fill: none; }
    path.mean { fill: none; stroke: currentColor; stroke-width: 2.4; stroke-linejoin: round; }
    path.run { fill: none; stroke: currentColor; stroke-width: 1; stroke-linejoin: round; opacity: .3; }
    path.bar { fill: none; stroke: currentColor; stroke-width: 1.2; }
    path.level { fill: none; stroke: currentColor; stroke-width: 1.2; stroke-dasharray: 3 4; }
    path.before { color: var(--soft); }
    .mark { fill: currentColor; stroke: var(--paper); stroke-width: 1; }
    .hollow .mark { fill: var(--paper); stroke: currentColor; stroke-width: 1.6; }
    .dot .mark { fill-opacity: .55; stroke: currentColor; }
    .hints circle { fill: currentColor; opacity: 0; }
    .hints circle:hover { opacity: .35; }
    .legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 20px; padding: 0; margin: 0 0 12px; }
    .legend li { max-width: 100%; }
    figure .legend { font-size: .88em; margin: 4px 0 0; }
    svg.key { width: 44px; height: 14px; vertical-align: -2px; }
    .matrix svg.key { width: 30px; height: 12px; }
    .key-bar { position: sticky; top: 0; background: var(--paper); padding: 8px 0 2px; z-index: 1; }
    .key-bar .legend { margin-bottom: 6px; max-height: 5.5em; overflow-y: auto; }

    """

  /// Below 640 pixels rows become blocks; the matrix scrolls within itself instead.
  private static let narrow = """
    @media screen and (max-width: 900px) {
      th, td { padding-right: 10px; }
      .range { display: block; min-width: 0; }
      svg.interval { width: 110px; }
      table.verdict tbody th { width: 24%; }
      .matrix { font-size: .92em; }
      .matrix th.number, .matrix td.number { padding: 4px 5px; }
    }
    @media screen and (max-width: 800px) {
      table.verdict { font-size: .87em; }
      table.verdict th, table.verdict td { padding-right: 8px; }
      table.verdict tbody th { overflow-wrap: anywhere; min-width: 6.5em; }
      table.verdict .badge { white-space: normal; }
    }
    @media screen and (max-width: 639px) {
      table.verdict { font-size: 1em; }
      h1 { font-size: 1.35rem; }
      .stack, .stack tbody, .stack tr, .stack td, .stack tbody th, .stack caption { display: block; }
      .stack thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
      .stack tr { border: 1px solid var(--line); border-radius: 6px; padding: 6px 12px; margin: 0 0 8px; }
      .stack th, .stack td, .stack td.number { border: 0; padding: 2px 0; text-align: left; white-space: normal; }
      table.verdict tbody th { width: auto; }
      .stack td[data-name] { display: grid; grid-template-columns: 9em 1fr; }
      .stack td[data-name]::before { content: attr(data-name); color: var(--soft); font-size: .88em; }
      .stack td[data-name] > * { grid-column: 2; justify-self: start; }
      .stack td.empty { display: none; }
      .matrix tbody th { max-width: 38vw; font-size: .88em; }
      .matrix svg.key { display: block; }
      table.record th { white-space: normal; overflow-wrap: anywhere; padding-right: 12px; }
    }

    """

  /// What is folded away stays so on paper.
  private static let print = """
    @media print {
      :root { --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --panel: #fff; --grid: #ddd;
        --good: #06502a; --good-back: #fff; --bad: #8a1515; --bad-back: #fff; --none-back: #fff; --link: #000;
        \(variables(light)) }
      @page { margin: 13mm; }
      body { max-width: none; padding: 0; font-size: 8.8pt; line-height: 1.35; }
      h1 { font-size: 15pt; }
      h2 { font-size: 12pt; margin: 16px 0 6px; padding-bottom: 3px; }
      h3 { font-size: 10pt; margin: 10px 0 4px; }
      h2, h3, caption, summary, h2 + p.note, .key-bar + p.note { break-after: avoid; }
      figure, tr { break-inside: avoid; }
      th, td { padding: 2px 7px 2px 0; }
      table { margin-bottom: 10px; }
      table.verdict, table.settle { font-size: 8pt; }
      table.verdict tbody th { width: 32%; }
      table.verdict thead th { white-space: nowrap; }
      li, p { max-width: none; }
      .badge { padding: 0; }
      svg.interval { width: 72px; height: 12px; }
      .grid { grid-template-columns: 1fr 1fr; gap: 8px 16px; }
      figure { max-width: none; }
      .scroll { overflow: visible; }
      .matrix, .runs { font-size: 7pt; }
      .matrix th.number, .matrix td.number { padding: 2px 4px; }
      .matrix tbody th { position: static; }
      .runs th, .runs td { padding-right: 5px; white-space: normal; }
      .key-bar { position: static; break-inside: avoid; break-after: avoid; padding: 0; }
      .key-bar .legend { max-height: none; font-size: 8pt; line-height: 1.25; }
      li, .answer li { margin: 1px 0; }
      .answer { padding: 6px 10px 2px; }
      .range { display: inline-block; min-width: 8.5em; margin-right: 2px; }
      details:not([open]), section:has(> details):not(:has(> details[open])) { display: none; }
      a { text-decoration: none; }
      footer { margin-top: 14px; padding-top: 4px; }
    }

    """
}
