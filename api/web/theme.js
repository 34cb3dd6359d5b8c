// The light or dark theme of the user's choice, set before the first paint; without a choice the system decides.
// A classic script, not a module, because modules run after the first paint.
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
      // A choice equal to the system's is not stored, so that the page follows later changes of the system.
      if ((next === "dark") === system.matches) window.localStorage.removeItem(STORED);
      else window.localStorage.setItem(STORED, next);
      show(chosen());
      window.dispatchEvent(new Event("themechange"));
    },
  };
  system.addEventListener("change", () => window.dispatchEvent(new Event("themechange")));
  show(chosen());
})();
