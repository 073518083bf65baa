// One model: its versions side by side, and where production points.
import { ask, get } from "./api.js";
import { backtestForm } from "./backtest_form.js";
import { makeChart } from "./chart.js";
import { byId, fill, h, placeName } from "./dom.js";
import { count, moment, number, percent } from "./format.js";
import { drawReports, scoreOf } from "./leads.js";
import { act, showNoStart, showProblem } from "./notices.js";
import { moves, production, promote } from "./promotion.js";
import { watchPromotion } from "./promotion_panel.js";
import { showRecipes } from "./recipes.js";

const name = placeName();
const place = `/v1/models/${encodeURIComponent(name)}`;
const outcome = byId("outcome");
const HEADS = ["Version", "Made", "MASE", "Seasonal naive", "In 80 %", "Observations", "Horizon", "Aliases", ""];

const MOST_COMPARED = 5;
const chart = makeChart(byId("chart"), { isTime: false, unit: "lead", height: 260 });

function row(version) {
  const [ours, naive] = [scoreOf(version.report, "longshot"), scoreOf(version.report, "seasonal_naive")];
  const cells = [
    h("a", { href: `/models/${encodeURIComponent(name)}/${version.version}` }, h("strong", {}, version.version)), moment(version.created_at), number(ours?.mase), number(naive?.mase), ours?.coverage == null ? "–" : percent(ours.coverage),
    count(version.manifest.num_observations), count(version.configuration.horizon), version.aliases.join(", ") || "–",
  ];
  return h("tr", {}, cells.map((one) => h("td", {}, one)), h("td", { class: "row" }, actions(version)));
}

function actions(version) {
  const isFree = version.aliases.length === 0;
  return [
    h("a", { class: "button", href: `/forecast?${new URLSearchParams({ model: name, version: version.version })}` }, "Forecast"),
    !version.aliases.includes("production") && h("button", { type: "button", onclick: (event) => act(event.target, outcome, async () => {
      await promote(name, version.version, await production(name));
      await show();
    }) }, "Promote"),
    h("a", { class: "button quiet", href: `${place}/versions/${version.version}/bundle`, download: true }, "Download"),
    isFree && h("button", { type: "button", class: "quiet", onclick: (event) => remove(event.target, version.version) }, "Delete"),
  ];
}

function remove(button, version) {
  if (!confirm(`Delete version ${version} of ${name}? This cannot be undone.`)) return;
  act(button, outcome, async () => {
    await ask("DELETE", `${place}/versions/${version}`);
    await show();
  });
}

const versionName = (number) => `version ${number}`;

/** The scores that the versions are compared by: of their own ends, or of the newest backtest of each. */
async function reports(versions) {
  if (byId("basis").value === "own") return versions.map((one) => ({ name: versionName(one.version), report: one.report }));
  const { data } = await get(`/v1/backtests?limit=200&state=succeeded&model=${encodeURIComponent(name)}`);
  const newest = versions.map((one) => data.find((each) => each.version === one.version)).filter(Boolean);
  const whole = await Promise.all(newest.map((one) => get(`/v1/backtests/${one.id}`)));
  return whole.map((one) => ({ name: versionName(one.version), report: one.report }));
}

async function compare(versions) {
  const num = drawReports(chart, await reports(versions.slice(0, MOST_COMPARED)));
  if (!num && byId("basis").value === "backtest") fill(outcome, h("div", { class: "notice" }, "No version of it has been backtested yet: start one below."));
}

async function show() {
  const [{ data }, made] = await Promise.all([get(`${place}/versions`), moves(name)]);
  fill(byId("list"), h("table", {}, h("thead", {}, h("tr", {}, HEADS.map((one) => h("th", { scope: "col" }, one || h("span", { class: "unseen" }, "Actions"))))), h("tbody", {}, data.map(row))));
  fill(byId("history"), made.length
    ? made.map((one) => h("li", {}, h("strong", {}, `version ${one.version}`), h("span", { class: "muted" }, ` ${moment(one.created_at)}, by ${one.actor}`)))
    : h("li", { class: "muted" }, "It was never moved."));
  backtestForm(name, data, outcome, tellRecipes).catch((problem) => showProblem(outcome, problem));
  byId("basis").onchange = () => compare(data).catch((problem) => showProblem(outcome, problem));
  await compare(data);
  await watchPromotion(name, null, outcome, () => show().catch((problem) => showProblem(outcome, problem)));
}

function tellRecipes(backtest) {
  showRecipes(
    { title: "List the versions", method: "GET", path: `${place}/versions` },
    { title: "Promote a version", method: "PUT", path: `${place}/aliases/production`, json: { version: 1 } },
    { title: "Backtest", method: "POST", path: "/v1/backtests", json: backtest },
    { title: "Delete a version", method: "DELETE", path: `${place}/versions/1` },
    { title: "Roll back", method: "POST", path: `${place}/aliases/production/rollback` },
  );
}

byId("heading").textContent = name;
byId("crumb").textContent = name;
show().catch((problem) => showNoStart(outcome, problem));
