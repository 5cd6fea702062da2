// <closing-menu><details>...</details></closing-menu>: closes on Escape, on a click outside and when the focus leaves it.

class ClosingMenu extends HTMLElement {
  connectedCallback() {
    this.menu = this.querySelector("details");
    this.closing = new AbortController();
    const { signal } = this.closing;
    document.addEventListener("click", (event) => this.leave(event.target), { signal });
    document.addEventListener("focusin", (event) => this.leave(event.target), { signal });
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") this.close(); }, { signal });
  }

  disconnectedCallback() {
    this.closing.abort();
  }

  leave(target) {
    if (!this.contains(target)) this.menu.open = false;
  }

  close() {
    if (!this.menu.open) return;
    this.menu.open = false;
    if (this.contains(document.activeElement)) this.menu.querySelector("summary").focus();
  }
}

customElements.define("closing-menu", ClosingMenu);
