// Where production points, moved and moved back.
import { ask, askFully, get, post } from "./api.js";

const place = (model) => `/v1/models/${encodeURIComponent(model)}/aliases/production`;

/** {version, revision, tag} of production; null where it points nowhere yet. */
export async function production(model) {
  try {
    const { content, headers } = await askFully("GET", place(model));
    return { ...content, tag: headers.get("ETag") };
  } catch (problem) {
    if (problem.code === "alias_not_found") return null;
    throw problem;
  }
}

/** Every move, newest first. */
export async function moves(model) {
  try {
    return (await get(`${place(model)}/history`)).data;
  } catch (problem) {
    if (problem.code === "alias_not_found") return [];
    throw problem;
  }
}

/** Points production at a version, from the state that was seen and no other. */
export function promote(model, version, seen) {
  const headers = seen ? { "If-Match": seen.tag } : { "If-None-Match": "*" };
  return ask("PUT", place(model), { json: { version }, headers });
}

export function rollBack(model, seen) {
  return post(`${place(model)}/rollback`, undefined, { headers: { "If-Match": seen.tag } });
}
