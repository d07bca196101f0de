// The style sheet of report.html: light and dark, narrow and wide, screen and paper. Used by ReportPage.

enum PageStyle {
  static let css = """
    :root {
      --paper: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d8dee4; --panel: #f6f8fa; --grid: #e7ebef;
      --good: #0b6b3a; --good-back: #e3f4ea; --bad: #a32020; --bad-back: #fbe9e7; --none-back: #eef1f4;
      --c0: #3d444d; --c1: #0067b0; --c2: #c24e00; --c3: #00795a; --c4: #ad3f85; --c5: #866a00; --c6: #2189bd; --c7: #6a4fb3;
    }
    @media (prefers-color-scheme: dark) { :root {
      --paper: #14181d; --ink: #e4e8ec; --soft: #9aa5b1; --line: #333b45; --panel: #1c2229; --grid: #262d36;
      --good: #6fdca0; --good-back: #12351f; --bad: #ff9d94; --bad-back: #45191a; --none-back: #262d36;
      --c0: #c9d1d9; --c1: #5cb3f5; --c2: #f58b45; --c3: #37c99b; --c4: #e88fc6; --c5: #dcb93c; --c6: #9ed8f7; --c7: #b7a1f0;
    } }
    * { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; }
    body { margin: 0 auto; max-width: 1440px; padding: 20px clamp(14px, 3vw, 40px); background: var(--paper); color: var(--ink);
      font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; overflow-wrap: anywhere; }
    h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 4px; }
    h2 { font-size: 1.3rem; margin: 40px 0 12px; padding-bottom: 6px; border-bottom: 2px solid var(--line); }
    h3 { font-size: 1.08rem; margin: 28px 0 8px; }
    h4 { font-size: 1rem; margin: 0 0 2px; }
    p { margin: 0 0 10px; max-width: 80ch; }
    ul { margin: 0 0 12px; padding-left: 20px; }
    li { max-width: 90ch; }
    header p, .note, footer { color: var(--soft); }
    .note { font-weight: normal; font-size: .88em; }
    footer { margin-top: 40px; padding-top: 10px; border-top: 1px solid var(--line); font-size: .88em; }
    code { font: .92em ui-monospace, "Liberation Mono", Menlo, Consolas, monospace; }
    pre.command { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 10px 14px;
      white-space: pre-wrap; }
    .short { list-style: none; padding: 12px 16px; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; }
    .short li { max-width: none; margin: 3px 0; }

    table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 0 0 22px; }
    caption { text-align: left; font-weight: 600; padding: 0 0 4px; font-size: 1.05em; }
    th, td { text-align: left; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line); vertical-align: middle; }
    thead th { color: var(--soft); font-weight: 600; font-size: .88em; white-space: nowrap; vertical-align: bottom; }
    tbody th { font-weight: 600; }
    td.number { white-space: nowrap; }
    table.verdict, table.wide { width: 100%; }
    table.verdict { table-layout: fixed; }
    table.verdict th:nth-child(1) { width: 14%; } table.verdict th:nth-child(2) { width: 9.5%; }
    table.verdict th:nth-child(3) { width: 8%; } table.verdict th:nth-child(4) { width: 25%; }
    table.verdict th:nth-child(5) { width: 6.5%; } table.verdict th:nth-child(6) { width: 12.5%; }
    table.verdict th:nth-child(7) { width: 16%; } table.verdict th:nth-child(8) { width: 8.5%; }
    .range { display: inline-block; min-width: 9.6em; margin-right: 6px; white-space: nowrap; }
    .range .note { display: block; }
    svg.interval { width: 150px; height: 18px; vertical-align: middle; }
    .zero { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 2; }
    .badge { display: inline-block; padding: 1px 8px; border-radius: 10px; background: var(--none-back); white-space: nowrap; }
    .badge.better { background: var(--good-back); color: var(--good); font-weight: 600; }
    .badge.worse { background: var(--bad-back); color: var(--bad); font-weight: 600; }
    .reason { white-space: pre-wrap; }
    .scroll { overflow-x: auto; margin: 20px 0 16px; }
    .scroll th, .scroll td { white-space: nowrap; overflow-wrap: normal; }
    table.record th { font-weight: normal; color: var(--soft); white-space: nowrap; vertical-align: top; padding-right: 24px; }
    table.record tr.group th { color: var(--ink); font-weight: 600; padding-top: 14px; }
    table.record tr.group ~ tr:not(.group) th { padding-left: 14px; }
    .columns { columns: 3 380px; column-gap: 32px; }
    .columns h4, .columns ul { break-inside: avoid; }
    .columns h4 { break-after: avoid; }

    .grid { display: grid; gap: 18px 26px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); }
    figure { margin: 0; min-width: 0; }
    figcaption { font-weight: 600; margin-bottom: 2px; }
    figure svg { display: block; width: 100%; height: auto; }
    svg text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
    svg .middle { text-anchor: middle; } svg .end { text-anchor: end; }
    .grid path.grid, path.grid { stroke: var(--grid); stroke-width: 1; fill: none; }
    .axis { stroke: var(--soft); stroke-width: 1; fill: none; }
    path.mean { fill: none; stroke: currentColor; stroke-width: 2.4; stroke-linejoin: round; }
    path.run { fill: none; stroke: currentColor; stroke-width: 1; stroke-linejoin: round; opacity: .3; }
    .mark { fill: currentColor; stroke: var(--paper); stroke-width: 1; }
    .hollow .mark { fill: var(--paper); stroke: currentColor; stroke-width: 1.6; }
    .dot .mark { fill-opacity: .55; stroke: currentColor; }
    .c0 { color: var(--c0); } .c1 { color: var(--c1); } .c2 { color: var(--c2); } .c3 { color: var(--c3); }
    .c4 { color: var(--c4); } .c5 { color: var(--c5); } .c6 { color: var(--c6); } .c7 { color: var(--c7); }
    .legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 20px; padding: 0; margin: 0 0 12px; }
    .legend li { max-width: 100%; }
    svg.key { width: 44px; height: 14px; vertical-align: -2px; }
    .key-bar { position: sticky; top: 0; background: var(--paper); padding: 8px 0 2px; z-index: 1; }
    .key-bar .legend { margin-bottom: 6px; max-height: 5.5em; overflow-y: auto; }

    @media screen and (max-width: 900px) {
      .stack, .stack tbody, .stack tr, .stack td, .stack tbody th, .stack caption { display: block; }
      .stack thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
      table.verdict th:nth-child(n) { width: auto; }
      .stack tr { border: 1px solid var(--line); border-radius: 6px; padding: 6px 12px; margin: 0 0 8px; }
      .stack th, .stack td { border: 0; padding: 2px 0; }
      .stack td[data-name] { display: grid; grid-template-columns: 8.5em 1fr; }
      .stack td[data-name]::before { content: attr(data-name); color: var(--soft); font-size: .88em; }
      .stack td[data-name] > * { grid-column: 2; justify-self: start; }
      .stack td.empty { display: none; }
      table.record th { white-space: normal; padding-right: 12px; }
    }
    @media print {
      :root { --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --panel: #fff; --grid: #ddd;
        --good: #06502a; --good-back: #fff; --bad: #8a1515; --bad-back: #fff; --none-back: #fff;
        --c0: #3d444d; --c1: #0067b0; --c2: #c24e00; --c3: #00795a; --c4: #ad3f85; --c5: #866a00; --c6: #2189bd; --c7: #6a4fb3; }
      @page { margin: 14mm; }
      body { max-width: none; padding: 0; font-size: 10pt; }
      h2, h3, h4, caption { break-after: avoid; }
      figure, tr, .short { break-inside: avoid; }
      table.verdict { break-inside: avoid; font-size: 7.5pt; table-layout: auto; }
      table.verdict th:nth-child(n) { width: auto; }
      th, td { padding: 3px 8px 3px 0; }
      table.verdict .note { white-space: nowrap; }
      .badge { padding: 0; }
      svg.interval { width: 100px; height: 12px; }
      .grid { grid-template-columns: 1fr 1fr; }
      .scroll { overflow: visible; font-size: 7pt; }
      .scroll th, .scroll td { padding-right: 6px; }
      .scroll thead th { white-space: normal; }
      .key-bar { position: static; break-inside: avoid; break-after: avoid; }
      p.note { break-after: avoid; }
      .key-bar .legend { max-height: none; }
      .range { display: block; min-width: 0; }
      .columns { columns: 2; font-size: 9pt; }
    }

    """
}
