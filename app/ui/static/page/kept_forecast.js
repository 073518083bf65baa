// One forecast that was kept, under its permanent address.
import { ask, get } from "./api.js";
import { makeChart } from "./chart.js";
import { byId, fill, h, placeName } from "./dom.js";
import { moment } from "./format.js";
import { showTable, showWarnings } from "./forecast_view.js";
import { answered, cameAfter, drawKept } from "./kept_view.js";
import { act, showNoStart, showProblem } from "./notices.js";
import { showRecipes } from "./recipes.js";
import { showShare } from "./share.js";

const id = placeName();
const place = `/v1/forecasts/${id}`;
const outcome = byId("outcome");
const chart = makeChart(byId("chart"), { height: 400 });

function show(kept, forecast) {
  byId("heading").textContent = `Forecast of ${forecast.item_id}`;
  drawKept(chart, kept, forecast);
  showWarnings(byId("warnings"), forecast.warnings);
  const level = Object.keys(forecast.intervals).sort((one, other) => other - one)[0];
  if (level) showTable(byId("table"), forecast, level);
  const query = answered(kept).length > 1 ? `?item_id=${encodeURIComponent(forecast.item_id)}` : "";
  showShare(`/forecasts/${id}${query}`, place, query);
  // A dataset that was deleted since has nothing to compare with.
  addTruth(kept, forecast).catch((problem) => problem.status === 404 || showProblem(outcome, problem));
}

async function addTruth(kept, forecast) {
  const history = kept.history.find((one) => one.item_id === forecast.item_id);
  if (!history?.dataset || !history.timestamps.length) return;
  const known = await get(`/v1/datasets/${history.dataset}/observations?item_id=${encodeURIComponent(forecast.item_id)}`);
  const truth = cameAfter(history, forecast, known);
  if (truth.x.length && byId("heading").textContent.endsWith(forecast.item_id)) drawKept(chart, kept, forecast, truth);
}

function remove(event) {
  if (!confirm("Delete this forecast? Its address and its pictures answer no more.")) return;
  act(event.target, outcome, async () => {
    await ask("DELETE", place);
    location.assign("/forecasts");
  });
}

async function start() {
  byId("crumb").textContent = id;
  byId("delete").addEventListener("click", remove);
  const kept = await get(place);
  byId("facts").textContent = `${kept.model.name}, version ${kept.model.version}, made ${moment(kept.created_at)}`;
  const found = answered(kept);
  if (!found.length) return showProblem(outcome, Object.assign(new Error(kept.forecasts[0].problem.detail), { title: "Nothing was forecast", hint: kept.forecasts[0].problem.hint }));
  const wanted = new URLSearchParams(location.search).get("item_id");
  const first = found.find((one) => one.item_id === wanted) ?? found[0];
  byId("which").hidden = found.length < 2;
  fill(byId("item"), found.map((one) => h("option", { value: one.item_id, selected: one === first }, one.item_id)));
  byId("item").addEventListener("change", () => show(kept, found[byId("item").selectedIndex]));
  return show(kept, first);
}

start().catch((problem) => showNoStart(outcome, problem));
showRecipes(
  { title: "Show the forecast again", method: "GET", path: place },
  { title: "Its picture", method: "GET", path: `${place}.png?width=1200&height=500&theme=light`, saved: "forecast.png" },
  { title: "Delete it", method: "DELETE", path: place },
);
