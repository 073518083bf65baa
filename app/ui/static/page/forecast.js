// A forecast: asked anew with every choice, drawn with its history, the held-back truth and the seasonal naive.
import { get, post } from "./api.js";
import { makeChart } from "./chart.js";
import { byId, debounced, fill, h } from "./dom.js";
import { count, isCounted, seconds } from "./format.js";
import { cut, numbers } from "./lines.js";
import { act, showProblem } from "./notices.js";
import { chosenWell, fillChoices } from "./choices.js";
import { drawForecast, drawRates, showTable, showVerdict, showWarnings } from "./forecast_view.js";
import { showRecipes } from "./recipes.js";
import { watchPromotion } from "./promotion_panel.js";

const QUIET_MILLISECONDS = 10;
const outcome = byId("outcome");
const chart = makeChart(byId("chart"), { height: Math.round(Math.min(600, Math.max(300, innerHeight * 0.45))) });
const rates = makeChart(byId("rates-chart"), { height: 240 });
const query = new URLSearchParams(location.search);
let series = null;
let asked = null;
let version = null;
let marked = null;

const heldBack = () => (byId("hold").checked ? Math.min(Number(byId("held").value) || 1, series.x.length - 2) : 0);
const cutoff = () => (heldBack() ? series.timestamps[series.x.length - 1 - heldBack()] : null);
const source = (more) => ({ dataset: byId("dataset").value, item_id: byId("item").value, ...more });

function question(name) {
  const at = cutoff();
  const level = Number(byId("level").value);
  return {
    model: name, series: [source(at === null ? {} : { cutoff: at })], horizon: { steps: Number(byId("steps").value) },
    quantile_levels: [0.5], interval_levels: level > 50 ? [50, level] : [level], keep: false,
    ...(byId("rates").checked && { rates: true }),
  };
}

async function answer(name, signal) {
  const { forecasts } = await post("/v1/forecasts", question(name), { signal, repeatable: true });
  return forecasts[0];
}

/** Asks and draws; what was asked before and is no longer wanted is given up. */
async function refresh({ keepZoom = true } = {}) {
  if (!series) return;
  asked?.abort();
  asked = new AbortController();
  byId("steps-shown").textContent = `${count(Number(byId("steps").value))} steps`;
  byId("level-shown").textContent = `${byId("level").value} %`;
  const [name, other] = [`${byId("model").value}/${byId("version").value}`, byId("other").value];
  try {
    const started = performance.now();
    const [forecast, compared] = await Promise.all([
      answer(name, asked.signal), other ? answer(`${byId("model").value}/${other}`, asked.signal) : null,
    ]);
    fill(outcome);
    const parts = cut(series, cutoff());
    const drawn = drawForecast(chart, { ...parts, forecast, compared, other, marked, level: byId("level").value, season: version.configuration.season_length, keepZoom });
    byId("chart").dataset.milliseconds = Math.round(performance.now() - started);
    showVerdict(byId("verdict"), drawn, version, cutoff());
    showWarnings(byId("warnings"), forecast.warnings);
    showTable(byId("table"), forecast, byId("level").value);
    byId("changing").hidden = !forecast.rate;
    if (forecast.rate) drawRates(rates, forecast);
    remember(name);
  } catch (problem) {
    showProblem(outcome, problem);
  }
}

function remember(name) {
  const kept = { model: byId("model").value, version: byId("version").value, dataset: byId("dataset").value, item: byId("item").value, steps: byId("steps").value, level: byId("level").value, ...(cutoff() && { cutoff: cutoff() }) };
  history.replaceState(null, "", `/forecast?${new URLSearchParams(kept)}`);
  byId("heading").textContent = `Forecast of ${byId("item").value}`;
  showRecipes(
    { title: "Forecast", method: "POST", path: "/v1/forecasts", json: { ...question(name), keep: true } },
    { title: "Promote", method: "PUT", path: `/v1/models/${byId("model").value}/aliases/production`, json: { version: Number(byId("version").value) } },
    { title: "Roll back", method: "POST", path: `/v1/models/${byId("model").value}/aliases/production/rollback` },
    { title: "Find anomalies", method: "POST", path: "/v1/anomalies", json: { model: name, series: [source()], last: lastJudged() } },
  );
}

/** Asks once more, for good: the answer gets an address of its own. */
function keep(event) {
  act(event.target, outcome, async () => {
    const { id } = await post("/v1/forecasts", { ...question(`${byId("model").value}/${byId("version").value}`), keep: true });
    location.assign(`/forecasts/${id}`);
  });
}

const lastJudged = () => Math.max(1, Math.min(500, Math.floor(series.x.length / 2)));

async function markAnomalies() {
  marked = null;
  if (byId("anomalies").checked) {
    try {
      const name = `${byId("model").value}/${byId("version").value}`;
      const { anomalies: [found] } = await post("/v1/anomalies", { model: name, series: [source()], last: lastJudged() }, { repeatable: true });
      const rows = found.timestamps.flatMap((text, index) => (found.is_anomaly[index] ? [[seconds(text), found.value[index]]] : []));
      marked = { x: rows.map(([x]) => x), y: rows.map(([, y]) => y), judged: found.timestamps.length, byChance: found.num_expected_by_chance };
    } catch (problem) {
      byId("anomalies").checked = false;
      showProblem(outcome, problem);
      return;
    }
  }
  await refresh();
}

async function takeSeries() {
  series = numbers(await get(`/v1/datasets/${byId("dataset").value}/observations?item_id=${encodeURIComponent(byId("item").value)}`));
  byId("held").max = Math.max(1, series.x.length - 2);
}

async function takeVersion() {
  version = await get(`/v1/models/${encodeURIComponent(byId("model").value)}/versions/${byId("version").value}`);
  watchPromotion(byId("model").value, Number(byId("version").value), outcome);
}

function setSliders() {
  const usual = version.configuration.horizon;
  const at = query.get("cutoff");
  const after = at ? series.x.filter((one) => one > seconds(isCounted(series.timestamps) ? Number(at) : at)).length : 0;
  byId("hold").checked = after > 0;
  byId("held").value = after || Math.max(1, Math.min(usual, Math.floor(series.x.length / 5)));
  byId("steps").max = Math.max(usual * 4, after * 2, 24);
  byId("steps").value = query.get("steps") ?? (after || usual);
  byId("level").value = query.get("level") ?? 80;
}

function listen() {
  const soon = debounced(refresh, QUIET_MILLISECONDS);
  for (const id of ["steps", "level"]) byId(id).addEventListener("input", soon);
  byId("held").addEventListener("input", () => { byId("hold").checked = true; soon({ keepZoom: false }); });
  byId("hold").addEventListener("change", () => refresh({ keepZoom: false }));
  for (const id of ["other", "rates"]) byId(id).addEventListener("change", () => refresh());
  byId("keep").addEventListener("click", keep);
  byId("anomalies").addEventListener("change", markAnomalies);
  chosenWell(async (what) => {
    try {
      if (what !== "series") await takeVersion();
      if (what !== "version") await takeSeries();
      await markAnomalies();
      await refresh({ keepZoom: false });
    } catch (problem) {
      showProblem(outcome, problem);
    }
  });
  byId("choices").addEventListener("submit", (event) => event.preventDefault());
}

async function start() {
  const missing = await fillChoices(query);
  if (missing) {
    byId("work").hidden = true;
    byId("empty").hidden = false;
    fill(byId("empty"), h("p", {}, missing), h("p", {}, h("a", { class: "button primary", href: "/" }, "Start with a table")));
    return;
  }
  await Promise.all([takeVersion(), takeSeries()]);
  setSliders();
  listen();
  await refresh({ keepZoom: false });
}

start().catch((problem) => showProblem(outcome, problem));
