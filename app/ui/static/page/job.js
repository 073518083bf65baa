// A training followed live: its losses, how far it is, how long it still takes, and what became of it.
import { get, post } from "./api.js";
import { makeChart } from "./chart.js";
import { announce, byId, fill, h, placeName } from "./dom.js";
import { duration, number } from "./format.js";
import { follow } from "./follow.js";
import { drawLosses } from "./losses.js";
import { act, showDone, showNoStart, showProblem } from "./notices.js";
import { showRecipes } from "./recipes.js";
import { showShare } from "./share.js";

const id = placeName();
const outcome = byId("outcome");
const chart = makeChart(byId("chart"), { isTime: false, height: 260 });
const losses = new Map();
const WORDS = { queued: "Waiting for the worker", running: "Training", succeeded: "Done", failed: "Failed", cancelled: "Cancelled" };

const isLive = (job) => job.state === "queued" || job.state === "running";

function showLosses() {
  const last = drawLosses(chart, losses.values());
  byId("train-loss").textContent = number(last?.train);
  byId("validation-loss").textContent = number(last?.validation);
}

function showProgress({ state, epoch, num_epochs: most, progress, eta_seconds: eta }) {
  byId("state").textContent = WORDS[state] ?? state;
  byId("state").dataset.state = state;
  byId("progress").value = state === "succeeded" ? 1 : progress;
  byId("epoch").textContent = most ? `${epoch} of at most ${most}` : "–";
  byId("eta").textContent = state === "running" ? duration(eta) : "–";
}

function showActions(job) {
  const send = (what) => (event) => act(event.target, outcome, async () => {
    await post(`/v1/training-jobs/${id}/${what}`, undefined, { repeatable: what === "cancel" });
    fill(outcome);
    await watch();
  });
  const canGoOn = job.state === "cancelled" || job.state === "failed";
  fill(byId("actions"),
    isLive(job) && h("button", { type: "button", onclick: send("cancel"), disabled: job.cancel_requested }, "Cancel"),
    canGoOn && h("button", { type: "button", class: "primary", onclick: send("resume") }, "Resume from the last epoch"),
    job.version && h("a", { class: "button primary", href: forecastPlace(job) }, "See the forecast"));
}

function forecastPlace(job) {
  const given = new URLSearchParams(location.search);
  const query = new URLSearchParams({ model: job.model, version: job.version, dataset: given.get("dataset") ?? job.dataset });
  for (const name of ["item", "cutoff"]) if (given.get(name)) query.set(name, given.get(name));
  return `/forecast?${query}`;
}

function showEnd(job) {
  if (job.state === "succeeded") showDone(outcome, h("strong", {}, `Version ${job.version} of ${job.model} is there.`), h("p", {}, job.decision ?? ""));
  if (job.state === "failed") showProblem(outcome, Object.assign(new Error(job.error?.detail ?? "It failed."), { title: "Training failed", hint: job.error?.hint }));
  if (job.state === "cancelled") fill(outcome, h("div", { class: "notice" }, h("strong", {}, "Training was cancelled."), h("p", {}, "What it had learned is kept: it can be resumed from its last epoch.")));
}

async function show() {
  const job = await get(`/v1/training-jobs/${id}`);
  byId("crumb").textContent = id;
  byId("heading").textContent = `Training ${job.model}`;
  job.losses.forEach((one) => losses.set(one.epoch, one));
  showProgress(job);
  showActions(job);
  showEnd(job);
  showLosses();
  return job;
}

async function watch() {
  const job = await show();
  if (!isLive(job)) return;
  follow(`/v1/training-jobs/${id}/events`, {
    epoch: (event) => {
      losses.set(event.epoch, { epoch: event.epoch, train: event.train_loss, validation: event.validation_loss });
      showProgress(event);
      showLosses();
    },
    progress: (event) => showProgress(event),
    state: async (event, close) => {
      announce(WORDS[event.state] ?? event.state);
      // The stream tells of earlier ends, too, where a job was resumed.
      if (!isLive(await show())) close();
    },
  });
}

showShare(`/jobs/${id}`, `/v1/training-jobs/${id}`);
watch().catch((problem) => showNoStart(outcome, problem));
showRecipes(
  { title: "Show the job", method: "GET", path: `/v1/training-jobs/${id}` },
  { title: "Cancel it", method: "POST", path: `/v1/training-jobs/${id}/cancel` },
  { title: "Its picture", method: "GET", path: `/v1/training-jobs/${id}.png`, saved: "training.png" },
  { title: "Resume it", method: "POST", path: `/v1/training-jobs/${id}/resume` },
);
