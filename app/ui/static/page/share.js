// Permanent addresses for people elsewhere: of the page, of its pictures, and of what another page may frame.
import { byId, fill, h } from "./dom.js";

function address(name, url, isLink = true) {
  const copy = h("button", { type: "button", class: "quiet", "aria-label": `Copy: ${name}`, onclick: () => navigator.clipboard?.writeText(url) }, "Copy");
  return h("div", { class: "address" }, h("span", { class: "muted small" }, name), isLink ? h("a", { href: url }, url) : h("code", {}, url), copy);
}

/** Shows the addresses of a forecast, backtest or training; `page` is where it is shown, `resource` where it is had. */
export function showShare(page, resource, query = "") {
  const here = location.origin;
  const frame = `<iframe src="${here}/embed${resource.replace("/v1", "")}${query}" width="720" height="420" title="Longshot"></iframe>`;
  fill(byId("share"), h("details", { class: "card" },
    h("summary", {}, "Share: addresses, pictures, embedding"),
    address("Page", here + page), address("PNG", `${here}${resource}.png${query}`), address("SVG", `${here}${resource}.svg${query}`),
    address("Frame", frame, false),
    h("p", { class: "muted small" }, "Whoever opens them needs the same key as for this page. Pages of other origins may frame it where LONGSHOT_FRAME_ANCESTORS names them.")));
}
