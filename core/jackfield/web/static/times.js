// Moments in the browser's time zone. Without this script they are there in UTC.
//
// <local-time datetime="2026-11-24T12:00:00.000Z">2026-11-24 12:00:00 UTC</local-time>

const UTC = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/;

function local(text) {
  const moment = new Date(text);
  if (Number.isNaN(moment.getTime())) return null;
  const form = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" });
  return form.format(moment).replace(/ (?=.*, )/g, "\u00a0"); // a line ends only between date and time
}

class LocalTime extends HTMLElement {
  connectedCallback() {
    const said = local(this.getAttribute("datetime"));
    if (said === null) return;
    this.title = this.textContent.trim();
    this.textContent = said;
  }
}

// Around a <select> whose options have data-since="2026-11-24T12:00:00.000Z" and the same moment in UTC in their text.
class LocalOptions extends HTMLElement {
  connectedCallback() {
    for (const option of this.querySelectorAll("option[data-since]")) {
      const said = local(option.dataset.since);
      if (said !== null) option.textContent = option.textContent.replace(UTC, said);
    }
  }
}

customElements.define("local-time", LocalTime);
customElements.define("local-options", LocalOptions);
