// What an audit found, the worst first.
import { h } from "./dom.js";
import { plural } from "./format.js";

const MOST = 12;

export function findingsList(audit) {
  const all = [...audit.findings, ...audit.items.flatMap((one) => one.findings)];
  if (!all.length) return h("p", { class: "good-text" }, "✓ Nothing to complain about.");
  const shown = all.slice(0, MOST).map((one) => h("li", { class: one.severity },
    h("strong", {}, one.detail), " ", h("span", { class: "muted" }, one.fix),
    one.lines.length > 0 && h("span", { class: "muted" }, ` Lines ${one.lines.slice(0, 5).join(", ")}${one.lines.length > 5 ? " …" : ""}.`)));
  const left = all.length - MOST;
  return h("div", {}, h("ul", { class: "findings" }, shown), left > 0 && h("p", { class: "muted small" }, `and ${plural(left, "more finding")}`));
}
