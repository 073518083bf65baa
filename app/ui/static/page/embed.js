// What another page frames: one chart of a forecast, a backtest or a training, and where all of it is shown.
import { makeChart } from "./chart.js";
import { byId } from "./dom.js";
import { answered, drawKept } from "./kept_view.js";
import { drawMethods } from "./leads.js";
import { drawLosses } from "./losses.js";
import { showProblem } from "./notices.js";

const [, , kind, id] = location.pathname.split("/");
const query = new URLSearchParams(location.search);
const outcome = byId("outcome");
const makeOwn = (more) => makeChart(byId("chart"), { height: Math.max(180, innerHeight - 170), ...more });

const SHOWN = {
  forecasts: {
    page: "forecasts",
    show(kept) {
      const found = answered(kept);
      const one = found.find((each) => each.item_id === query.get("item_id")) ?? found[0];
      if (!one) throw new Error("No series of it could be forecast.");
      byId("heading").textContent = `Forecast of ${one.item_id}`;
      drawKept(makeOwn(), kept, one);
    },
  },
  backtests: {
    page: "backtests",
    show(job) {
      byId("heading").textContent = `Backtest of ${job.model}, version ${job.version}`;
      if (!job.report) throw new Error(`The backtest is ${job.state}; there are no scores yet.`);
      drawMethods(makeOwn({ isTime: false, unit: "lead" }), job.report);
    },
  },
  "training-jobs": {
    page: "jobs",
    show(job) {
      byId("heading").textContent = `Training of ${job.model}: ${job.state}`;
      drawLosses(makeOwn({ isTime: false }), job.losses);
    },
  },
};

async function start() {
  const { page, show } = SHOWN[kind];
  byId("whole").href = `/${page}/${id}${location.search}`;
  // Asked without the page's own way to sign in: within a frame nobody can.
  const answer = await fetch(`/v1/${kind}/${encodeURIComponent(id)}`);
  const content = await answer.json();
  if (answer.ok) return show(content);
  const hint = answer.status === 401 ? "Open it in Longshot to sign in, then load this page again." : content.hint;
  throw Object.assign(new Error(content.detail), { title: content.title, hint });
}

start().catch((problem) => {
  if (byId("heading").textContent === "…") byId("heading").textContent = "Longshot";
  showProblem(outcome, problem);
});
