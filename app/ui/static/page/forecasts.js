// Every forecast that is kept.
import { h } from "./dom.js";
import { count, moment } from "./format.js";
import { showList } from "./list.js";
import { showRecipes } from "./recipes.js";

showList("/v1/forecasts", ["Forecast", "Of", "By", "Made"], (one) => [
  h("a", { href: `/forecasts/${one.id}` }, one.id), one.num_series > 1 ? `${one.item_id} and ${count(one.num_series - 1)} more` : one.item_id ?? "–",
  h("a", { href: `/models/${encodeURIComponent(one.model)}/${one.version}` }, `${one.model}, version ${one.version}`), moment(one.created_at),
], "No forecast is kept.");
showRecipes({ title: "List the kept forecasts", method: "GET", path: "/v1/forecasts" });
