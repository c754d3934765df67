"""The style of pages: system fonts, colours for light and dark, nothing from elsewhere."""

STYLE = """
.rk { --good: light-dark(#1a7f37, #4ac26b); --bad: light-dark(#c62839, #ff7b72); --warn: light-dark(#9a6700, #e3b341);
  --faint: color-mix(in srgb, currentColor 62%, transparent); --line: color-mix(in srgb, currentColor 16%, transparent);
  --tint: color-mix(in srgb, currentColor 5%, transparent); --accent: light-dark(#0b62c4, #6cb6ff);
  font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 0 auto; overflow-wrap: anywhere; }
.rk h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .25rem; }
.rk h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem; }
.rk p { margin: .3rem 0; }
.rk .faint { color: var(--faint); }
.rk .small { font-size: .87em; }
.rk code { font: .87em ui-monospace, monospace; }
.rk table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
.rk th, .rk td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
.rk th { font-weight: 600; font-size: .85em; color: var(--faint); white-space: nowrap; }
.rk td.number, .rk th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.rk td:first-child { min-width: 8rem; }
.rk tr.group td { border-bottom: 0; padding-top: .9rem; font-weight: 650; }
.rk tr.first td { background: var(--tint); }
.rk .good { color: var(--good); } .rk .bad { color: var(--bad); }
.rk svg { display: block; } .rk td svg { margin-top: .35rem; }
.rk .remarks { border-left: 4px solid var(--warn); background: var(--tint); padding: .5rem .9rem; margin: 1rem 0; }
.rk .remarks p { margin: .15rem 0; }
.rk .verdict { font-weight: 600; }
.rk .wide { overflow-x: auto; }
@media (max-width: 46rem) {
  .rk thead { display: none; }
  .rk table, .rk tbody, .rk tr, .rk td { display: block; }
  .rk tr { border-bottom: 1px solid var(--line); padding: .4rem 0; }
  .rk tr.first { background: var(--tint); }
  .rk tr.group { border: 0; padding-bottom: 0; }
  .rk td, .rk td.number { border: 0; padding: .05rem .3rem; text-align: left; white-space: normal; min-width: 0; }
  .rk td[data-label]:not([data-label=""])::before { content: attr(data-label) " "; color: var(--faint);
    font-size: .85em; font-family: system-ui, sans-serif; }
  .rk td:first-child::before { display: none; }
  .rk td.empty { display: none; }
}
.rk details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: 0 .8rem; }
.rk summary { cursor: pointer; padding: .5rem 0; }
.rk summary .change { font-variant-numeric: tabular-nums; font-weight: 600; margin-right: .6rem; }
.rk .sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 0 1.6rem; }
.rk .sides h3 { font-size: .95rem; margin: .6rem 0 .2rem; }
.rk ol { margin: .2rem 0 .8rem; padding-left: 1.4rem; }
.rk li { margin: .45rem 0; }
.rk .grade { font-size: .8em; border: 1px solid currentColor; border-radius: 9px; padding: 0 .45em;
  white-space: nowrap; }
.rk mark { background: color-mix(in srgb, var(--warn) 28%, transparent); color: inherit; border-radius: 2px; }
"""

PAGE_STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; padding: 1.6rem 1.2rem 4rem; background: light-dark(#ffffff, #14171c);
  color: light-dark(#1c2128, #dfe4ea); }
"""
