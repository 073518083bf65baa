// Every backtest, or those of one model.
import { h } from "./dom.js";
import { moment } from "./format.js";
import { showList } from "./list.js";
import { showRecipes } from "./recipes.js";

const model = new URLSearchParams(location.search).get("model");
const path = model ? `/v1/backtests?model=${encodeURIComponent(model)}` : "/v1/backtests";
showList(path, ["Backtest", "Of", "State", "Cutoffs", "Submitted"], (one) => [
  h("a", { href: `/backtests/${one.id}` }, one.id), `${one.model}, version ${one.version}`,
  one.state === "running" ? `running, ${Math.round(one.progress * 100)} %` : one.state, one.num_cutoffs, moment(one.created_at),
], "There is no backtest yet.");
showRecipes({ title: "List the backtests", method: "GET", path });
