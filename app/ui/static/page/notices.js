// What happened and what to do about it, in one shape everywhere.
import { announce, fill, h } from "./dom.js";

/** Shows a refusal where a page shows its outcomes; what was cancelled on purpose is none. */
export function showProblem(place, problem, ...more) {
  if (problem.name === "AbortError") return;
  fill(
    place,
    h("div", { class: "notice bad", role: "alert" },
      h("strong", {}, problem.title ?? "This did not work"),
      h("p", {}, problem.message),
      problem.hint && h("p", { class: "hint" }, problem.hint),
      ...more),
  );
}

/** Shows why a page could not begin; where it is about something that does not exist, without the rest of the page. */
export function showNoStart(place, problem) {
  showProblem(place, problem);
  if (problem.status !== 404) return;
  for (const one of place.parentElement.children) if (one !== place && !one.matches("nav, h1")) one.hidden = true;
}

/** Shows that something was done. */
export function showDone(place, ...content) {
  fill(place, h("div", { class: "notice good" }, ...content));
  announce(place.textContent);
}

/** Runs an action with its button held down, and shows what goes wrong. */
export async function act(button, place, action) {
  button.disabled = true;
  try {
    await action();
  } catch (problem) {
    showProblem(place, problem);
  } finally {
    button.disabled = false;
  }
}
