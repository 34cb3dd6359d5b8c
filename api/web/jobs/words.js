// Jobs in words: their states, and why pictures fail.

// State to words and tone; the tone is the colour of its dot.
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
  connection_failed: "No connection, or one that was cut.",
  bad_url: "Not a fetchable http(s) URL.",
  forbidden_address: "The address is not public, and not in the allow list.",
  too_many_redirects: "Too many redirects, or a redirect loop.",
  too_large: "More bytes than the limit.",
  not_an_image: "Not an accepted image format.",
  truncated: "A picture that ends too early.",
  corrupt: "Damaged image.",
  too_many_pixels: "Width times height over the limit.",
  bad_vector: "The model gave no usable vector.",
  model_error: "The model failed on this picture, even alone.",
  out_of_memory: "The device had no memory for this picture, even alone.",
  crashed_worker: "Three workers died on this picture.",
  store_rejected: "The store refuses this point.",
};

export const stateWords = (state) => (STATES[state] ?? [plain(state)])[0];
export const stateTone = (state) => (STATES[state] ?? ["", ""])[1];
export const reasonHelp = (reason) => REASONS[reason] ?? "";
export const plain = (name) => name.replaceAll("_", " ");

// As the file was called, without the folders before it.
export const sourceName = (source) => source.split("/").pop() || source || "a catalog";
