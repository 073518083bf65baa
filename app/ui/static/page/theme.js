// Light or dark as the system has it, or as was chosen here; before anything is drawn, so that nothing flashes.
(() => {
  const chosen = localStorage.getItem("longshot.theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
})();
