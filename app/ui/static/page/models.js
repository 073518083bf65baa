// Every model.
import { h } from "./dom.js";
import { moment } from "./format.js";
import { showList } from "./list.js";
import { showRecipes } from "./recipes.js";

showList("/v1/models", ["Model", "Newest version", "In production", "", "Since"], (one) => [
  h("a", { href: `/models/${encodeURIComponent(one.name)}` }, one.name), one.latest_version ?? "–", one.aliases.production ?? "–",
  h("a", { href: `/forecast?model=${encodeURIComponent(one.name)}` }, "Forecast"), moment(one.created_at),
], "There is no model yet.");
showRecipes({ title: "List the models", method: "GET", path: "/v1/models" });
