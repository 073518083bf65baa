// One chart of lines over time, with bands between pairs of them, a legend that switches them, and values where one points.
import uPlot from "/static/uplot-1.6.32/uPlot.esm.js";
import { fill, h } from "./dom.js";
import { number } from "./format.js";

const DAY = 86400;
// Tick distance, its label, and what is added below where the year, the month or the day changes.
const TIMES = [
  [365 * DAY, "{YYYY}", null, null, null, null, null, null, 1],
  [28 * DAY, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [DAY, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
];
const WHOLE = Array.from({ length: 14 }, (_, power) => [1, 2, 5].map((one) => one * 10 ** power)).flat();
const KEYS = { ArrowLeft: [-0.2, 1], ArrowRight: [0.2, 1], "+": [0, 0.6], "=": [0, 0.6], "-": [0, 1 / 0.6] };

/** The value of a variable of the style sheet now. */
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/**
 * A chart in a place.
 *
 * `show(lines, {title, range})` draws: a line is {name, x, y, ink, width, dash, points, hidden, quiet}; a band is
 * {name, x, low, high, ink, alpha}. `x` are seconds, or plain numbers where `isTime` is false, or `counted` what is shown.
 */
export function makeChart(place, { isTime = true, unit = "epoch", height = 320 } = {}) {
  const canvas = h("div", { class: "plot", tabindex: "0", role: "img" });
  const legend = h("div", { class: "legend", role: "group", "aria-label": "Lines of the chart" });
  const reading = h("p", { class: "reading small", "aria-hidden": "true" }, "\u00a0");
  const tools = h("div", { class: "tools" });
  fill(place, h("div", { class: "row spread" }, legend, tools), canvas, reading);
  canvas.style.setProperty("min-height", `${height}px`);
  const off = new Set();
  let plot = null;
  let shown = null;

  const width = () => canvas.clientWidth;
  new ResizeObserver(() => plot && plot.width !== width() && plot.setSize({ width: width(), height })).observe(canvas);
  document.addEventListener("themechange", () => shown && draw());
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "0") return zoom(null);
    const step = KEYS[event.key];
    if (!step || !plot) return undefined;
    event.preventDefault();
    const { min, max } = plot.scales.x;
    const middle = (min + max) / 2 + step[0] * (max - min);
    const half = ((max - min) / 2) * step[1];
    return zoom([middle - half, middle + half]);
  });

  function zoom(range) {
    if (!plot) return;
    const xs = plot.data[0];
    plot.setScale("x", range ? { min: range[0], max: range[1] } : { min: xs[0], max: xs[xs.length - 1] });
  }

  function show(lines, { title, range = null, keepZoom = false, places = [], counted = false }) {
    const before = keepZoom && plot ? { ...plot.scales.x } : null;
    shown = { lines, title, isTime: isTime && !counted, range: before ? [before.min, before.max] : range };
    canvas.setAttribute("aria-label", `${title} Arrow keys move, plus and minus zoom, 0 shows everything.`);
    fill(tools, places.map(([text, where]) => h("button", { type: "button", class: "quiet", onclick: () => zoom(where) }, text)));
    draw();
  }

  function draw() {
    const { columns, series, bands } = align(shown.lines.filter((one) => !off.has(one.name)));
    plot?.destroy();
    plot = new uPlot({
      width: width(), height, series, bands,
      legend: { show: false },
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
      cursor: { drag: { x: true, y: false }, points: { size: 6 } },
      scales: { x: { time: shown.isTime }, y: { range: (_, low, high) => padded(low, high) } },
      axes: [axis(shown.isTime ? { values: TIMES, space: 70 } : { incrs: WHOLE }), axis({ size: 64, values: (_, ticks) => ticks.map((one) => number(one)) })],
      hooks: { setCursor: [(u) => read(u, shown.lines, reading, shown.isTime ? null : isTime ? "at" : unit)] },
    }, columns, canvas);
    if (shown.range) zoom(shown.range);
    drawLegend();
  }

  function drawLegend() {
    fill(legend, shown.lines.filter((one) => !one.quiet).map((one) => h("button", {
      type: "button", class: `key ${one.low ? "band" : one.points ? "dots" : one.dash ? "dashed" : "line"} ink-${one.ink}`, "aria-pressed": String(!off.has(one.name)),
      onclick: () => {
        if (!off.delete(one.name)) off.add(one.name);
        shown.range = plot ? [plot.scales.x.min, plot.scales.x.max] : null;
        draw();
        legend.children[[...shown.lines.filter((each) => !each.quiet)].indexOf(one)]?.focus();
      },
    }, one.name)));
  }

  return { show };
}

function axis(more) {
  return { stroke: ink("muted"), grid: { stroke: ink("grid"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif", ...more };
}

function padded(low, high) {
  if (low === null || high === null) return [0, 1];
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return [low - room, high + room];
}

/** Lines of different x in one table, as uPlot wants them. */
function align(lines) {
  const tables = [];
  const series = [{}];
  const bands = [];
  for (const one of lines) {
    if (one.low) {
      tables.push([one.x, one.high, one.low]);
      const edge = { stroke: "transparent", width: 0, points: { show: false } };
      series.push({ ...edge }, { ...edge });
      bands.push({ series: [series.length - 2, series.length - 1], fill: faded(ink(one.ink), one.alpha) });
    } else {
      tables.push([one.x, one.y]);
      series.push({
        stroke: one.points ? "transparent" : ink(one.ink), width: one.points ? 0 : one.width ?? 1.5, dash: one.dash,
        points: one.points ? { show: true, size: one.points, fill: ink(one.ink), stroke: ink(one.ink) } : { show: one.x.length < 2 },
      });
    }
  }
  return { columns: tables.length ? joined(tables) : [[]], series, bands };
}

/** Columns over all x of several tables, ascending: undefined where a table has nothing, which breaks no line as null does. */
function joined(tables) {
  const xs = [...new Set(tables.map(([x]) => x))].reduce(merged, []);
  const columns = tables.flatMap(([x, ...columns]) => {
    const places = new Uint32Array(x.length);
    let place = 0;
    for (let index = 0; index < x.length; index += 1) {
      while (xs[place] < x[index]) place += 1;
      places[index] = place;
    }
    return columns.map((values) => {
      const column = new Array(xs.length);
      for (let index = 0; index < places.length; index += 1) column[places[index]] = values[index];
      return column;
    });
  });
  return [xs, ...columns];
}

/** Two ascending lists as one, each value once. */
function merged(one, other) {
  const all = [];
  let [first, second] = [0, 0];
  while (first < one.length || second < other.length) {
    const next = second >= other.length || one[first] <= other[second] ? one[first++] : other[second++];
    if (next !== all[all.length - 1]) all.push(next);
  }
  return all;
}

function faded(colour, alpha) {
  const parts = colour.match(/[0-9a-f]{2}/gi).map((one) => parseInt(one, 16));
  return `rgba(${parts.join(", ")}, ${alpha})`;
}

/** Says what the lines are where the pointer is. */
function read(plot, lines, reading, unit) {
  const { left } = plot.cursor;
  if (left === undefined || left < 0) {
    reading.textContent = "\u00a0";
    return;
  }
  const at = plot.posToVal(left, "x");
  const [low, high] = [plot.posToVal(left - 6, "x"), plot.posToVal(left + 6, "x")];
  const parts = lines.flatMap((one) => {
    const index = nearest(one.x, at);
    const isNear = index >= 0 && one.x[index] >= low && one.x[index] <= high;
    if (!isNear || one.quiet) return [];
    return [`${one.name} ${one.low ? `${number(one.low[index])} to ${number(one.high[index])}` : number(one.y[index])}`];
  });
  const when = unit ? `${unit} ${Math.round(at)}` : new Date(at * 1000).toISOString().slice(0, 16).replace("T", " ");
  reading.textContent = parts.length ? `${when}: ${parts.join(", ")}` : "\u00a0";
}

function nearest(sorted, value) {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low > 0 && value - sorted[low - 1] < sorted[low] - value ? low - 1 : low;
}

const broken = new WeakMap();

/** Breaks a line where observations are missing: a null in every gap of more than one and a half steps. */
export function withGaps(x, y) {
  if (x.length < 3) return { x, y };
  if (!broken.has(x)) broken.set(x, breakLine(x, y));
  return broken.get(x);
}

function breakLine(x, y) {
  const steps = x.slice(1).map((one, index) => one - x[index]);
  const usual = Float64Array.from(steps).sort()[steps.length >> 1];
  const [brokenX, brokenY] = [[x[0]], [y[0]]];
  for (let index = 1; index < x.length; index += 1) {
    if (steps[index - 1] > usual * 1.5) {
      brokenX.push(x[index - 1] + usual);
      brokenY.push(null);
    }
    brokenX.push(x[index]);
    brokenY.push(y[index]);
  }
  return { x: brokenX, y: brokenY };
}
