// A dot in the bar that shows whether a search would work now.
import { fill, h } from "./dom.js";

const EVERY_MS = 30_000;

export function healthLink(api) {
  const link = h("a", { class: "health", href: "#/system" });
  const show = (kind, text, why) => {
    fill(link, h("span", { class: `dot ${kind}` }), h("span", { class: "visually-hidden" }, "Service: "), text);
    link.title = why;
  };
  const look = async () => {
    if (document.hidden) return;
    const [kind, text, why] = await stateOf(api);
    show(kind, text, why);
  };
  show("", "checking", "Checking the service");
  look();
  window.setInterval(look, EVERY_MS);
  document.addEventListener("visibilitychange", look);
  return link;
}

async function stateOf(api) {
  try {
    const { notices } = await api.get("/readyz");
    const said = Object.entries(notices).map(([name, text]) => `${name}: ${text}`);
    return said.length ? ["warn", "ready", said.join("; ")] : ["good", "ready", "All checks passed"];
  } catch (error) {
    return ["bad", error.status ? "not ready" : "unreachable", error.detail ?? error.message];
  }
}
