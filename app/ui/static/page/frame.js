// What every page has around its content: where one is, who one is, light and dark.
import { session, signOut } from "./session.js";
import { h } from "./dom.js";

const here = location.pathname;
const BELOW = { "/backtests": "/jobs", "/forecasts": "/forecast" };
const section = `/${here.split("/")[1]}`;
for (const link of document.querySelectorAll("header nav a")) {
  const place = link.getAttribute("href");
  if ((BELOW[section] ?? section) === place) link.setAttribute("aria-current", "page");
}

const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (document.documentElement.dataset.theme ?? (prefersDark.matches ? "dark" : "light")) === "dark";
const tell = () => document.dispatchEvent(new Event("themechange"));

document.getElementById("theme").addEventListener("click", () => {
  const chosen = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = chosen;
  localStorage.setItem("longshot.theme", chosen);
  tell();
});
prefersDark.addEventListener("change", tell);

if (here !== "/sign-in") {
  const { key } = await session();
  if (key) {
    const leave = h("button", { type: "button", class: "quiet", onclick: signOut }, "Sign out");
    document.getElementById("session").append(h("span", { class: "muted small" }, key.name || key.id), leave);
  }
}
