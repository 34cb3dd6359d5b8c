// The place in the page as the address has it: `#/search?text=red+coat`, `#/jobs/3f2a9c04d1be`.

// { view, rest, query } of a hash; `rest` are the path's further parts.
export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const [view, ...rest] = path.split("/").filter(Boolean).map(decoded);
  return { view: view ?? "", rest, query: new URLSearchParams(query) };
}

// The hash of a place; entries of `query` that are null, undefined or "" are left out.
export function format(view, { rest = [], query = {} } = {}) {
  const entries = query instanceof URLSearchParams ? [...query] : Object.entries(query);
  const kept = entries.filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(kept).toString();
  const path = [view, ...rest].map(encodeURIComponent).join("/");
  return `#/${path}${text ? `?${text}` : ""}`;
}

// A hand-written address may hold a stray percent sign.
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
