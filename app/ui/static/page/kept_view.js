// A kept forecast as lines: what came before, the median, and every interval.
import { withGaps } from "./chart.js";
import { isCounted, number, seconds, stamp } from "./format.js";

/** The forecasts of it that did not fail. */
export const answered = (kept) => kept.forecasts.filter((one) => one.status === "ok");

/** What has come since, of a series that is from a dataset: {x, y} up to the forecast's end. */
export function cameAfter(history, forecast, { timestamps, target }) {
  const [first, last] = [seconds(history.timestamps.at(-1)), Math.max(...forecast.timestamps.map(seconds))];
  const rows = timestamps.map((text, index) => [seconds(text), target[index]]).filter(([at]) => at > first && at <= last);
  return { x: rows.map(([at]) => at), y: rows.map(([, value]) => value) };
}

/** Draws one series of it, beside what has come since, where that is known. */
export function drawKept(chart, kept, forecast, truth = null) {
  const x = forecast.timestamps.map(seconds);
  const order = x.map((_, index) => index).sort((one, other) => x[one] - x[other]);
  const sorted = (values) => order.map((index) => values[index]);
  const middle = forecast.quantiles["0.5"] ?? forecast.mean;
  const history = kept.history.find((one) => one.item_id === forecast.item_id);
  const levels = Object.keys(forecast.intervals).sort((one, other) => other - one);
  const lines = [
    ...levels.map((level, index) => ({ name: `${level} % interval`, x: sorted(x), low: sorted(forecast.intervals[level].lower), high: sorted(forecast.intervals[level].upper), ink: "accent", alpha: 0.14 + (index * 0.1) / levels.length })),
    history?.timestamps.length && { name: "history", ...withGaps(history.timestamps.map(seconds), history.target), ink: "ink", width: 1.2 },
    truth?.x.length && { name: "what came", ...truth, ink: "ink", points: 4 },
    { name: forecast.quantiles["0.5"] ? "median" : "mean", x: sorted(x), y: sorted(middle), ink: "accent", width: 2 },
  ].filter(Boolean);
  const last = order.at(-1);
  chart.show(lines, { title: `Forecast of ${forecast.item_id} to ${stamp(forecast.timestamps[last])}, where it is ${number(middle[last])}.`, counted: isCounted(forecast.timestamps) });
}
