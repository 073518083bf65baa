// Whether the service answers: says so when it does not, and waits until it does again.
const LOOK_MILLISECONDS = 1500;
const banner = () => document.getElementById("connection");
let waiting = null;

/** Shows that the connection is gone; `restored` takes it away again. */
export function lost() {
  if (!waiting) waiting = look();
  return waiting;
}

async function look() {
  const element = banner();
  element.textContent = "The service does not answer: it is restarting, or the connection is gone. Nothing is lost; this page goes on by itself once it is back.";
  element.hidden = false;
  for (;;) {
    await new Promise((done) => setTimeout(done, LOOK_MILLISECONDS));
    try {
      // While it loads it lives already, and answers 503.
      if ((await fetch("/session", { cache: "no-store" })).status !== 503) break;
    } catch {
      continue;
    }
  }
  element.hidden = true;
  waiting = null;
}
