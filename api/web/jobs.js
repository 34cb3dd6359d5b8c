// The view Jobs: the list (#/jobs), the form to submit a catalog (#/jobs/new), or one job (#/jobs/3f2a…).
import { fill } from "./dom.js";
import * as detail from "./jobs/detail.js";
import * as list from "./jobs/list.js";
import * as submit from "./jobs/submit.js";

export function mount(element, context) {
  // Passed from one page to the next: the dropped file, and the response to the submission.
  const carried = { file: null, accepted: null };
  let leave = null;

  const show = (place) => {
    leave?.abort();
    leave = new AbortController();
    const signal = AbortSignal.any([context.signal, leave.signal]);
    fill(element);
    pageOf(place).mount(element, { ...context, ...place, signal, carried });
  };
  const update = (place) => {
    show(place);
    window.scrollTo(0, 0);
    document.getElementById("main").focus({ preventScroll: true });
  };
  show(context);
  return { update };
}

function pageOf({ rest }) {
  if (rest.length === 0) return list;
  return rest[0] === "new" ? submit : detail;
}
