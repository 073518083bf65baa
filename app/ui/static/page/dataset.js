// One dataset: drawn, audited, browsed, and trained on.
import { get, post } from "./api.js";
import { findingsList } from "./audit.js";
import { makeChart, withGaps } from "./chart.js";
import { observed } from "./lines.js";
import { browse } from "./multiples.js";
import { byId, fill, placeName } from "./dom.js";
import { isCounted, count, moment, plural, seconds, stamp } from "./format.js";
import { showNoStart, showProblem } from "./notices.js";
import { showRecipes } from "./recipes.js";
import { offerVersions, trainOn } from "./train.js";

const id = placeName();
const chart = makeChart(byId("chart"), { height: 340 });

async function draw(itemId) {
  const found = await get(`/v1/datasets/${id}/observations?item_id=${encodeURIComponent(itemId)}`);
  const { timestamps, target } = observed(found);
  const line = withGaps(timestamps.map(seconds), target);
  const month = [line.x[Math.max(0, line.x.length - 700)], line.x[line.x.length - 1]];
  byId("series-heading").textContent = itemId;
  chart.show([{ name: "observations", ...line, ink: "accent", width: 1.2 }], {
    counted: isCounted(timestamps),
    title: `${itemId}: ${plural(target.length, "observation")} from ${stamp(timestamps[0])} to ${stamp(timestamps.at(-1))}.`,
    places: [["Everything", null], ["The end", month]],
  });
  history.replaceState(null, "", withItem(itemId));
  return { timestamps, covariates: [found.past_covariates, found.future_covariates, found.static_covariates].flatMap(Object.keys) };
}

function withItem(itemId) {
  const query = new URLSearchParams(location.search);
  query.set("item", itemId);
  return `${location.pathname}?${query}`;
}

async function audit() {
  const found = await post("/v1/audits", { series: [{ dataset: id }] }, { repeatable: true });
  fill(byId("audit"), findingsList(found));
}

function tellRecipes(itemId, training) {
  showRecipes(
    { title: "Read a series", method: "GET", path: `/v1/datasets/${id}/observations?item_id=${encodeURIComponent(itemId)}` },
    { title: "Audit", method: "POST", path: "/v1/audits", json: { series: [{ dataset: id }] } },
    { title: "Train", method: "POST", path: "/v1/training-jobs", json: training },
  );
}

async function start() {
  const [dataset, page] = await Promise.all([get(`/v1/datasets/${id}`), get(`/v1/datasets/${id}/series?limit=50&preview=60`)]);
  byId("crumb").textContent = id;
  byId("facts").textContent = `${plural(dataset.num_series, "series", "series")}, ${count(dataset.num_observations)} observations, revision ${dataset.revision}, ${moment(dataset.updated_at)}`;
  byId("heading").textContent = new URLSearchParams(location.search).get("name") ?? "Dataset";
  const first = new URLSearchParams(location.search).get("item") ?? page.data[0].item_id;
  const drawn = await draw(first);
  if (drawn.covariates.length) byId("facts").append(`, with ${[...new Set(drawn.covariates)].join(", ")}`);
  offerVersions().catch((problem) => showProblem(byId("train-outcome"), problem));
  trainOn({ id, timestamps: drawn.timestamps, itemId: first, onChange: (training) => tellRecipes(first, training) });
  if (dataset.num_series > 1) browse({ id, page, choose: (itemId) => draw(itemId).catch((problem) => showProblem(byId("outcome"), problem)) });
  await audit();
}

start().catch((problem) => showNoStart(byId("outcome"), problem));
