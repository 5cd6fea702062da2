// <older-runs for="runs">: when somebody scrolls to it, the next older runs are put at the end of that region's table.
// When the region is renewed, they are put there again, with those that newer runs have pushed off the first page.

class OlderRuns extends HTMLElement {
  connectedCallback() {
    this.region = document.getElementById(this.getAttribute("for"));
    this.begin();
    this.watcher = new MutationObserver(() => this.renewed());
    this.watcher.observe(this.region, { childList: true });
    this.sight = new IntersectionObserver((seen) => { if (seen.some((one) => one.isIntersecting)) this.load(); }, { rootMargin: "300px" });
    this.sight.observe(this);
    this.clicked = (event) => this.goOn(event);
    this.region.addEventListener("click", this.clicked);
  }

  disconnectedCallback() {
    this.region.removeEventListener("click", this.clicked);
    this.watcher.disconnect();
    this.sight.disconnect();
  }

  begin() {
    this.query = this.region.dataset.query;
    this.first = rowsOf(this.region);
    this.older = new Map();
    this.next = linkIn(this.region)?.href;
    if (this.sight) this.lookAgain();
  }

  renewed() {
    const first = rowsOf(this.region);
    const joined = [...first.keys()].some((id) => this.first.has(id));
    if (this.region.dataset.query !== this.query || (!joined && this.first.size) || !this.older.size) return this.begin();
    const pushed = [...this.first].filter(([id]) => !first.has(id));
    this.older = new Map([...pushed, ...this.older].filter(([id]) => !first.has(id)));
    this.first = first;
    this.append([...this.older.values()]);
  }

  // A plain click on the link shows more runs below those that are there, as scrolling does.
  goOn(event) {
    if (!this.next || !event.target.closest("a[rel=next]") || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.load();
  }

  async load() {
    if (!this.next || this.busy) return;
    this.busy = true;
    const query = this.query;
    try {
      const answer = await fetch(this.next, { headers: { accept: "text/html" } });
      if (!answer.ok || answer.redirected || query !== this.region.dataset.query) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(this.region.id);
      if (query !== this.region.dataset.query) return;
      this.next = linkIn(page)?.href;
      this.table = page.querySelector(".scroll") ?? this.table;
      const shown = rowsOf(this.region);
      const rows = [...rowsOf(page)].filter(([id]) => !shown.has(id));
      for (const [id, row] of rows) this.older.set(id, row);
      this.append(rows.map(([, row]) => row));
    } finally {
      this.busy = false;
    }
    this.lookAgain();
  }

  append(rows) {
    if (rows.length) this.body()?.append(...rows);
    const link = linkIn(this.region);
    if (link && this.next) link.href = this.next;
    if (link) link.hidden = !this.next;
  }

  // Where the first page has no run, those of a later one come in a table that was loaded with them.
  body() {
    const body = this.region.querySelector("tbody");
    if (body || !this.table) return body;
    this.region.querySelector(".empty")?.replaceWith(this.table);
    this.table.querySelector("tbody").replaceChildren();
    return this.table.querySelector("tbody");
  }

  lookAgain() {
    this.sight.unobserve(this);
    this.sight.observe(this);
  }
}

function rowsOf(part) {
  return new Map([...part.querySelectorAll("tr[data-run]")].map((row) => [row.dataset.run, row]));
}

function linkIn(part) {
  return part.querySelector("a[rel=next]");
}

customElements.define("older-runs", OlderRuns);
