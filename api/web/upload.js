// Uploads a form and reports the bytes sent, which `fetch` cannot do.
import { Problem } from "./api.js";

// Resolves to the response's JSON. Calls `sent(loaded, total)` with bytes; `total` includes the form around the file.
export function upload(api, path, form, { signal, sent }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    const end = (settle, value) => {
      signal.removeEventListener("abort", abort);
      settle(value);
    };
    request.open("POST", new URL(path.replace(/^\//, ""), document.baseURI));
    if (api.key) request.setRequestHeader("Authorization", `Bearer ${api.key}`);
    request.upload.addEventListener("progress", (event) => sent(event.loaded, event.total));
    request.addEventListener("load", () => {
      const ok = request.status >= 200 && request.status < 300;
      end(ok ? resolve : reject, ok ? JSON.parse(request.responseText) : problemOf(request));
    });
    request.addEventListener("error", () => end(reject, new Problem({ detail: "The connection was lost during the upload.", hint: "Submit the catalog again." })));
    request.addEventListener("abort", () => end(reject, new DOMException("Nobody waits any more.", "AbortError")));
    signal.addEventListener("abort", abort);
    request.send(form);
  });
}

function problemOf(request) {
  try {
    return new Problem(JSON.parse(request.responseText));
  } catch {
    return new Problem({ status: request.status, code: "unknown", detail: `The service answered ${request.status}.` });
  }
}
