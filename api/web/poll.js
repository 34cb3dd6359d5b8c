// Asking again and again while somebody looks.

// Calls `ask` now and then every so many milliseconds, after the answer to the last; not while the page is hidden.
// `ask` deals with its own errors. Ends with the signal.
export async function poll(ask, everyMs, signal) {
  while (!signal.aborted) {
    if (!document.hidden) await ask();
    await pause(everyMs, signal);
  }
}

// Resolves after so many milliseconds, or at once when the signal is aborted.
export function pause(ms, signal) {
  return new Promise((resolve) => {
    const done = () => {
      window.clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = window.setTimeout(done, ms);
    if (signal.aborted) done();
    else signal.addEventListener("abort", done);
  });
}
