// A job's server-sent events, read with `fetch`, because the browser's EventSource cannot send a key.
import { isAbort } from "../notices.js";
import { pause } from "../poll.js";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;

// Follows a job until it is finished or the signal is aborted, and reconnects if the stream breaks.
// Calls `told.progress(data)` and `told.problem(error)` for events, and `told.gone(error)` if the job does not exist.
export async function follow(api, job, signal, told) {
  let wait = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      const answer = await api.open(`/v1/jobs/${encodeURIComponent(job)}/events`, { signal });
      for await (const { name, data } of events(answer.body)) {
        wait = FIRST_WAIT_MS;
        if (name === "problem") told.problem(data);
        else if (name === "progress") told.progress(data);
        if (name === "progress" && data.job.finished) return;
      }
    } catch (error) {
      if (isAbort(error)) return;
      if (error.status === 404) return void told.gone(error);
      told.problem(error.status === undefined ? { detail: "The connection was lost.", hint: "Reconnecting automatically." } : error);
    }
    await pause(wait, signal);
    wait = Math.min(2 * wait, LONGEST_WAIT_MS);
  }
}

// Yields the events of a stream as { name, data }, with parsed JSON as data; comments (heartbeats) are skipped.
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (text + value).split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const event = parsed(block);
      if (event) yield event;
    }
  }
}

function parsed(block) {
  const lines = block.split("\n");
  const of = (field) => lines.filter((line) => line.startsWith(`${field}: `)).map((line) => line.slice(field.length + 2));
  const data = of("data");
  return data.length ? { name: of("event")[0] ?? "message", data: JSON.parse(data.join("\n")) } : null;
}
