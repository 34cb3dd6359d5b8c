// A job's progress through the workers: the state of its chunks, the pictures in each stage, and the time per stage.
import { h } from "../dom.js";
import { count, counted, milliseconds } from "../words.js";

const STAGES = [
  ["fetch", "Fetch", "From a free fetch slot to the last byte, including the wait in the host’s queue"],
  ["decode", "Decode", "From the bytes to the model’s input, including the wait for a core"],
  ["embed", "Embed", "On the device, including the wait for the batch"],
  ["upsert", "Store", "Writing the chunk’s vectors to the store"],
];

// The unfinished chunks by state, as list items.
export function chunkPlaces(job, chunks) {
  const index = job.index ? [["Index", job.index.points ? `${count(job.index.indexed)} of ${count(job.index.points)} points` : "waiting", true]] : [];
  const told = [
    ["Submitting", "the catalog is still being read", job.state === "open"],
    ["Waiting", counted(chunks.queued, "chunk"), chunks.queued > 0],
    ["Running", counted(chunks.leased, "chunk"), chunks.leased > 0],
    ["Delayed", counted(chunks.due, "chunk"), chunks.due > 0],
    ...index,
  ];
  return told.filter(([name, , on]) => on || name !== "Submitting").map(([name, value, on]) => h("li", { class: on ? "on" : "" }, h("strong", {}, name), " ", h("span", {}, value)));
}

// The stages of the workers, { element, show(job, inStages) }; `inStages` is null if unknown.
export function stageSteps() {
  const steps = h("ol", { class: "steps", "aria-label": "Stages" });
  const note = h("p", { class: "small soft" }, "Average time per picture in finished chunks, waiting included. Stages overlap.");
  const element = h("div", { class: "stage-steps", hidden: true }, steps, note);
  const show = (job, inStages) => {
    element.hidden = job.stages.length === 0 && (job.finished || inStages === null);
    const told = new Map(job.stages.map((stage) => [stage.name, stage]));
    steps.replaceChildren(...STAGES.map((stage) => step(stage, told.get(stage[0]), job.finished ? null : inStages)));
  };
  return { element, show };
}

function step([name, title, help], told, inStages) {
  const now = inStages?.[name] ?? 0;
  return h(
    "li", { class: now ? "on" : "", title: help, dataset: { stage: name } },
    h("strong", {}, title),
    h("span", { class: "number" }, told ? milliseconds(told.mean_ms) : "–"),
    h("span", { class: "small soft number" }, inStages === null ? told && counted(told.pictures, "picture") : `${counted(now, "picture")} now`),
  );
}
