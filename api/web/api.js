// The page's client for the API: JSON in and out, problems as errors, and the key if the service requires one.

const KEY = "vitrine.key";

// An error: the API's problem (RFC 9457), or the fact that it is unreachable.
export class Problem extends Error {
  constructor({ status = 0, code = "unreachable", detail, hint = null, errors = null, ...further }) {
    super(detail);
    this.name = "Problem";
    // Additional members of some routes, such as the checks of /readyz.
    Object.assign(this, further, { status, code, detail, hint, errors });
  }
}

export class Api {
  // `askForKey(why)` resolves to a key, or to null if the user has none.
  constructor(askForKey) {
    this.askForKey = askForKey;
    this.asking = null;
  }

  get hasKey() {
    return this.key !== null;
  }

  // For requests that cannot use `open`: an upload whose bytes are counted.
  get key() {
    return window.sessionStorage.getItem(KEY);
  }

  // The key lives as long as the tab: other tabs and later users of this browser cannot read it.
  setKey(key) {
    if (key) window.sessionStorage.setItem(KEY, key);
    else window.sessionStorage.removeItem(KEY);
  }

  // Sends a GET and returns the JSON. `query` is an object; null and undefined values are left out.
  async get(path, { query = {}, signal } = {}) {
    return (await this.open(withQuery(path, query), { signal })).json();
  }

  // Sends a POST and returns the JSON; `body` is FormData, or any value to send as JSON.
  async post(path, body = undefined, { signal } = {}) {
    const isForm = body instanceof FormData;
    const headers = isForm || body === undefined ? {} : { "Content-Type": "application/json" };
    const sent = isForm || body === undefined ? body : JSON.stringify(body);
    return (await this.open(path, { method: "POST", body: sent, headers, signal })).json();
  }

  // Returns the response itself, for streams and files; it is always a success. Throws a Problem or an AbortError.
  async open(path, options = {}) {
    for (;;) {
      const key = window.sessionStorage.getItem(KEY);
      const answer = await this.#send(path, options, key);
      if (answer.ok) return answer;
      const problem = await problemOf(answer);
      if (answer.status !== 401 || !(await this.#otherKey(key, problem))) throw problem;
    }
  }

  async #send(path, options, key) {
    const headers = new Headers(options.headers);
    if (key) headers.set("Authorization", `Bearer ${key}`);
    try {
      return await fetch(new URL(path.replace(/^\//, ""), document.baseURI), { ...options, headers, cache: "no-store" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem({ detail: "The service is unreachable.", hint: "It may have been stopped, or the network is down." });
    }
  }

  // Whether there is a key other than the refused one; requests that are refused together open one dialog.
  async #otherKey(refused, problem) {
    const current = window.sessionStorage.getItem(KEY);
    if (current !== null && current !== refused) return true;
    this.asking ??= this.askForKey(refused === null ? null : problem.detail).finally(() => {
      this.asking = null;
    });
    const key = await this.asking;
    if (key) this.setKey(key);
    return Boolean(key);
  }
}

function withQuery(path, query) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  const text = new URLSearchParams(given).toString();
  return text ? `${path}?${text}` : path;
}

async function problemOf(answer) {
  try {
    return new Problem(await answer.json());
  } catch {
    return new Problem({ status: answer.status, code: "unknown", detail: `The service answered ${answer.status}.` });
  }
}
