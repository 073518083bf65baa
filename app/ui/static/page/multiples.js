// Many series at a glance: small drawings, made only when they come into view, and searched by name.
import { get } from "./api.js";
import { byId, debounced, fill, h } from "./dom.js";
import { plural } from "./format.js";

const [WIDTH, HEIGHT] = [160, 48];

/** Lets the series of a dataset be browsed; `page` is the first part of them. */
export function browse({ id, page, choose }) {
  const list = byId("multiples");
  byId("browser").hidden = false;
  let contains = "";
  let next = page.next_cursor;
  let asked = null;

  const drawing = new IntersectionObserver((entries) => entries.filter((one) => one.isIntersecting).forEach(({ target }) => {
    drawing.unobserve(target);
    target.querySelector("svg").append(small(target.values));
  }));
  const more = new IntersectionObserver((entries) => entries.some((one) => one.isIntersecting) && next && load(next));

  function add(part) {
    for (const one of part.data) {
      const item = h("li", {}, h("button", { type: "button", onclick: () => choose(one.item_id) },
        h("span", { class: "name" }, one.item_id),
        h("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" })));
      item.values = one.preview;
      list.append(item);
      drawing.observe(item);
    }
    next = part.next_cursor;
    more.disconnect();
    if (next && list.lastElementChild) more.observe(list.lastElementChild);
    byId("found").textContent = contains ? `${plural(part.num_series, "series", "series")} with “${contains}”` : plural(part.num_series, "series", "series");
  }

  async function load(cursor) {
    asked?.abort();
    asked = new AbortController();
    const query = new URLSearchParams({ limit: 50, preview: 60, contains, ...(cursor && { cursor }) });
    try {
      const part = await get(`/v1/datasets/${id}/series?${query}`, { signal: asked.signal });
      if (!cursor) fill(list);
      add(part);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  }

  byId("search").addEventListener("input", debounced(() => {
    contains = byId("search").value.trim();
    load(null);
  }, 150));
  add(page);
}

function small(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const place = (value, index) => `${((index / Math.max(1, values.length - 1)) * WIDTH).toFixed(1)},${(HEIGHT - 4 - ((value - low) / (high - low || 1)) * (HEIGHT - 8)).toFixed(1)}`;
  return h("polyline", { points: values.map(place).join(" "), "vector-effect": "non-scaling-stroke" });
}
