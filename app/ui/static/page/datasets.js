// Every dataset.
import { h } from "./dom.js";
import { count, moment } from "./format.js";
import { showList } from "./list.js";
import { showRecipes } from "./recipes.js";

showList("/v1/datasets", ["Dataset", "Series", "Observations", "Revision", "Changed"], (one) => [
  h("a", { href: `/datasets/${one.id}` }, one.id), count(one.num_series), count(one.num_observations), one.revision, moment(one.updated_at),
], "There is no dataset yet.");
showRecipes({ title: "List the datasets", method: "GET", path: "/v1/datasets" });
