// The panel that says where production points, with the buttons that move it.
import { byId, h } from "./dom.js";
import { act, showDone } from "./notices.js";
import { production, promote, rollBack } from "./promotion.js";

/** Shows the panel for a version of a model, and keeps it true. */
export async function watchPromotion(model, version, outcome, onMove = () => {}) {
  const seen = await production(model);
  const isThere = seen?.version === version;
  byId("production").textContent = seen ? `production points at version ${seen.version}${isThere ? ", this one." : "."}` : "production points at no version yet.";
  const moved = async (state, words) => {
    showDone(outcome, h("strong", {}, `${words} version ${state.version}.`), h("p", {}, `Requests for “${model}” are answered by it from now on.`));
    await watchPromotion(model, version, outcome, onMove);
    onMove();
  };
  const button = byId("promote");
  if (button) {
    button.disabled = isThere;
    button.textContent = isThere ? "In production" : `Promote version ${version}`;
    button.onclick = () => act(button, outcome, async () => moved(await promote(model, version, seen), "Promoted:"));
  }
  const back = byId("rollback");
  back.disabled = !seen || seen.revision < 2;
  back.onclick = () => act(back, outcome, async () => moved(await rollBack(model, seen), "Rolled back to"));
}
