// <keep-fresh></keep-fresh>: as long as it is there, the page's regions are renewed every second, though the journal may
// have nothing new.
import { refresh } from "./live.js";

class KeepFresh extends HTMLElement {
  connectedCallback() {
    this.timer = setInterval(refresh, 1000, location.href);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }
}

customElements.define("keep-fresh", KeepFresh);
