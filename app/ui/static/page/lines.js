// What stands beside a forecast: the end held back, what copying the last season would have said, and how both did.
import { seconds } from "./format.js";

/** A series up to its last observation: later rows hold covariates of what is to come. */
export function observed({ timestamps, target }) {
  const length = 1 + target.findLastIndex((one) => one !== null);
  return { timestamps: timestamps.slice(0, length), target: target.slice(0, length) };
}

/** A series as numbers: {timestamps, x, y}. */
export function numbers(found) {
  const { timestamps, target } = observed(found);
  return { timestamps, x: timestamps.map(seconds), y: target };
}

const valuesAt = new WeakMap();

/** The values of a line by x; made once for each, since sliders ask again and again. */
function byX({ x, y }) {
  if (!valuesAt.has(x)) valuesAt.set(x, new Map(x.map((one, index) => [one, y[index]])));
  return valuesAt.get(x);
}

/** The part of a series after a cutoff, and what lies before it; cut once for each cutoff. */
export function cut(series, cutoff) {
  if (series.parts?.cutoff !== cutoff) series.parts = { cutoff, ...cutAt(series, cutoff) };
  return series.parts;
}

function cutAt(series, cutoff) {
  const at = cutoff === null ? Infinity : seconds(cutoff);
  const split = series.x.findIndex((one) => one > at);
  const index = split < 0 ? series.x.length : split;
  const part = (first, last) => ({ timestamps: series.timestamps.slice(first, last), x: series.x.slice(first, last), y: series.y.slice(first, last) });
  return { history: part(0, index), truth: part(index, undefined) };
}

/** The last season copied on and on to `x`: the latest observation that is whole seasons before; null where none is near. */
export function seasonalNaive(history, x, season) {
  const known = byX(history);
  const step = x.length > 1 ? x[1] - x[0] : 0;
  const isEven = step > 0 && x.every((one, index) => index === 0 || one - x[index - 1] === step);
  const last = history.x.at(-1);
  return x.map((at, index) => {
    if (!isEven) return history.y[history.y.length - season + (index % season)] ?? null;
    let earlier = at - Math.max(1, Math.ceil((at - last) / (season * step))) * season * step;
    for (let tries = 0; tries < 4 && !known.has(earlier); tries += 1) earlier -= season * step;
    return known.get(earlier) ?? null;
  });
}

/** Mean absolute errors of the forecast and of copying, and the share inside the band, where the truth is known. */
export function score(truth, forecast, naive) {
  const known = byX(truth);
  const rows = forecast.x.flatMap((at, index) => (known.has(at) ? [[known.get(at), index]] : []));
  if (!rows.length) return null;
  const mean = (of) => rows.reduce((sum, row) => sum + of(row), 0) / rows.length;
  const both = rows.filter(([, index]) => naive[index] !== null);
  return {
    num: rows.length,
    error: mean(([value, index]) => Math.abs(value - forecast.y[index])),
    naive: both.length ? both.reduce((sum, [value, index]) => sum + Math.abs(value - naive[index]), 0) / both.length : null,
    inside: mean(([value, index]) => Number(forecast.low[index] <= value && value <= forecast.high[index])),
  };
}
