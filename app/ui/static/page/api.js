// Asks the public interface, and only that: JSON in and out, refusals as errors, another try where that can help.
import { lost } from "./connection.js";
import { askForKey, session } from "./session.js";

const MOST_TRIES = 4;

/** A refusal of the service, as RFC 9457 has it. */
export class Problem extends Error {
  constructor(content) {
    super(content.detail ?? "The service refused without a reason.");
    Object.assign(this, { title: content.title, code: content.code, hint: content.hint, status: content.status });
  }
}

export const get = (path, options) => ask("GET", path, options);
export const post = (path, json, options) => ask("POST", path, { json, ...options });

/**
 * Asks and gives {content, headers}.
 *
 * `repeatable` says that asking twice does no harm, so that a lost connection or a busy service is only a delay.
 */
export async function askFully(method, path, { json, body, headers = {}, signal, repeatable = method === "GET" } = {}) {
  const sent = { method, signal, headers: { ...headers }, body };
  if (json !== undefined) {
    sent.body = JSON.stringify(json);
    sent.headers["Content-Type"] = "application/json";
  }
  if (method !== "GET") {
    const { token } = await session();
    if (token) sent.headers["X-CSRF-Token"] = token;
  }
  for (let attempt = 1; ; attempt += 1) {
    const answer = await reach(path, sent, repeatable);
    if (answer.ok) return { content: await read(answer), headers: answer.headers };
    const problem = await refusal(answer);
    if (problem.code === "not_ready") {
      // It loads, which takes as long as it takes, and has done nothing.
      attempt = 0;
      await lost();
      continue;
    }
    if (answer.status === 401) askForKey(problem.message);
    const may = repeatable && attempt < MOST_TRIES && (answer.status === 503 || answer.status === 429);
    if (!may) throw problem;
    await new Promise((done) => setTimeout(done, 1000 * Math.min(30, Number(answer.headers.get("Retry-After") ?? 1))));
  }
}

export async function ask(method, path, options) {
  return (await askFully(method, path, options)).content;
}

async function reach(path, sent, repeatable) {
  for (;;) {
    try {
      return await fetch(path, sent);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      const back = lost();
      if (!repeatable) {
        throw new Problem({
          title: "No answer",
          code: "unreachable",
          detail: "The connection was lost before the service answered, so it is not known whether this was done.",
          hint: "Look whether it was, and try again if not.",
        });
      }
      await back;
    }
  }
}

async function read(answer) {
  return answer.status === 204 ? null : answer.json();
}

async function refusal(answer) {
  try {
    return new Problem(await answer.json());
  } catch {
    return new Problem({ title: "No answer", status: answer.status, detail: `The service answered ${answer.status}.` });
  }
}
