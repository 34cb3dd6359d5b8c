// The API as the page speaks to it: JSON in and out, problems as errors, and the key where one is asked for.

const KEY = "vitrine.key";

// Anything but success: what the API says is wrong (RFC 9457), or that it does not answer.
export class Problem extends Error {
  constructor({ status = 0, code = "unreachable", detail, hint = null, errors = null, ...further }) {
    super(detail);
    this.name = "Problem";
    // What some routes tell beside it, such as the checks of /readyz.
    Object.assign(this, further, { status, code, detail, hint, errors });
  }
}

export class Api {
  // `askForKey(why)` resolves to a key, or to null where the user has none.
  constructor(askForKey) {
    this.askForKey = askForKey;
    this.asking = null;
  }

  get hasKey() {
    return this.key !== null;
  }

  // For what cannot go through `open`: an upload whose bytes are counted.
  get key() {
    return window.sessionStorage.getItem(KEY);
  }

  // The key lives as long as the tab: no other tab and no later visitor of this browser has it.
  setKey(key) {
    if (key) window.sessionStorage.setItem(KEY, key);
    else window.sessionStorage.removeItem(KEY);
  }

  // JSON of a GET. `query` is an object; what is null or undefined in it is left out.
  async get(path, { query = {}, signal } = {}) {
    return (await this.open(withQuery(path, query), { signal })).json();
  }

  // JSON of a POST; `body` is FormData, or anything that JSON can say.
  async post(path, body = undefined, { signal } = {}) {
    const isForm = body instanceof FormData;
    const headers = isForm || body === undefined ? {} : { "Content-Type": "application/json" };
    const sent = isForm || body === undefined ? body : JSON.stringify(body);
    return (await this.open(path, { method: "POST", body: sent, headers, signal })).json();
  }

  // The answer itself, which is a success: for streams and files. Throws a Problem, or an AbortError.
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
      throw new Problem({ detail: "The service does not answer.", hint: "It may have been stopped, or the network is away." });
    }
  }

  // Whether there is a key now that is not the one refused; several requests that are refused together ask once.
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
