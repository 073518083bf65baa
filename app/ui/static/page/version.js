// One version: how it did by lead, what its forecasts were worth, and whether it is in production.
import { get } from "./api.js";
import { makeChart } from "./chart.js";
import { byId, fill, h } from "./dom.js";
import { count, moment, number, percent, stamp, trainedUntil } from "./format.js";
import { drawMethods, scoreTable } from "./leads.js";
import { showNoStart } from "./notices.js";
import { watchPromotion } from "./promotion_panel.js";
import { showRecipes } from "./recipes.js";

const [name, version] = location.pathname.split("/").slice(2).map(decodeURIComponent);
const place = `/v1/models/${encodeURIComponent(name)}/versions/${version}`;
const outcome = byId("outcome");
const chart = makeChart(byId("chart"), { isTime: false, unit: "lead", height: 260 });

function showRealised(realised) {
  if (!realised) return;
  byId("realised").hidden = false;
  const rows = realised.coverage.filter((one) => one.kind === "interval").map((one) => h("li", {}, `The ${one.level} % interval covered ${percent(one.realised)} of ${count(one.num_scored)} observations.`));
  fill(byId("realised-text"),
    h("p", {}, `Since ${realised.since}, ${count(realised.num_scored)} observations came that it had forecast: off by ${number(realised.mean_absolute_error)} on average.`),
    h("ul", {}, rows), realised.has_drifted && h("p", { class: "caution" }, "An interval covers clearly less than it promises: train it anew."));
}

function showReasons(reasons) {
  if (!reasons.length) return;
  byId("reasons").hidden = false;
  fill(byId("reasons-list"), reasons.map((one) => h("li", {}, h("b", { title: one.choice }, `${one.name}: ${one.value}`), h("span", { class: "muted" }, ` – ${one.why}`))));
}

async function start() {
  byId("heading").textContent = `${name}, version ${version}`;
  fill(byId("crumb-model"), name).href = `/models/${encodeURIComponent(name)}`;
  byId("crumb").textContent = version;
  const found = await get(place);
  const { manifest, report } = found;
  byId("facts").textContent = [
    `made ${moment(found.created_at)}`, `${count(manifest.num_observations)} observations up to ${stamp(trainedUntil(found))}`, `horizon ${found.configuration.horizon}`,
    ...(found.aliases.length ? [found.aliases.join(", ")] : []),
  ].join(" · ");
  byId("forecast").href = `/forecast?${new URLSearchParams({ model: name, version, ...(found.dataset && { dataset: found.dataset }) })}`;
  if (report) scoreTable(byId("scores"), report);
  if (report?.leads?.length) drawMethods(chart, report);
  else chart.show([], { title: "No scores by lead." });
  showRealised(found.realised);
  showReasons(manifest.reasons);
  const links = [found.training_job && [`/jobs/${found.training_job}`, "its training"], ...found.backtests.map((one) => [one.replace("/v1", ""), one.split("/").at(-1)])].filter(Boolean);
  fill(byId("backtests"), links.map(([href, text]) => h("li", {}, h("a", { href }, text))), !found.backtests.length && h("li", { class: "muted" }, "No backtest of it yet; the page of the model starts one."));
  byId("configuration").textContent = JSON.stringify({ configuration: found.configuration, manifest }, null, 2);
  await watchPromotion(name, Number(version), outcome);
}

start().catch((problem) => showNoStart(outcome, problem));
showRecipes(
  { title: "Show the version", method: "GET", path: place },
  { title: "Promote it", method: "PUT", path: `/v1/models/${encodeURIComponent(name)}/aliases/production`, json: { version: Number(version) } },
  { title: "Download it", method: "GET", path: `${place}/bundle`, saved: `${name}-${version}.tar` },
);
