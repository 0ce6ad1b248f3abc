"""The look of our pages: the style sheet, and the scripts that draw charts and print them."""

# `.wide`: a shadow at the side on which a table goes on, covered at its end by white that scrolls.
CSS = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 1080px; padding: 0 16px 48px; background: #fff; color: #222;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 24px 0 4px; }
h2 { font-size: 1.3rem; margin: 40px 0 8px; padding-bottom: 4px; border-bottom: 2px solid #0072b2; }
.subtitle { margin: 0 0 12px; color: #555; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 0; padding: 0; }
a { color: #00588a; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 8px;
  margin: 12px 0; }
.facts div { display: flex; flex-direction: column; border: 1px solid #ddd; border-radius: 4px;
  padding: 8px 12px; }
.facts dd { margin: 0; font-size: 1.4rem; font-weight: 600; font-variant-numeric: tabular-nums; }
section:last-child td:empty { height: 2.4em; min-width: 9em; }
.facts dt { color: #555; font-size: .85rem; }
figure { margin: 20px 0; min-width: 0; }
figcaption, .caption, summary { font-weight: 600; }
.caption { margin: 16px 0 4px; }
figcaption { margin-bottom: 4px; }
summary { cursor: pointer; margin: 12px 0 4px; }
.note { color: #555; font-size: .85rem; margin: 4px 0; }
.wide { overflow-x: auto; background:
  linear-gradient(90deg, #fff 50%, #fff0) local 0 0 / 40px 100% no-repeat,
  linear-gradient(270deg, #fff 50%, #fff0) local 100% 0 / 40px 100% no-repeat,
  linear-gradient(90deg, #0004, #0000) scroll 0 0 / 10px 100% no-repeat,
  linear-gradient(270deg, #0004, #0000) scroll 100% 0 / 10px 100% no-repeat; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 12px 4px 0; border-bottom: 1px solid #e3e3e3; text-align: left;
  vertical-align: top; }
th { border-bottom: 1px solid #8a8a8a; vertical-align: bottom; }
th.n, td.n { text-align: right; }
td.n { white-space: nowrap; }
tr:has(td:empty + td:empty) td:empty { height: 2.6rem; min-width: 8rem; }
@media print {
  @page { margin: 14mm; }
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  nav { display: none; }
  h2, figcaption, .caption { break-after: avoid; }
  figure, tr, .facts, section:last-child { break-inside: avoid; }
  .facts dd { font-size: 1.1rem; }
  thead { display: table-header-group; }
  .wide { overflow: visible; background: none; }
  a { color: inherit; text-decoration: none; }
}
"""

# The data of a chart stand behind its place, as JSON that no browser runs.
DRAW_SCRIPT = """
(function () {
  document.querySelectorAll('script.chart').forEach(function (data) {
    var chart = JSON.parse(data.textContent);
    Plotly.newPlot(data.previousElementSibling, chart.data, chart.layout, chart.config);
  });
})();
"""

# A drawn chart has a fixed width in pixels. Paper is narrower than most screens, so charts are
# redrawn at the width of an A4 page's text, and closed tables are opened, while printing.
PRINT_SCRIPT = """
(function () {
  var closed = [];
  function charts() { return Array.from(document.querySelectorAll('.js-plotly-plot')); }
  window.addEventListener('beforeprint', function () {
    closed = Array.from(document.querySelectorAll('details:not([open])'));
    closed.forEach(function (d) { d.open = true; });
    charts().forEach(function (c) { Plotly.relayout(c, {width: 660}); });
  });
  window.addEventListener('afterprint', function () {
    closed.forEach(function (d) { d.open = false; });
    charts().forEach(function (c) { Plotly.relayout(c, {width: null, autosize: true}); });
  });
})();
"""
