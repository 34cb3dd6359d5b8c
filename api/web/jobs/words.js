// Texts for jobs: their states, and the reasons of failures.

// State to text and tone; the tone is the colour of the dot.
const STATES = {
  open: ["being submitted", "live"],
  running: ["running", "live"],
  indexing: ["building the index", "live"],
  completed: ["completed", "good"],
  completed_with_failures: ["completed with failures", "warn"],
  cancelling: ["stopping", "live"],
  cancelled: ["cancelled", ""],
  lost: ["lost", "bad"],
};

const REASONS = {
  not_found: "The host answered 404 or 410.",
  http_error: "The host refused (401, 403, …); retrying will not help.",
  server_error: "The host answered 5xx each time.",
  rate_limited: "The host rate-limited us (429).",
  timeout: "The picture did not arrive in time.",
  connection_failed: "The connection failed or was lost.",
  bad_url: "Not a fetchable http(s) URL.",
  forbidden_address: "The address is not public and not on the allow list.",
  too_many_redirects: "Too many redirects, or a redirect loop.",
  too_large: "The file is larger than the limit.",
  not_an_image: "Not an accepted image format.",
  truncated: "Incomplete image data.",
  corrupt: "Damaged image.",
  too_many_pixels: "Width times height exceeds the limit.",
  bad_vector: "The model returned no usable vector.",
  model_error: "The model failed on this picture, even alone.",
  out_of_memory: "The device ran out of memory on this picture, even alone.",
  crashed_worker: "Three workers crashed on this picture.",
  store_rejected: "The store rejected this picture’s vector.",
};

export const stateWords = (state) => (STATES[state] ?? [plain(state)])[0];
export const stateTone = (state) => (STATES[state] ?? ["", ""])[1];
export const reasonHelp = (reason) => REASONS[reason] ?? "";
export const plain = (name) => name.replaceAll("_", " ");

// The file's name without its folders.
export const sourceName = (source) => source.split("/").pop() || source || "a catalog";
