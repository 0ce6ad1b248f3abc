// DVC writes a script per plot, with its data. In this page that is text, and the policy runs no
// script but this one and Vega's. The plots are read from the text, and drawn at the width that
// there is, in colours that a colour-blind person can tell apart.
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
    var place = chart.at;
    if (chart.view) chart.view.finalize();
    try {
      // Compiled here: vega-embed would compare the versions in $schema, and warn of 5 against 5.2.0.
      CONFIG.legend.columns = place.clientWidth < NARROW ? 1 : 3;
      var compiled = vegaLite.compile(fit(chart.spec, place), {config: CONFIG}).spec;
      delete compiled.$schema;
      var result = await embed(place, compiled, {
        mode: "vega",
        renderer: "svg",
        ast: true, // expressions are interpreted: the policy forbids to make code of text
        actions: {export: true, source: false, compiled: false, editor: false}
      });
      chart.view = result.view;
      return result;
    } catch (error) {
      fail(place, chart.name, error);
    }
  }

  function fail(place, name, error) {
    place.className = "failed";
    place.textContent = "The plot " + name + " can't be drawn: " + error.message;
    console.error(place.textContent);
  }

  // DVC writes each part that counts on a line of its own, and its JSON has no line breaks. A name
  // or a cell that looks like HTML is part of its line, and is never anything else.
  function readPlots(text) {
    var caption = "", json = "", match;
    text.split("\n").map(function (line) { return line.trim(); }).forEach(function (line) {
      if ((match = /^<p>(.*)<\/p>$/.exec(line))) caption = match[1];
      else if ((match = /^<img src="(.*)">$/.exec(line))) addImage(caption, match[1]);
      else if ((match = /^var spec = (.*);$/.exec(line))) json = match[1];
      else if ((match = /^vegaEmbed\('#(.*)', spec\);$/.exec(line))) {
        addPlot(match[1], json);
        json = "";
      }
    });
    var main = document.getElementById("plots");
    if (!main.children.length) fail(main, "", new Error("DVC wrote none that this page can read."));
  }

  function newPlace(kind) {
    return document.getElementById("plots").appendChild(document.createElement(kind));
  }

  function addPlot(name, json) {
    var place = newPlace("div");
    try {
      var spec = parse(json);
      asWritten(spec);
      colour(spec);
      walk(spec, zoomByShift);
      charts.push({at: place, name: name, spec: spec});
    } catch (error) {
      fail(place, name, error);
    }
  }

  function parse(json) {
    try {
      return JSON.parse(json);
    } catch (_) {
      // Python writes NaN and Infinity, which JSON does not have. What is in quotes stays.
      return JSON.parse(json.replace(
        /"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity)\b/g,
        function (part) { return part[0] === '"' ? part : "null"; }
      ));
    }
  }

  // Undo csv_cell of creditrisk/core/escape.py: the apostrophe before what a spreadsheet would run.
  function asWritten(spec) {
    var values = spec.data && spec.data.values;
    (Array.isArray(values) ? values : []).forEach(function (row) {
      Object.keys(row).forEach(function (key) {
        if (typeof row[key] !== "string") return;
        row[key] = row[key].replace(/(^|[;\t\n])'(?='*[=+\-@\t])/g, "$1");
      });
    });
  }

  // A plot that is a picture: a file that DVC wrote beside the page, or one inside the page.
  function addImage(caption, source) {
    var place = newPlace("div"), words = document.createElement("p");
    if (!/^(static\/[^:\\]*|data:image\/?[a-z+]*;base64,[\w+\/=]*)$/.test(source)) {
      return fail(place, caption, new Error("it is not beside this page."));
    }
    var image = document.createElement("img");
    words.textContent = image.alt = caption;
    image.src = source;
    place.append(words, image);
  }

  window.addEventListener("DOMContentLoaded", function () {
    var names = document.getElementById("revisions");
    width = document.body.clientWidth;
    var dvc = document.getElementById("dvc");
    dvc.remove();
    readPlots(dvc.textContent);
    charts.forEach(draw);
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
