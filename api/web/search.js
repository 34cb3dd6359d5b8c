// The view Search: the query is in the address, its results are below the box. See main.js for the context.
import { announce, fill, h } from "./dom.js";
import { busy, empty, isAbort, notice, problemNotice } from "./notices.js";
import { searchBox } from "./search/box.js";
import { openDetail } from "./search/detail.js";
import { loadFacets } from "./search/facet_data.js";
import { facetPanel } from "./search/facets.js";
import { hitList } from "./search/hits.js";
import { acceptPictures } from "./search/incoming.js";
import { previews } from "./search/preview.js";
import { base64Of, thumbOf } from "./search/picture.js";
import { asked, bodyOf, fromAddress, hasPicture, isEmpty, MAX_EXAMPLES, packed, toAddress } from "./search/query.js";
import { startWall } from "./search/start.js";
import { icon } from "./icons.js";
import { counted } from "./words.js";

export function mount(element, context) {
  const view = new SearchView(element, context);
  view.start();
  return { update: ({ query }) => view.show(fromAddress(query)) };
}

class SearchView {
  constructor(element, context) {
    this.context = context;
    this.inventory = null; // collections and workers, once loaded
    this.query = fromAddress(context.query);
    this.answered = null; // a response that arrived before its address was set: { address, answer }
    this.brought = null; // a picture dropped before the inventory was loaded
    this.running = null; // AbortController of the running search
    this.vector = null; // of the query, from the response to the first page
    this.asks = null; // the last query, without its filter
    this.previews = previews(context);
    this.box = searchBox({ ask: (query) => this.ask(query), bring: (file) => this.bring(file), crop: () => this.crop() }, this.query);
    this.panel = facetPanel((filter) => this.ask({ ...this.query, filter }));
    this.hits = hitList(context, {
      open: (hit) => openDetail(context, this.query.collection, hit, { like: (id) => this.like(id), steer: (which, id) => this.steer(which, id) }),
      like: (hit) => this.like(hit.item_id, hit),
      steer: (which, hit) => this.steer(which, hit.item_id),
      more: () => this.more(),
    });
    this.heading = h("h1", {}, "Search by picture");
    this.below = h("div", { class: "search-below", tabindex: "-1" });
    fill(element, h("div", { class: "search-head" }, this.heading, this.box.form), this.below);
    acceptPictures(element, context.signal, { file: (file) => this.bring(file), url: (url) => this.ask(asked(this.query, { url })) });
  }

  // The box can be used immediately: a query made before the inventory is loaded is searched afterwards.
  async start() {
    fill(this.below, busy("Loading collections"));
    try {
      const { signal } = this.context;
      const [{ collections }, { workers }] = await Promise.all([this.context.api.get("/v1/collections", { signal }), this.context.api.get("/v1/workers", { signal })]);
      this.inventory = { collections, workers };
    } catch (error) {
      if (!isAbort(error)) fill(this.below, problemNotice(error, () => this.start()));
      return;
    }
    this.show(this.query);
    if (this.brought) this.bring(this.brought);
  }

  // --- what the user does -------------------------------------------------------------------------

  ask(query) {
    this.context.navigate("search", { query: toAddress(query) });
  }

  like(itemId, hit = null) {
    if (hit) this.previews.remember(hit);
    this.ask(asked(this.query, { item: itemId }));
  }

  steer(which, itemId) {
    const other = which === "like" ? "unlike" : "like";
    const kept = this.query[which].filter((id) => id !== itemId);
    this.ask({ ...this.query, [which]: [...kept, itemId].slice(-MAX_EXAMPLES), [other]: this.query[other].filter((id) => id !== itemId) });
  }

  // The user's own picture is searched first: the response contains its vector, which goes into the address.
  async bring(blob, crop = null) {
    if (this.inventory === null) {
      this.brought = blob;
      return;
    }
    if (this.inventory.collections.length === 0) return;
    const query = asked(this.query, {});
    this.begin(h("div", { class: "results" }, busy("Searching by your picture")));
    try {
      const [image, thumb] = await Promise.all([base64Of(blob), thumbOf(blob, crop)]);
      const answer = await this.context.api.post("/v1/search", bodyOf(query, { image, crop }), { signal: this.running.signal });
      const picture = { vector: packed(answer.query.vector), thumb };
      this.previews.keep(picture.vector, blob);
      const address = toAddress({ ...query, picture });
      this.answered = { address: address.toString(), answer };
      this.context.navigate("search", { query: address });
    } catch (error) {
      if (!isAbort(error)) fill(this.below, problemNotice(error));
    }
  }

  async crop() {
    try {
      const cut = await this.previews.askForCrop(this.query);
      if (cut?.blob) await this.bring(cut.blob, cut.frame);
      else if (cut) this.ask({ ...this.query, item: "", url: cut.url, crop: cut.frame });
    } catch (error) {
      if (!isAbort(error)) fill(this.below, problemNotice(error));
    }
  }

  // --- what is shown ------------------------------------------------------------------------------

  show(query) {
    this.query = query;
    if (this.inventory === null) return;
    const { collections } = this.inventory;
    if (collections.length === 0) {
      this.showNothingYet();
      return;
    }
    const named = query.collection || collections.reduce((most, each) => (each.points > most.points ? each : most)).name;
    this.query = { ...query, collection: named };
    this.collection = collections.find(({ name }) => name === named) ?? null;
    this.box.draw(this.query, { collections, hasWords: this.hasWords(), preview: this.previews.of(this.query) });
    this.heading.className = isEmpty(this.query) ? "" : "visually-hidden";
    if (isEmpty(this.query)) this.showStart();
    else this.search();
  }

  showNothingYet() {
    this.box.form.hidden = true;
    fill(this.below, empty("Nothing to search yet", "Submit a catalog. Its pictures can be searched as soon as they are embedded.", h("a", { class: "button primary", href: "#/jobs" }, "Submit a catalog")));
  }

  showStart() {
    this.begin(startWall(this.context, this.query.collection, this.hasWords(), (shown) => this.like(shown.item_id, shown)));
  }

  async search() {
    const address = toAddress(this.query).toString();
    const kept = this.answered?.address === address ? this.answered.answer : null;
    this.answered = null;
    if (!kept && this.refusesWords()) return;
    this.hits.clear();
    const asks = toAddress({ ...this.query, filter: {} }).toString();
    if (asks !== this.asks) window.scrollTo(0, 0); // a change of the filter alone does not scroll the page
    this.asks = asks;
    this.status = h("div", { class: "results-status soft small" });
    const main = h("div", { class: "results" }, this.status, this.hits.room);
    this.begin(h("div", { class: "search-columns" }, this.filterColumn(), main));
    fill(this.status, busy("Searching"));
    this.panel.under(this.query.filter);
    this.showFacets(this.running.signal);
    try {
      const answer = kept ?? (await this.context.api.post("/v1/search", bodyOf(this.query), { signal: this.running.signal }));
      this.vector = answer.query.vector;
      this.showAnswer(answer);
    } catch (error) {
      if (!isAbort(error)) fill(this.status, problemNotice(error, () => this.search()));
    }
  }

  async more() {
    if (this.hits.next === null || this.asking) return;
    this.asking = true;
    const { signal } = this.running;
    const offset = this.hits.next;
    this.hits.waiting();
    try {
      // By its vector, the same query costs the workers nothing; but the query's own items are excluded only if it names them.
      const vector = this.query.item || this.query.like.length || this.query.unlike.length ? null : this.vector;
      this.hits.add(await this.context.api.post("/v1/search", bodyOf(this.query, { offset, vector }), { signal }));
    } catch (error) {
      if (!isAbort(error)) this.hits.fail(problemNotice(error, () => this.more()));
    } finally {
      this.asking = false;
    }
  }

  // Aborts the running search, and shows this content instead.
  begin(content) {
    this.running?.abort();
    this.running = new AbortController();
    this.context.signal.addEventListener("abort", () => this.running.abort(), { once: true });
    const wasInside = this.below.contains(document.activeElement);
    fill(this.below, content);
    // The focused element is gone: continue at the results, not at the top of the page.
    if (wasInside) this.below.focus({ preventScroll: true });
  }

  showAnswer(answer) {
    const { hits, took } = answer;
    if (hits.length === 0) {
      const filtered = Object.keys(this.query.filter).length > 0;
      const clear = h("button", { class: "button", type: "button", onclick: () => this.ask({ ...this.query, filter: {} }) }, "Clear filters");
      fill(this.status, filtered ? empty("No results with these filters", "Remove a filter to see more.", clear) : empty("No results", "There are no other items in this collection."));
      announce("No results");
      return;
    }
    fill(this.status, h("span", {}, `Similar to ${described(this.query, answer)}`), h("span", { class: "number" }, `${Math.max(1, Math.round(took.embed_ms + took.store_ms))} ms`), shareButton());
    this.hits.add(answer);
    announce(`${counted(hits.length, "item")} found`);
  }

  filterColumn() {
    const toggle = h("button", { class: "button filters-toggle", type: "button", "aria-expanded": "false", "aria-controls": "filters" }, icon("filter"), "Filters");
    const column = h("div", { class: "filters-column", id: "filters" }, this.panel.room);
    toggle.addEventListener("click", () => toggle.setAttribute("aria-expanded", String(column.classList.toggle("open"))));
    return [toggle, column];
  }

  async showFacets(signal) {
    try {
      const facets = await loadFacets(this.context.api, this.query.collection, this.query.filter, signal);
      this.panel.draw(facets);
    } catch (error) {
      if (!isAbort(error)) this.panel.fail(problemNotice(error));
    }
  }

  // --- words ----------------------------------------------------------------------------------------

  // Whether the collection can be searched by words: yes, unless all workers of its model lack a text tower.
  hasWords() {
    const of = this.inventory.workers.filter(({ space }) => space.model === this.collection?.space.model);
    return of.length === 0 || of.some(({ supports_text: text }) => text);
  }

  refusesWords() {
    if (!this.query.text || this.hasWords()) return false;
    const model = this.collection.space.model;
    const how = hasPicture(this.query) ? "Remove the words to search by the picture alone." : "Drop or paste a picture, paste a picture’s URL, or start from an item.";
    const said = notice(`Model ${model} understands pictures only, not text.`, { kind: "warn", hint: how });
    const wall = startWall(this.context, this.query.collection, false, (shown) => this.like(shown.item_id, shown));
    this.begin(h("div", { class: "refused" }, said, wall));
    return true;
  }
}

// Copies the address, which contains the query; null if the browser gives pages no access to the clipboard.
function shareButton() {
  if (!navigator.clipboard) return null;
  const copy = async () => {
    await navigator.clipboard.writeText(window.location.href);
    fill(button, icon("link"), "Copied");
    announce("Link copied");
  };
  const button = h("button", { class: "button small share", type: "button", onclick: copy }, icon("link"), "Copy link");
  return button;
}

// Describes the query in the user's terms; for a blend, the API's description is used, because the API knows its parts.
function described({ text, url, item, picture, crop }, answer) {
  if (answer.query.kind === "blend") return answer.query.described;
  if (picture) return "your picture";
  if (url) return crop ? "the cropped picture" : "the picture at that URL";
  return item ? `the item ${item}` : `“${text}”`;
}
