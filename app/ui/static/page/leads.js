// How methods or versions did, by how far ahead: a chart, and a table over all leads.
import { fill, h } from "./dom.js";
import { number, percent } from "./format.js";

const INKS = ["accent", "second", "bad", "ink", "muted"];
const NAMES = { longshot: "Longshot" };

export const methodName = (method) => NAMES[method] ?? method.replaceAll("_", " ");
export const scoreOf = (report, method) => report?.scores.find((one) => one.method === method);

function line(name, leads, method, look) {
  const found = leads.map((one) => one.scores.find((score) => score.method === method)?.mase ?? null);
  return { name, x: leads.map((one) => (one.first_lead + one.last_lead) / 2), y: found, ...look };
}

/** Draws every method of one report. */
export function drawMethods(chart, report) {
  const lines = report.scores.map(({ method }, index) => line(methodName(method), report.leads, method,
    index ? { ink: ["muted", "second", "bad"][index - 1] ?? "muted", width: 1.4, dash: [5, 4] } : { ink: "accent", width: 2 }));
  chart.show(lines, { title: `MASE by lead: ${report.scores.map((one) => `${methodName(one.method)} ${number(one.mase)} on average`).join(", ")}.` });
}

/** Draws several reports beside each other: each {name, report}; with copying the last season, as the first of them has it. */
export function drawReports(chart, reports) {
  const shown = reports.filter(({ report }) => report?.leads?.length);
  const lines = shown.map(({ name, report }, index) => line(name, report.leads, "longshot", { ink: INKS[index % INKS.length], width: 2, dash: index >= INKS.length ? [8, 3] : undefined }));
  if (shown.length) lines.push(line("seasonal naive", shown[0].report.leads, "seasonal_naive", { ink: "muted", width: 1.3, dash: [4, 4] }));
  chart.show(lines, { title: shown.length ? `MASE by lead: ${shown.map(({ name, report }) => `${name} ${number(scoreOf(report, "longshot")?.mase)} on average`).join(", ")}.` : "No scores by lead." });
  return shown.length;
}

/** All scores of a report, a row a method. */
export function scoreTable(place, report) {
  const heads = ["Method", "MASE", "sMAPE", "Mean absolute error", "Pinball loss", "Inside 80 %"];
  const row = (one) => [number(one.mase), number(one.smape), number(one.mae), number(one.pinball), one.coverage == null ? "–" : percent(one.coverage)];
  fill(place, h("table", {}, h("thead", {}, h("tr", {}, heads.map((one) => h("th", { scope: "col" }, one)))),
    h("tbody", {}, report.scores.map((one) => h("tr", {}, h("th", { scope: "row" }, methodName(one.method)), row(one).map((cell) => h("td", {}, cell)))))));
}
