// Every action of a page as it would be asked from a terminal and from Python.
import { byId, fill, h } from "./dom.js";
import { session } from "./session.js";

/** Shows recipes: each {title, method, path, json, file, headers}. */
export async function showRecipes(...recipes) {
  const { keys_needed: needsKey } = await session();
  const isOpen = byId("recipes").querySelector("details")?.open ?? false;
  fill(
    byId("recipes"),
    h("details", { class: "card", open: isOpen },
      h("summary", {}, "The same with curl and Python"),
      recipes.map((one) => [h("h3", {}, one.title), block("curl", curl(one, needsKey)), block("Python", python(one, needsKey))])),
  );
}

function block(name, text) {
  const copy = h("button", { type: "button", class: "quiet", onclick: () => navigator.clipboard?.writeText(text) }, `Copy ${name}`);
  return h("div", { class: "code" }, h("div", { class: "row spread" }, h("span", { class: "muted small" }, name), copy),
    h("pre", { tabindex: "0" }, text));
}

function curl({ method, path, json, file, saved, headers = {} }, needsKey) {
  const parts = [`curl -s${method === "GET" || json || file ? "" : ` -X ${method}`}${json && method !== "POST" ? ` -X ${method}` : ""} '${location.origin}${path}'`];
  if (needsKey) parts.push(`-H "Authorization: Bearer $LONGSHOT_KEY"`);
  const all = json ? { "Content-Type": "application/json", ...headers } : headers;
  for (const [name, value] of Object.entries(all)) parts.push(`-H '${name}: ${value}'`);
  if (json) parts.push(`-d '${JSON.stringify(json).replaceAll("'", "'\\''")}'`);
  if (file) parts.push(`--data-binary @${file}`);
  if (saved) parts.push(`-o ${saved}`);
  return parts.join(" \\\n  ");
}

function python({ method, path, json, file, saved, headers = {} }, needsKey) {
  const all = Object.entries(headers).map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  if (needsKey) all.push(`"Authorization": f"Bearer {os.environ['LONGSHOT_KEY']}"`);
  const given = [`"${location.origin}${path}"`];
  if (all.length) given.push(`headers={${all.join(", ")}}`);
  if (json) given.push(`json=${literal(json)}`);
  if (file) given.push(`content=open(${JSON.stringify(file)}, "rb").read()`);
  const imports = needsKey ? "import os\n\nimport httpx\n\n" : "import httpx\n\n";
  const asked = `${imports}answer = httpx.${method.toLowerCase()}(\n    ${given.join(",\n    ")},\n)\n`;
  if (saved) return `${asked}open(${JSON.stringify(saved)}, "wb").write(answer.raise_for_status().content)`;
  return `${asked}print(answer.raise_for_status().${method === "DELETE" ? "status_code" : "json()"})`;
}

function literal(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${literal(one)}`).join(", ")}}`;
}
