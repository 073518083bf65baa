// A forecast as lines, in a sentence, in warnings and in a table.
import { withGaps } from "./chart.js";
import { fill, h } from "./dom.js";
import { isCounted, number, percent, plural, seconds, stamp, trainedUntil } from "./format.js";
import { score, seasonalNaive } from "./lines.js";

const MOST_ROWS = 500;
const HISTORIES = 0.6;

/** Draws; gives the scores beside the truth, or null where there is none. */
export function drawForecast(chart, { history, truth, forecast, compared, other, marked, level, season, keepZoom }) {
  const x = forecast.timestamps.map(seconds);
  const band = forecast.intervals[level];
  const naive = seasonalNaive(history, x, season);
  const horizon = x.at(-1) - history.x.at(-1);
  const near = [history.x.at(-1) - HISTORIES * horizon, x.at(-1)];
  const lines = [
    { name: `${level} % interval`, x, low: band.lower, high: band.upper, ink: "accent", alpha: 0.16 },
    Number(level) > 50 && { name: "50 % interval", x, low: forecast.intervals["50"].lower, high: forecast.intervals["50"].upper, ink: "accent", alpha: 0.2 },
    { name: "history", ...withGaps(history.x, history.y), ink: "ink", width: 1.2 },
    { name: "seasonal naive", x, y: naive, ink: "muted", width: 1.2, dash: [4, 4] },
    truth.x.length > 0 && { name: "what came", x: truth.x, y: truth.y, ink: "ink", points: 4 },
    compared && { name: `version ${other}`, x: compared.timestamps.map(seconds), y: compared.quantiles["0.5"], ink: "second", width: 1.5, dash: [8, 3] },
    { name: "forecast", x, y: forecast.quantiles["0.5"], ink: "accent", width: 2 },
    marked && { name: `anomalies (${marked.x.length})`, x: marked.x, y: marked.y, ink: "bad", points: 8 },
  ].filter(Boolean);
  const end = `${number(forecast.quantiles["0.5"].at(-1))}, between ${number(band.lower.at(-1))} and ${number(band.upper.at(-1))}`;
  chart.show(lines, {
    title: `Forecast of ${forecast.item_id} to ${stamp(forecast.timestamps.at(-1))}, where it is ${end}.`, range: near, keepZoom, counted: isCounted(forecast.timestamps),
    places: [["Near the forecast", near], ["Everything", null]],
  });
  return score(truth, { x, y: forecast.quantiles["0.5"], low: band.lower, high: band.upper }, naive);
}

/** Draws how fast the mean changes, in units of the series for each of its steps. */
export function drawRates(chart, forecast) {
  const x = forecast.timestamps.map(seconds);
  const largest = forecast.rate.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
  chart.show([{ name: "rate of change, a step", x, y: forecast.rate, ink: "accent", width: 1.5 }], {
    title: `How fast the mean of the forecast changes: ${number(largest)} a step at most.`, counted: isCounted(forecast.timestamps),
  });
}

export function showVerdict(place, found, version, cutoff) {
  if (!found) return fill(place, "Nothing is held back, so there is nothing to compare with.");
  const until = trainedUntil(version);
  const hasSeen = cutoff !== null && seconds(until) > seconds(cutoff);
  const beside = found.naive === null ? "" : `, copying the last season is off by ${number(found.naive)}`;
  return fill(place,
    h("strong", {}, `On ${plural(found.num, "observation")} held back`), ` the forecast is off by ${number(found.error)} on average${beside}; ${percent(found.inside)} lie inside the interval.`,
    hasSeen && h("span", { class: "caution" }, ` This version was trained on data up to ${stamp(until)}, so it has seen some of them.`));
}

export const showWarnings = (place, warnings) => fill(place, warnings.map((one) => h("li", {}, one.detail)));

export function showTable(place, forecast, level) {
  const band = forecast.intervals[level];
  const rows = forecast.timestamps.slice(0, MOST_ROWS).map((at, index) => h("tr", {}, h("th", { scope: "row" }, stamp(at)),
    [band.lower[index], forecast.quantiles["0.5"][index], band.upper[index], ...(forecast.rate ? [forecast.rate[index]] : [])].map((value) => h("td", {}, number(value)))));
  const heads = ["Timestamp", `Lower ${level} %`, "Median", `Upper ${level} %`, ...(forecast.rate ? ["Change a step"] : [])];
  fill(place, h("table", {}, h("thead", {}, h("tr", {}, heads.map((one) => h("th", { scope: "col" }, one)))), h("tbody", {}, rows)));
}
