// Signing in: the key goes to the service once, which keeps it in a cookie.
import { byId } from "./dom.js";
import { showProblem } from "./notices.js";
import { session } from "./session.js";

const outcome = byId("outcome");
const next = new URLSearchParams(location.search).get("next") ?? "/";
const tell = (title, message, hint) => showProblem(outcome, Object.assign(new Error(message), { title, hint }));

byId("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const answer = await fetch("/session", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ key: byId("key").value }) });
    if (answer.ok) {
      sessionStorage.removeItem("longshot.reason");
      // Only a path of this page: an address of elsewhere in ?next= leads home.
      location.replace(/^\/(?![/\\])/.test(next) ? next : "/");
      return;
    }
    const problem = await answer.json();
    tell(problem.title, problem.detail, problem.hint);
  } catch {
    tell("No answer", "The service does not answer.", "Try again once it is back.");
  }
  byId("key").focus();
});

const { refused, keys_needed: isNeeded } = await session();
const reason = refused ?? sessionStorage.getItem("longshot.reason");
if (!isNeeded) tell("No key is needed", "There is no API key yet, so this machine is answered without one.");
else if (reason) tell("Please sign in", reason);
byId("key").focus();
