// Which model, version, dataset and series a forecast is of, chosen from what there is.
import { get } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { count, plural } from "./format.js";

const option = (value, text, chosen) => h("option", { value, selected: String(value) === String(chosen) }, text);

/** Fills the choices from the address of the page; what is missing before there can be a forecast, or null. */
export async function fillChoices(query) {
  const [models, datasets] = await Promise.all([get("/v1/models"), get("/v1/datasets?limit=200")]);
  const usable = models.data.filter((one) => one.latest_version);
  if (!usable.length) return "There is no model yet: upload a table and train one.";
  if (!datasets.data.length) return "There is no dataset to forecast: upload a table.";
  const model = query.get("model") ?? usable[0].name;
  fill(byId("model"), usable.map((one) => option(one.name, one.name, model)));
  await fillVersions(query.get("version"));
  const newest = datasets.data[0].id;
  const wanted = query.get("dataset") ?? (await datasetOfVersion()) ?? newest;
  const dataset = datasets.data.some((one) => one.id === wanted) ? wanted : newest;
  fill(byId("dataset"), datasets.data.map((one) => option(one.id, `${plural(one.num_series, "series", "series")}, ${count(one.num_observations)} observations (${one.id.slice(3, 9)})`, dataset)));
  await fillItems(query.get("item"));
  return null;
}

async function fillVersions(wanted) {
  const name = byId("model").value;
  const { data } = await get(`/v1/models/${encodeURIComponent(name)}/versions`);
  const inProduction = data.find((one) => one.aliases.includes("production")) ?? data[0];
  const text = (one) => `${one.version}${one.aliases.length ? ` (${one.aliases.join(", ")})` : ""}`;
  fill(byId("version"), data.map((one) => option(one.version, text(one), wanted ?? inProduction.version)));
  fill(byId("other"), option("", "nothing", ""), data.map((one) => option(one.version, `version ${text(one)}`, "")));
}

async function datasetOfVersion() {
  const one = await get(`/v1/models/${encodeURIComponent(byId("model").value)}/versions/${byId("version").value}`);
  return one.dataset;
}

async function fillItems(wanted) {
  const { data } = await get(`/v1/datasets/${byId("dataset").value}/series?limit=200`);
  fill(byId("items"), data.map((one) => h("option", { value: one.item_id })));
  byId("item").value = data.some((one) => one.item_id === wanted) ? wanted : data[0].item_id;
}

/** Calls with "version" or "series" once another one has been chosen. */
export function chosenWell(act) {
  byId("model").addEventListener("change", async () => { await fillVersions(null); act("version"); });
  byId("version").addEventListener("change", () => act("version"));
  byId("dataset").addEventListener("change", async () => { await fillItems(null); act("series"); });
  byId("item").addEventListener("change", () => act("series"));
}
