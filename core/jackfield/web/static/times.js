// <local-time datetime="2026-11-24T12:00:00.000Z">2026-11-24 12:00:00 UTC</local-time>: the same moment in local time.

class LocalTime extends HTMLElement {
  connectedCallback() {
    const moment = new Date(this.getAttribute("datetime"));
    if (Number.isNaN(moment.getTime())) return;
    const form = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" });
    this.title = this.textContent.trim();
    this.textContent = form.format(moment).replace(/ (?=.*, )/g, "\u00a0"); // a line ends only between date and time
  }
}

customElements.define("local-time", LocalTime);
