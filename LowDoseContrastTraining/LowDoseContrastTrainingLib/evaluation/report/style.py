"""The look of a report: a page of a paper, on a screen and on A4."""

STYLE = """
:root { color-scheme: light; --ink: #1b1b1b; --soft: #5c5c5c; --rule: #c9c9c9; --tint: #f1f4f8; }
@page { size: A4; margin: 17mm 18mm 18mm; }
* { box-sizing: border-box; }
html { background: #fff; }
body { margin: 2.2rem auto 4rem; padding: 0 1.2rem; max-width: 50rem; color: var(--ink); background: #fff;
  font: 15px/1.5 Charter, "Bitstream Charter", "Source Serif 4", Cambria, Georgia, "Liberation Serif", serif; hyphens: manual; }
h1 { font-size: 1.75rem; line-height: 1.2; font-weight: 600; margin: 0 0 .35rem; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; font-weight: 600; margin: 2.2rem 0 .6rem; padding-bottom: .2rem; border-bottom: 1px solid var(--ink); break-after: avoid; }
h4 { font-size: .9rem; font-weight: 600; margin: .6rem 0 .1rem; break-after: avoid; overflow-wrap: anywhere; }
h3 { font-size: .95rem; font-weight: 600; margin: 1.2rem 0 .3rem; break-after: avoid; }
p { margin: .4rem 0; }
.sub { color: var(--soft); margin: 0 0 .8rem; }
.notice { border: solid var(--rule); border-width: 1px 0; padding: .5rem 0; font-size: .9rem; }
.small, .notes { font-size: .82rem; color: var(--soft); }
ul { margin: .3rem 0; padding-left: 1.1rem; } li { margin: .15rem 0; }
section > ul { font-size: .9rem; }
code, pre, .hash { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .8em; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: .6rem .8rem; background: #f7f7f7; border-left: 2px solid var(--rule); }
.hash { overflow-wrap: anywhere; }
.verdict { border-left: 3px solid var(--soft); padding: .1rem 0 .1rem .9rem; margin: .9rem 0; break-inside: avoid; }
.verdict p { font-size: 1.1rem; margin: 0; overflow-wrap: anywhere; }
.verdictword { margin-left: .4rem; font-style: italic; }
.verdict ul { font-size: .92rem; }
.verdict.worse { border-color: #9c2a1d; } .worse .verdictword { color: #9c2a1d; }
.verdict.improvement { border-color: #1e6b3a; } .improvement .verdictword { color: #1e6b3a; }
.verdict.appearance-match { border-color: #7a6a2a; } .appearance-match .verdictword { color: #7a6a2a; }
dl { margin: .4rem 0; font-size: .9rem; } dl div { display: grid; grid-template-columns: 11.5rem 1fr; gap: .8rem; padding: .18rem 0; border-bottom: 1px solid #ececec; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 1.6rem 0; break-inside: avoid; } figure.table { break-inside: auto; } figure.table figcaption { break-after: avoid; break-inside: avoid; } figure.table thead { break-after: avoid; }
figure img { display: block; width: 100%; height: auto; }
figcaption { font-size: .85rem; line-height: 1.42; margin-top: .55rem; }
figure.table figcaption { margin: 0 0 .5rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; border: solid var(--ink); border-width: 1.5px 0;
  font: 11.5px/1.32 "Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif;
  font-variant-numeric: tabular-nums lining-nums; }
th, td { padding: .22em .3em; text-align: right; vertical-align: top; font-weight: 400; white-space: nowrap; }
table.figures { table-layout: fixed; min-width: 42rem; } col.name { width: 16.5%; } col.last { width: 14%; } table.figures td.word { white-space: nowrap; }
th:first-child, .word { text-align: left; white-space: normal; } th.word, td.word { padding-left: .9em; }
tbody th:first-child { padding-left: .35em; min-width: 7.2em; }
thead tr + tr th:first-child { text-align: right; }
thead th { vertical-align: bottom; border-bottom: 1px solid var(--ink); white-space: normal; line-height: 1.2; }
thead th.group { text-align: center; border-bottom: 1px solid var(--rule); }
tbody + tbody tr:first-child > * { border-top: 1px solid var(--rule); }
tr { break-inside: avoid; } tr.section { break-after: avoid; }
tr.model { background: var(--tint); } tr.model th { font-weight: 600; }
tr.end, tr.ceiling { color: var(--soft); font-style: italic; }
tr.section th { font-style: italic; text-align: left; padding-top: .5em; white-space: normal; }
td small { display: block; font-size: .82em; color: var(--soft); }
td b { font-weight: 700; }
table.plain { border-width: 1px 0; border-color: var(--rule); } table.plain tr > * { border-bottom: 1px solid #ececec; }
table.plain th { width: 11em; }
.notes { margin-top: .4rem; line-height: 1.4; } sup { line-height: 0; font-size: .75em; }
.grid { display: grid; gap: .35rem .5rem; align-items: end; }
.grid small { display: block; font-size: .78rem; color: var(--soft); margin: .1rem 0 .1rem; }
.grid .head { display: block; font-size: .82rem; line-height: 1.25; overflow-wrap: anywhere; }
.grid .row { grid-column: 1 / -1; font-size: .8rem; font-style: italic; color: var(--soft); margin-top: .25rem; overflow-wrap: anywhere; }
.maps { margin: 0 auto; min-width: 14rem; }
.details { display: grid; grid-template-columns: 1fr 1fr; gap: .4rem 1.6rem; } .details img { image-rendering: pixelated; } .details .grid { gap: .2rem .25rem; }
footer { margin-top: 3rem; padding-top: .5rem; border-top: 1px solid var(--rule); font-size: .8rem; color: var(--soft); }
@media print {
  body { margin: 0; padding: 0; max-width: none; font-size: 10pt; }
  table { font-size: 7.4pt; } .wide { overflow: visible; } table.figures { min-width: 0; }
  th, td { padding: .2em .28em; }
  tr.model { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
