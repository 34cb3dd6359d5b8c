// The page's places as URL hashes: `#/search?text=red+coat`, `#/jobs/3f2a9c04d1be`.

// Parses a hash to { view, rest, query }; `rest` holds the further parts of the path.
export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const [view, ...rest] = path.split("/").filter(Boolean).map(decoded);
  return { view: view ?? "", rest, query: new URLSearchParams(query) };
}

// Returns the hash of a place; entries of `query` that are null, undefined or "" are left out.
export function format(view, { rest = [], query = {} } = {}) {
  const entries = query instanceof URLSearchParams ? [...query] : Object.entries(query);
  const kept = entries.filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(kept).toString();
  const path = [view, ...rest].map(encodeURIComponent).join("/");
  return `#/${path}${text ? `?${text}` : ""}`;
}

// A hand-written hash can contain a stray percent sign.
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
