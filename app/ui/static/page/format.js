// Numbers, moments and stretches of time as people read them.
const compact = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const whole = new Intl.NumberFormat("en");

export const number = (value) => (value === null || value === undefined || Number.isNaN(value) ? "–" : compact.format(value));
export const count = (value) => whole.format(value);
export const percent = (share) => `${Math.round(share * 100)} %`;
export const plural = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

/** Seconds as "1 min 20 s". */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const left = Math.max(0, Math.round(seconds));
  if (left < 60) return `${left} s`;
  if (left < 3600) return `${Math.floor(left / 60)} min ${left % 60} s`;
  return `${Math.floor(left / 3600)} h ${Math.floor((left % 3600) / 60)} min`;
}

/** A moment of the service itself, on the clocks of whoever looks. */
export const moment = (text) => (text ? new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : "–");

/** A timestamp of a series, shortened: 2026-11-01T00:00:00Z → 2026-11-01 00:00. One that is a number stays one. */
export const stamp = (at) => typeof at === "number" ? String(at) : at.replace("T", " ").replace(/(\d\d:\d\d):\d\d(\.\d+)?/, "$1").replace(/(Z|[+-]\d\d:\d\d)$/, "").replace(/ 00:00$/, "");

/** Whether the timestamps of a series only count. */
export const isCounted = (timestamps) => typeof timestamps?.[0] === "number";

/** How far the data of a version went: a number where its steps are only counted, each of which is kept as a millisecond. */
export const trainedUntil = ({ configuration, manifest }) => /^\d+$/.test(configuration.freq) ? Date.parse(`${manifest.trained_until}Z`) : manifest.trained_until;

/** A timestamp as seconds, as the clocks beside it show it: the offset, where there is one, is not taken off. A number is itself. */
export const seconds = (at) => typeof at === "number" ? at : Date.parse(at.replace(/(Z|[+-]\d\d:?\d\d)$/, "") + "Z") / 1000;
