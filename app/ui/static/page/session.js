// Who this browser is signed in as; the key itself is in a cookie that no script can read.
import { lost } from "./connection.js";

let known = null;

/** {keys_needed, key, token, refused}; asked once a page. */
export function session() {
  known ??= ask();
  return known;
}

async function ask() {
  try {
    const answer = await fetch("/session");
    return answer.ok ? await answer.json() : { keys_needed: false, key: null, token: null, refused: null };
  } catch {
    await lost();
    return ask();
  }
}

/** Goes to the page that asks for a key, and says there why. */
export function askForKey(reason) {
  sessionStorage.setItem("longshot.reason", reason);
  const back = location.pathname + location.search;
  location.replace(`/sign-in?next=${encodeURIComponent(back)}`);
}

export async function signOut() {
  await fetch("/session", { method: "DELETE" });
  sessionStorage.setItem("longshot.reason", "You are signed out.");
  location.assign("/sign-in");
}
