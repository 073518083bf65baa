// A file into a dataset; where it cannot be one, what is wrong with it and what may be chosen to make it one.
import { ask } from "./api.js";
import { announce, fill, h } from "./dom.js";
import { showProblem } from "./notices.js";
import { findingsList } from "./audit.js";

const TYPES = { gz: "application/gzip", parquet: "application/vnd.apache.parquet", json: "application/json" };
const HEAD_BYTES = 65536;
const DATE = /^\d{4}[-/]\d{1,2}/;
const ROLES = [["timestamp", "Timestamps"], ["target", "Values"], ["item_id", "Name of the series"]];

export const typeOf = (name) => TYPES[name.split(".").pop().toLowerCase()] ?? "text/csv";

/** Uploads, shows the way and the outcome in `place`, and goes to the dataset. */
export async function upload(file, place, choices = {}) {
  fill(place, h("div", { class: "notice", role: "status" }, h("strong", {}, `Checking ${file.name} …`)));
  announce(`Checking ${file.name}`);
  const query = new URLSearchParams(Object.entries(choices).filter(([, value]) => value));
  const sent = { body: file, headers: { "Content-Type": typeOf(file.name) }, repeatable: true };
  try {
    const dataset = await ask("POST", `/v1/datasets?${query}`, sent);
    location.assign(`/datasets/${dataset.id}?name=${encodeURIComponent(nameOf(file.name))}`);
  } catch (problem) {
    const again = (more) => upload(file, place, { ...choices, ...more });
    // The interface's hint says how a program names a column; here it is chosen.
    const told = problem.code === "column_unnamed" ? { ...problem, message: problem.message, hint: "Name it here." } : problem;
    showProblem(place, told, ...(await remedies(file, problem, query, sent, again)));
    place.querySelector("button, select")?.focus();
  }
}

/** A name that a model can have: metro_traffic.csv.gz → metro_traffic. */
export const nameOf = (name) => name.replace(/\..*$/, "").replace(/[^A-Za-z0-9_-]+/g, "-").replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "").slice(0, 60) || "series";

async function remedies(file, problem, query, sent, again) {
  if (problem.code === "column_unnamed" || problem.code === "column_missing") return [await columnForm(file, again)];
  if (problem.code === "duplicate_timestamps") return [duplicateButtons(again), await wholeAudit(query, sent)];
  return problem.status === 422 ? [await wholeAudit(query, sent)] : [];
}

async function columnForm(file, again) {
  const { columns, row } = await beginningOf(file);
  const looks = looksOf(columns, row);
  const field = ([role, text]) => h("label", {}, text,
    columns.length
      ? h("select", { name: role }, h("option", { value: "" }, role === "item_id" ? "there is one series only" : "choose …"),
        columns.map((one) => h("option", { value: one, selected: one === looks[role] }, one)))
      : h("input", { name: role, autocomplete: "off" }));
  const choose = (event) => {
    event.preventDefault();
    again(Object.fromEntries(new FormData(event.target)));
  };
  return h("form", { class: "controls", onsubmit: choose }, ROLES.map(field), h("button", { class: "primary", type: "submit" }, "Use these columns"));
}

/** The columns of a text table, packed or not, and its first row; of another none. */
async function beginningOf(file) {
  const [header = "", first = ""] = (await headOf(file)).split(/\r?\n/, 2);
  const separator = [",", ";", "\t"].reduce((best, one) => (header.split(one).length > header.split(best).length ? one : best));
  const cells = (line) => line.split(separator).map((one) => one.trim().replace(/^"|"$/g, ""));
  return { columns: cells(header).filter(Boolean), row: cells(first) };
}

async function headOf(file) {
  if (typeOf(file.name) === "text/csv") return file.slice(0, HEAD_BYTES).text();
  if (typeOf(file.name) !== "application/gzip") return "";
  const reader = file.stream().pipeThrough(new DecompressionStream("gzip")).pipeThrough(new TextDecoderStream()).getReader();
  try {
    return (await reader.read()).value ?? "";
  } catch {
    return "";
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** The one column that holds a date, and the one that holds a number, if there is just one. */
function looksOf(columns, row) {
  const only = (looks) => columns.filter((_, index) => looks(row[index] ?? ""));
  const [dates, numbers] = [only((one) => DATE.test(one)), only((one) => one !== "" && Number.isFinite(Number(one)))];
  return { timestamp: dates.length === 1 && dates[0], target: numbers.length === 1 && numbers[0] };
}

function duplicateButtons(again) {
  const ways = [["mean", "Average them"], ["sum", "Add them up"], ["last", "Keep the last"]];
  return h("p", { class: "row" }, ways.map(([way, text]) => h("button", { type: "button", onclick: () => again({ duplicates: way }) }, text)));
}

async function wholeAudit(query, sent) {
  try {
    return findingsList(await ask("POST", `/v1/audits?${query}`, sent));
  } catch {
    return null;
  }
}
