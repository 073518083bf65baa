// The form that trains: on a whole dataset, or on what lies before its held-back end.
import { get, post } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { act } from "./notices.js";

const MOST_HELD = 336;
const SWITCHES = ["calendar", "joint"];

/** Makes the form ready for a dataset; tells what it would ask, now and whenever that changes. */
export function trainOn({ id, timestamps, itemId, onChange }) {
  const length = timestamps.length;
  const query = new URLSearchParams(location.search);
  byId("model").value ||= query.get("name") ?? "series";
  byId("held").max = Math.max(1, length - 2);
  byId("held").value = Math.max(1, Math.min(MOST_HELD, Math.floor(length / 10)));
  byId("hold").addEventListener("change", () => { byId("held").disabled = !byId("hold").checked; });
  const cutoffChosen = () => (byId("hold").checked ? timestamps[Math.max(0, length - 1 - Number(byId("held").value))] : null);
  const tell = () => onChange(wanted(id, cutoffChosen()));
  byId("train").addEventListener("input", tell);
  tell();
  byId("train").addEventListener("submit", (event) => {
    event.preventDefault();
    const button = byId("train").querySelector("button[type=submit]");
    act(button, byId("train-outcome"), async () => {
      const cutoff = cutoffChosen();
      const job = await post("/v1/training-jobs", wanted(id, cutoff), { repeatable: true, headers: { "Idempotency-Key": crypto.randomUUID?.() ?? String(Math.random()) } });
      const more = new URLSearchParams({ dataset: id, item: query.get("item") ?? itemId, ...(cutoff !== null && { cutoff }) });
      location.assign(`/jobs/${job.id}?${more}`);
    });
  });
}

/** Offers the versions that a training may start from: those in production, and the newest ones. */
export async function offerVersions() {
  const { data } = await get("/v1/models");
  const names = data.flatMap((one) => [...(one.aliases.production ? [one.name] : []), ...(one.latest_version ? [`${one.name}/${one.latest_version}`] : [])]);
  fill(byId("versions"), names.map((one) => h("option", { value: one })));
}

function wanted(id, cutoff) {
  const options = { horizon: "horizon", context_length: "context", num_epochs: "epochs" };
  const chosen = Object.entries(options).map(([name, field]) => [name, byId(field).value]).filter(([, value]) => value);
  return {
    model: byId("model").value,
    ...(cutoff === null ? { dataset: id } : { series: [{ dataset: id, cutoff }] }),
    options: {
      ...Object.fromEntries(chosen.map(([name, value]) => [name, Number(value)])),
      ...(byId("warm").value.trim() && { warm_start: byId("warm").value.trim() }),
      ...Object.fromEntries(SWITCHES.filter((name) => byId(name).checked).map((name) => [name, true])),
    },
    policy: byId("policy").value,
  };
}
