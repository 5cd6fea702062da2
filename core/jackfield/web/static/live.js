// <live-region id="...">: its content is replaced by a newer version whenever the host says that something has changed.
// All regions of a page share one stream of events and one request for the page. A page that is not seen listens to
// nothing: a browser has six connections to a host that speaks HTTP/1.1, and somebody may have more tabs than that.

export async function refresh(url = location.href) {
  const answer = await fetch(url, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const newer = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const region of document.querySelectorAll("live-region")) {
    const replacement = newer.getElementById(region.id);
    if (replacement && !inUse(region) && region.innerHTML !== replacement.innerHTML) put(region, replacement);
  }
}

function put(region, replacement) {
  const open = new Set([...region.querySelectorAll("details[open][id]")].map((one) => one.id));
  const focused = document.activeElement?.id;
  region.replaceChildren(...replacement.childNodes);
  for (const id of open) region.querySelector(`details[id="${CSS.escape(id)}"]`)?.setAttribute("open", "");
  if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus();
}

// What somebody is filling in or marking is left alone until the next change.
function inUse(region) {
  const selection = getSelection();
  const marked = selection && !selection.isCollapsed && region.contains(selection.anchorNode);
  const field = document.activeElement?.matches("input, textarea, select");
  return marked || (field && region.contains(document.activeElement));
}

class LiveRegion extends HTMLElement {
  static source = null;
  static timer = 0;

  connectedCallback() {
    LiveRegion.listen();
  }

  static listen() {
    const listening = LiveRegion.source && LiveRegion.source.readyState !== EventSource.CLOSED;
    if (document.hidden || listening || !document.querySelector("live-region")) return;
    LiveRegion.source = new EventSource("/live");
    LiveRegion.source.addEventListener("open", () => refresh());  // for what happened since the page was made
    LiveRegion.source.addEventListener("changed", () => {
      clearTimeout(LiveRegion.timer);
      LiveRegion.timer = setTimeout(refresh, 50);
    });
    LiveRegion.source.addEventListener("enough", LiveRegion.rest);  // there are too many; whoever comes back goes on
  }

  static rest() {
    LiveRegion.source?.close();
  }
}

document.addEventListener("visibilitychange", () => (document.hidden ? LiveRegion.rest() : LiveRegion.listen()));
addEventListener("focus", LiveRegion.listen);
customElements.define("live-region", LiveRegion);
