// Light or dark as the user chose it, set before the first paint; without a choice the system decides.
// A plain script and no module: modules run after the page was drawn once.
(() => {
  const STORED = "vitrine.theme";
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  const chosen = () => {
    const found = window.localStorage.getItem(STORED);
    return found === "light" || found === "dark" ? found : null;
  };
  const show = (theme) => {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
  };

  window.vitrineTheme = {
    isDark: () => (chosen() ?? (system.matches ? "dark" : "light")) === "dark",
    toggle() {
      const next = this.isDark() ? "light" : "dark";
      // The system's own choice is kept as no choice, so that the page follows it when it changes.
      if ((next === "dark") === system.matches) window.localStorage.removeItem(STORED);
      else window.localStorage.setItem(STORED, next);
      show(chosen());
      window.dispatchEvent(new Event("themechange"));
    },
  };
  system.addEventListener("change", () => window.dispatchEvent(new Event("themechange")));
  show(chosen());
})();
