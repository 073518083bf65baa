// The way in: drop a table, choose one, or try the sample; and what is there already.
import { get } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { count, moment, plural } from "./format.js";
import { showProblem } from "./notices.js";
import { showRecipes } from "./recipes.js";
import { upload } from "./upload.js";

const SAMPLE = "/static/page/sample.csv.gz";
const drop = byId("drop");
const input = byId("file");
const outcome = byId("outcome");

byId("choose").addEventListener("click", () => input.click());
const covariates = () => Object.fromEntries([...new FormData(byId("covariates"))].map(([role, names]) => [role, names.split(",").map((one) => one.trim()).filter(Boolean).join(",")]));
const take = (files) => files.length && upload(files[0], outcome, covariates());

input.addEventListener("change", () => take(input.files));
byId("covariates").addEventListener("submit", (event) => event.preventDefault());
byId("sample").addEventListener("click", async () => {
  try {
    const bytes = await (await fetch(SAMPLE)).blob();
    await upload(new File([bytes], "traffic.csv.gz"), outcome);
  } catch (problem) {
    showProblem(outcome, problem);
  }
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop") take(event.dataTransfer.files);
  });
}

function card(href, title, ...lines) {
  return h("a", { class: "card link", href }, h("strong", {}, title), lines.map((one) => h("span", { class: "muted small" }, one)));
}

async function recent() {
  const [models, datasets, jobs] = await Promise.all([
    get("/v1/models"), get("/v1/datasets?limit=3"), get("/v1/training-jobs?limit=3").catch(() => ({ data: [] })),
  ]);
  const running = jobs.data.filter((one) => one.state === "running" || one.state === "queued");
  const cards = [
    ...running.map((one) => card(`/jobs/${one.id}`, `Training ${one.model}`, `${one.state}, ${Math.round(one.progress * 100)} %`)),
    ...models.data.slice(0, 3).map((one) => card(`/forecast?model=${one.name}`, `Forecast with ${one.name}`,
      one.aliases.production ? `version ${one.aliases.production} in production` : "no version in production")),
    ...datasets.data.map((one) => card(`/datasets/${one.id}`, `${plural(one.num_series, "series", "series")}, ${count(one.num_observations)} observations`, moment(one.updated_at))),
  ];
  byId("recent").hidden = cards.length === 0;
  fill(byId("cards"), cards);
}

showRecipes({ title: "Upload a table", method: "POST", path: "/v1/datasets", file: "series.csv", headers: { "Content-Type": "text/csv" } });
recent().catch((problem) => showProblem(outcome, problem));
