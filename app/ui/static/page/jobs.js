// Every training job.
import { h } from "./dom.js";
import { moment } from "./format.js";
import { showList } from "./list.js";
import { showRecipes } from "./recipes.js";

showList("/v1/training-jobs", ["Job", "Model", "State", "Progress", "Submitted"], (one) => [
  h("a", { href: `/jobs/${one.id}` }, one.id), one.model, one.state, `${Math.round(one.progress * 100)} %`, moment(one.created_at),
], "Nothing was trained yet.");
showRecipes({ title: "List the training jobs", method: "GET", path: "/v1/training-jobs" });
