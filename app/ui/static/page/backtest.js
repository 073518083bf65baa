// One backtest: followed while it runs, then drawn by lead.
import { get, post } from "./api.js";
import { makeChart } from "./chart.js";
import { announce, byId, fill, h, placeName } from "./dom.js";
import { count, duration } from "./format.js";
import { follow } from "./follow.js";
import { drawMethods, scoreTable } from "./leads.js";
import { act, showNoStart, showProblem } from "./notices.js";
import { showRecipes } from "./recipes.js";
import { showShare } from "./share.js";

const id = placeName();
const place = `/v1/backtests/${id}`;
const outcome = byId("outcome");
const chart = makeChart(byId("chart"), { isTime: false, unit: "lead", height: 260 });
const WORDS = { queued: "Waiting for the worker", running: "Forecasting", succeeded: "Done", failed: "Failed", cancelled: "Cancelled" };
const isLive = (job) => job.state === "queued" || job.state === "running";

function showProgress({ state, progress, eta_seconds: eta }) {
  byId("state").textContent = WORDS[state] ?? state;
  byId("state").dataset.state = state;
  byId("progress").value = state === "succeeded" ? 1 : progress;
  byId("eta").textContent = state === "running" ? duration(eta) : "–";
}

function cancel(event) {
  act(event.target, outcome, async () => {
    await post(`${place}/cancel`, undefined, { repeatable: true });
    await show();
  });
}

function showReport({ report, overlap = report?.overlaps_training }) {
  if (!report) return;
  byId("scored").textContent = count(report.num_forecasts);
  byId("horizon").textContent = `${count(report.horizon)} steps`;
  byId("scores-section").hidden = false;
  scoreTable(byId("scores"), report);
  drawMethods(chart, report);
  if (overlap) fill(outcome, h("div", { class: "notice" }, h("strong", {}, "This version has seen some of what it forecast here."), h("p", {}, "Its training data reach past the first cutoff, so its scores look better than they are.")));
}

async function show() {
  const job = await get(place);
  byId("crumb").textContent = id;
  byId("heading").textContent = `Backtest of ${job.model}, version ${job.version}`;
  byId("cutoffs").textContent = count(job.num_cutoffs);
  byId("horizon").textContent = job.horizon ? `${count(job.horizon)} steps` : "as trained";
  showProgress(job);
  fill(byId("actions"),
    isLive(job) && h("button", { type: "button", onclick: cancel, disabled: job.cancel_requested }, "Cancel"),
    h("a", { class: "button", href: `/models/${encodeURIComponent(job.model)}` }, "Compare versions"));
  if (job.state === "failed") showProblem(outcome, Object.assign(new Error(job.error?.detail ?? "It failed."), { title: "The backtest failed", hint: job.error?.hint }));
  if (job.state === "cancelled") fill(outcome, h("div", { class: "notice" }, h("strong", {}, "The backtest was cancelled."), h("p", {}, "Start another one from the page of its model.")));
  showReport(job);
  return job;
}

async function watch() {
  const job = await show();
  if (!job.report) chart.show([], { title: "No scores yet." });
  showShare(`/backtests/${id}`, place);
  if (!isLive(job)) return;
  const live = async (event, close) => {
    showProgress(event);
    if (!isLive(event)) {
      announce(WORDS[event.state] ?? event.state);
      close();
      await show();
    }
  };
  follow(`${place}/events`, { progress: live, epoch: live, state: live });
}

watch().catch((problem) => showNoStart(outcome, problem));
showRecipes(
  { title: "Show the backtest", method: "GET", path: place },
  { title: "Cancel it", method: "POST", path: `${place}/cancel` },
  { title: "Its picture", method: "GET", path: `${place}.png`, saved: "backtest.png" },
);
