// The form that starts backtests: of one version, or of all of them on the same cutoffs.
import { get, post } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { count, plural } from "./format.js";
import { act } from "./notices.js";

const MOST_AT_ONCE = 5;

/** Makes the form ready for the versions of a model; tells what it would ask, now and whenever that changes. */
export async function backtestForm(name, versions, outcome, onChange) {
  const { data: datasets } = await get("/v1/datasets?limit=200");
  const own = versions[0]?.dataset;
  fill(byId("backtest-version"), versions.map((one) => h("option", { value: one.version }, `version ${one.version}`)),
    versions.length > 1 && h("option", { value: "" }, versions.length > MOST_AT_ONCE ? `the ${MOST_AT_ONCE} newest versions` : "every version"));
  fill(byId("backtest-dataset"), datasets.map((one) => h("option", { value: one.id, selected: one.id === own }, `${plural(one.num_series, "series", "series")}, ${count(one.num_observations)} observations (${one.id.slice(3, 9)})`)));
  fill(byId("backtests-link"), h("a", { href: `/backtests?model=${encodeURIComponent(name)}` }, `All backtests of ${name}`));
  const tell = () => onChange(wanted(name, byId("backtest-version").value || versions[0]?.version));
  byId("backtest").oninput = tell;
  tell();
  byId("backtest").onsubmit = (event) => {
    event.preventDefault();
    act(byId("backtest").querySelector("button"), outcome, () => start(name, versions));
  };
}

function wanted(name, version) {
  const horizon = Number(byId("backtest-horizon").value);
  return { model: `${name}/${version}`, dataset: byId("backtest-dataset").value, num_cutoffs: Number(byId("backtest-cutoffs").value), ...(horizon && { horizon }) };
}

async function start(name, versions) {
  const chosen = byId("backtest-version").value;
  const numbers = chosen ? [chosen] : versions.slice(0, MOST_AT_ONCE).map((one) => one.version);
  const jobs = [];
  for (const number of numbers) {
    jobs.push(await post("/v1/backtests", wanted(name, number)));
  }
  location.assign(jobs.length === 1 ? `/backtests/${jobs[0].id}` : `/backtests?model=${encodeURIComponent(name)}`);
}
