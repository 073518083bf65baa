// One model: its versions side by side, and where production points.
import { ask, get } from "./api.js";
import { byId, fill, h, placeName } from "./dom.js";
import { count, moment, number, percent } from "./format.js";
import { act, showProblem } from "./notices.js";
import { moves, production, promote } from "./promotion.js";
import { watchPromotion } from "./promotion_panel.js";
import { showRecipes } from "./recipes.js";

const name = placeName();
const place = `/v1/models/${encodeURIComponent(name)}`;
const outcome = byId("outcome");
const HEADS = ["Version", "Made", "MASE", "Seasonal naive", "In 80 %", "Observations", "Horizon", "Aliases", ""];

const scoreOf = (version, method) => version.report?.scores.find((one) => one.method === method);

function row(version) {
  const [ours, naive] = [scoreOf(version, "longshot"), scoreOf(version, "seasonal_naive")];
  const cells = [
    h("strong", {}, version.version), moment(version.created_at), number(ours?.mase), number(naive?.mase), ours?.coverage == null ? "–" : percent(ours.coverage),
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

async function show() {
  const [{ data }, made] = await Promise.all([get(`${place}/versions`), moves(name)]);
  fill(byId("list"), h("table", {}, h("thead", {}, h("tr", {}, HEADS.map((one) => h("th", { scope: "col" }, one || h("span", { class: "unseen" }, "Actions"))))), h("tbody", {}, data.map(row))));
  fill(byId("history"), made.length
    ? made.map((one) => h("li", {}, h("strong", {}, `version ${one.version}`), h("span", { class: "muted" }, ` ${moment(one.created_at)}, by ${one.actor}`)))
    : h("li", { class: "muted" }, "It was never moved."));
  await watchPromotion(name, null, outcome, () => show().catch((problem) => showProblem(outcome, problem)));
}

byId("heading").textContent = name;
byId("crumb").textContent = name;
show().catch((problem) => showProblem(outcome, problem));
showRecipes(
  { title: "List the versions", method: "GET", path: `${place}/versions` },
  { title: "Promote a version", method: "PUT", path: `${place}/aliases/production`, json: { version: 1 } },
  { title: "Roll back", method: "POST", path: `${place}/aliases/production/rollback` },
);
