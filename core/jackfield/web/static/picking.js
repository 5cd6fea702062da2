// <run-picking for="runs"><form id="bulk">...</form></run-picking>: counts the runs that are chosen, keeps them chosen when
// the region is renewed, and lets all that are shown be chosen at once.

class RunPicking extends HTMLElement {
  connectedCallback() {
    this.region = document.getElementById(this.getAttribute("for"));
    this.chosen = new Set();
    this.region.addEventListener("change", (event) => this.changed(event.target));
    new MutationObserver(() => this.renewed()).observe(this.region, { childList: true, subtree: true });
    this.querySelector("form").addEventListener("input", (event) => {
      if (event.target.name === "scope") this.tell();
    });
    for (const box of this.boxes()) if (box.checked) this.chosen.add(box.value);
    this.renewed();
  }

  boxes() {
    return this.region.querySelectorAll("input[name=run]");
  }

  changed(box) {
    if ("all" in box.dataset) {
      for (const one of this.boxes()) this.mark(one, box.checked);
    } else if (box.name === "run") {
      this.mark(box, box.checked);
    }
    this.tell();
  }

  mark(box, checked) {
    box.checked = checked;
    if (checked) this.chosen.add(box.value); else this.chosen.delete(box.value);
  }

  renewed() {
    const boxes = [...this.boxes()];
    const shown = new Set(boxes.map((box) => box.value));
    for (const id of this.chosen) if (!shown.has(id)) this.chosen.delete(id);
    for (const box of boxes) box.checked = this.chosen.has(box.value);
    const all = this.region.querySelector("[data-all]");
    if (all) all.hidden = false;
    this.tell();
  }

  tell() {
    const text = this.chosen.size ? `(${this.chosen.size})` : "";
    const output = this.querySelector("[data-count]");
    if (output.textContent !== text) output.textContent = text;
  }
}

customElements.define("run-picking", RunPicking);
