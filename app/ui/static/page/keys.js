// The API keys: made, shown once, revoked.
import { ask, post } from "./api.js";
import { byId, h } from "./dom.js";
import { moment } from "./format.js";
import { showList } from "./list.js";
import { act, showDone } from "./notices.js";
import { showRecipes } from "./recipes.js";

const outcome = byId("outcome");
const show = () => showList("/v1/keys", ["Name", "Key", "May", "State", "Expires", "Last used", ""], (one) => [
  one.name || "–", h("a", { href: `#${one.id}` }, one.id), one.scopes.join(", "), one.state, one.expires_at ? moment(one.expires_at) : "never", moment(one.last_used_at),
  one.state === "active" ? h("button", { type: "button", class: "quiet", onclick: (event) => revoke(event.target, one) }, "Revoke") : "",
], "There is no key yet: programs of this machine need none. The first key closes the service to everybody without one.", { start: false });

function revoke(button, key) {
  if (!confirm(`Revoke ${key.name || key.id}? Whoever uses it is refused from then on.`)) return;
  act(button, outcome, async () => {
    await ask("DELETE", `/v1/keys/${key.id}`);
    await show();
  });
}

async function create() {
  const lifetime = byId("lifetime").value;
  const made = await post("/v1/keys", { name: byId("name").value, scopes: [byId("scope").value], ...(lifetime && { expires_in: lifetime }) });
  const isFirst = byId("list").querySelector("table") === null;
  showDone(outcome, h("strong", {}, "Copy the key now: it is not shown again."), h("pre", { tabindex: "0" }, made.key),
    isFirst && h("p", {}, h("a", { class: "button", href: "/sign-in" }, "Sign in with it"), " From now on the service asks everybody for a key."));
  if (!isFirst) await show();
}

byId("create").addEventListener("submit", (event) => {
  event.preventDefault();
  act(event.target.querySelector("button"), outcome, create);
});
show().then(() => {
  // The first key closes the service: one that may not make others would lock its maker out.
  if (!byId("list").querySelector("table")) byId("scope").value = "admin";
});
showRecipes(
  { title: "Create a key", method: "POST", path: "/v1/keys", json: { name: "dashboard", scopes: ["forecast"], expires_in: "90d" } },
  { title: "Revoke a key", method: "DELETE", path: "/v1/keys/key_…" },
  { title: "List the keys", method: "GET", path: "/v1/keys" },
);
