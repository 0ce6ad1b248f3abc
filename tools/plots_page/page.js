// DVC calls vegaEmbed('#id', spec) for each plot. Here the call learns to draw at the width that
// there is, in colours that a colour-blind person can tell apart, and to say where it failed.
(function () {
  "use strict";
  // Okabe and Ito 2008, in the order in which the revisions take them.
  var COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9"];
  var CONFIG = {
    font: 'system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif',
    title: {fontSize: 14, anchor: "start", frame: "bounds", offset: 12},
    axis: {labelFontSize: 12, titleFontSize: 12, gridColor: "#e3e3e3", labelColor: "#222",
      titleFontWeight: "normal", labelOverlap: "parity", labelSeparation: 6},
    legend: {orient: "bottom", labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal",
      labelColor: "#222"},
    line: {strokeWidth: 2}
  };
  var MENU = 50, NARROW = 450; // pixels: beside the title; one column below it
  var embed = window.vegaEmbed, charts = [], revisions = [], width = 0, timer = 0;

  function walk(node, visit) {
    if (!node || typeof node !== "object") return;
    visit(node);
    Object.keys(node).forEach(function (key) {
      if (key !== "data" && key !== "datasets") walk(node[key], visit);
    });
  }

  function colour(spec) {
    walk(spec, function (node) {
      var by = node.color, dash = node.strokeDash;
      if (dash && dash.field) {
        dash.title = null;
        dash.legend = Object.assign({symbolSize: 400}, dash.legend);
      }
      if (!by || by.field !== "rev" || !by.scale || !by.scale.domain) return;
      var domain = by.scale.domain;
      by.scale.range = domain.map(function (_, i) { return COLOURS[i % COLOURS.length]; });
      domain.forEach(function (rev) {
        if (revisions.indexOf(rev) < 0) revisions.push(rev);
      });
      by.title = null;
      // What one revision is called stands above the charts.
      by.legend = domain.length < 2 ? null : {symbolOpacity: 1, symbolSize: dash ? 400 : 100};
    });
  }

  function wrap(text, letters) {
    return String(text).split(" ").reduce(function (lines, word) {
      var last = lines[lines.length - 1];
      if (last !== undefined && last.length + word.length < letters) {
        lines[lines.length - 1] = last + " " + word;
      } else lines.push(word);
      return lines;
    }, []);
  }

  // A page that is scrolled must not zoom the chart under the pointer.
  function zoomByShift(node) {
    if (node.bind === "scales" && node.select === "interval") {
      node.select = {type: "interval", zoom: "wheel![event.shiftKey]"};
    }
  }

  function fit(given, place) {
    var spec = JSON.parse(JSON.stringify(given)), room = place.clientWidth;
    if (spec.title && typeof spec.title.text === "string") {
      spec.title.text = wrap(spec.title.text, (room - MENU) / 8);
      delete spec.title.anchor;
    }
    var facet = spec.facet;
    if (facet && facet.column && Object.keys(facet).length === 1) {
      // A row of panels becomes as many rows of them as the room asks for.
      spec.facet = facet.column;
      spec.columns = room < NARROW ? 1 : 2;
      spec.spec.width = Math.min(300, (room - 150) / spec.columns);
      spec.spec.height = spec.spec.width * 0.75;
    } else if (typeof spec.width === "number" && !facet) {
      spec.width = room;
      spec.height = Math.min(420, Math.max(340, room * 0.75));
      spec.autosize = {type: "fit", contains: "padding"};
    }
    return spec;
  }

  async function draw(chart) {
    var place = document.querySelector(chart.at);
    if (chart.view) chart.view.finalize();
    try {
      // Compiled here: vega-embed would compare the versions in $schema, and warn of 5 against 5.2.0.
      CONFIG.legend.columns = place.clientWidth < NARROW ? 1 : 3;
      var compiled = vegaLite.compile(fit(chart.spec, place), {config: CONFIG}).spec;
      delete compiled.$schema;
      var result = await embed(place, compiled, {
        mode: "vega",
        renderer: "svg",
        actions: {export: true, source: false, compiled: false, editor: false}
      });
      chart.view = result.view;
      return result;
    } catch (error) {
      place.className = "failed";
      place.textContent = "The plot " + chart.at.slice(1) + " can't be drawn: " + error.message;
      console.error(place.textContent);
    }
  }

  window.vegaEmbed = function (at, spec) {
    colour(spec);
    walk(spec, zoomByShift);
    var chart = {at: at, spec: spec};
    charts.push(chart);
    return draw(chart);
  };

  window.addEventListener("DOMContentLoaded", function () {
    var names = document.getElementById("revisions");
    width = document.body.clientWidth;
    revisions.forEach(function (rev, i) {
      var name = document.createElement("span"), mark = document.createElement("i");
      mark.style.background = COLOURS[i % COLOURS.length];
      name.append(mark, rev);
      names.append(name);
    });
    if (revisions.length) document.title = "Credit risk: plots of " + revisions.join(", ");
    document.getElementById("versions").textContent = "Drawn by Vega " + vega.version
      + ", Vega-Lite " + vegaLite.version + ", vega-embed " + embed.version + ".";
  });

  window.addEventListener("resize", function () {
    clearTimeout(timer);
    timer = setTimeout(function () {
      if (document.body.clientWidth === width) return;
      width = document.body.clientWidth;
      charts.forEach(draw);
    }, 200);
  });
})();
