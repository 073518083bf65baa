// Light or dark as the system has it, or as was chosen here; before anything is drawn, so that nothing flashes.
(() => {
  const asked = new URLSearchParams(location.search).get("theme");
  // In a frame, a browser may refuse what is kept elsewhere.
  const kept = () => { try { return localStorage.getItem("longshot.theme"); } catch { return null; } };
  const chosen = asked === "dark" || asked === "light" ? asked : kept();
  if (chosen) document.documentElement.dataset.theme = chosen;
})();
