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

/** A timestamp of a series, shortened: 2026-11-01T00:00:00Z → 2026-11-01 00:00. */
export const stamp = (text) => text.replace("T", " ").replace(/(\d\d:\d\d):\d\d(\.\d+)?/, "$1").replace(/(Z|[+-]\d\d:\d\d)$/, "").replace(/ 00:00$/, "");

/** A timestamp as seconds, as the clocks beside it show it: the offset, where there is one, is not taken off. */
export const seconds = (text) => Date.parse(text.replace(/(Z|[+-]\d\d:?\d\d)$/, "") + "Z") / 1000;
