// The losses of a training, by epoch.
import { number } from "./format.js";

/** Draws rows of {epoch, train, validation}, in any order; gives the last one. */
export function drawLosses(chart, losses) {
  const rows = [...losses].sort((one, other) => one.epoch - other.epoch);
  const x = rows.map((one) => one.epoch);
  const last = rows.at(-1);
  chart.show([
    { name: "training", x, y: rows.map((one) => one.train), ink: "muted", width: 1.5 },
    { name: "validation", x, y: rows.map((one) => one.validation), ink: "accent", width: 2 },
  ], { title: last ? `Losses after ${last.epoch} epochs: training ${number(last.train)}, validation ${number(last.validation)}.` : "No losses yet." });
  return last;
}
