// <run-filter for="runs"><form method="get">...</form></run-filter>: shows what matches while somebody fills the form in.
// Without it the form has a button.

const PAUSE = 250;

class RunFilter extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.timer = 0;
    this.tellZone();
    this.form.addEventListener("input", () => this.later(PAUSE));
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.later(0); });
  }

  // Moments are filled in in the zone of this browser, unless the address has said another one.
  tellZone() {
    const zone = this.form.elements.zone;
    zone.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
    if (zone.value) for (const hint of this.querySelectorAll("[data-zone]")) hint.textContent = zone.value;
  }

  later(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.show(), pause);
  }

  address() {
    const said = new URLSearchParams();
    for (const [name, value] of new FormData(this.form)) if (value) said.append(name, value);
    if (!said.has("since") && !said.has("until")) said.delete("zone");
    return said.size ? `${this.form.action}?${said}` : this.form.action;
  }

  async show() {
    this.running?.abort();
    this.running = new AbortController();
    const url = this.address();
    try {
      const answer = await fetch(url, { headers: { accept: "text/html" }, signal: this.running.signal });
      if (answer.redirected) return location.assign(url);
      this.put(new DOMParser().parseFromString(await answer.text(), "text/html"), url);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  }

  put(newer, url) {
    history.replaceState(null, "", url);
    for (const id of [this.getAttribute("for"), "bulk-filter", "filter-error"]) {
      const [here, there] = [document.getElementById(id), newer.getElementById(id)];
      if (!here || !there) continue;
      if (there.dataset.query) here.dataset.query = there.dataset.query;
      here.replaceChildren(...there.childNodes);
    }
  }
}

customElements.define("run-filter", RunFilter);
