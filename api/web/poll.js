// Polling while the page is visible.

// Calls `ask` immediately, then `everyMs` after each call has finished; not while the page is hidden.
// `ask` handles its own errors. Stops when the signal is aborted.
export async function poll(ask, everyMs, signal) {
  while (!signal.aborted) {
    if (!document.hidden) await ask();
    await pause(everyMs, signal);
  }
}

// Resolves after `ms` milliseconds, or immediately when the signal is aborted.
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
