// A list that goes on: a table, and a button for its next part.
import { get } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { showProblem } from "./notices.js";

/** Shows a list of the interface; `heads` name its columns, `row` gives the cells of one entry. */
export async function showList(path, heads, row, empty, { start = true } = {}) {
  const body = h("tbody");
  const more = byId("more");
  async function add(cursor) {
    const joint = path.includes("?") ? "&" : "?";
    const page = await get(cursor ? `${path}${joint}cursor=${encodeURIComponent(cursor)}` : path);
    body.append(...page.data.map((one) => h("tr", { id: one.id }, row(one).map((cell) => h("td", {}, cell)))));
    if (more) {
      more.hidden = !page.next_cursor;
      more.onclick = () => add(page.next_cursor).catch((problem) => showProblem(byId("outcome"), problem));
    }
  }
  try {
    await add(null);
  } catch (problem) {
    fill(byId("list"));
    showProblem(byId("outcome"), problem);
    return;
  }
  fill(byId("list"), body.children.length
    ? h("table", {}, h("thead", {}, h("tr", {}, heads.map((one) => h("th", { scope: "col" }, one)))), body)
    : h("p", { class: "card" }, empty, " ", start && h("a", { href: "/" }, "Start with a table.")));
}
