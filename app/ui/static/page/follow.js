// Server-sent events that go on: the browser itself reconnects with Last-Event-ID, this does where it has given up.
import { get } from "./api.js";
import { lost } from "./connection.js";

/**
 * Follows a stream of events.
 *
 * `on` has a function for each kind of event, called with its data and with what ends the stream. After it has begun anew,
 * events may come again that came before, therefore what they do must not depend on how often they come.
 */
export function follow(path, on) {
  const source = new EventSource(path);
  for (const [kind, act] of Object.entries(on)) {
    source.addEventListener(kind, (event) => {
      act(JSON.parse(event.data), () => source.close());
    });
  }
  source.addEventListener("error", async () => {
    if (source.readyState === EventSource.CONNECTING) {
      // The stream was cut; where the service is there, the browser has it back by itself.
      fetch("/livez").catch(lost);
      return;
    }
    await lostOrOver(path, on);
  });
  return source;
}

async function lostOrOver(path, on) {
  const job = await get(path.replace(/\/events$/, ""));
  if (job.state === "queued" || job.state === "running") setTimeout(() => follow(path, on), 1000);
  else on.state(job, () => {});
}
