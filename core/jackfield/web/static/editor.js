// <editor-form>: sends what its form's buttons do without loading the page anew, and keeps the place one was at.
// <toml-text>: numbers the lines of a text, and goes to the one that is asked for.

class EditorForm extends HTMLElement {
  connectedCallback() {
    this.changed = this.hasAttribute("data-changed");
    this.addEventListener("submit", (event) => this.send(event));
    this.addEventListener("input", (event) => { this.changed ||= !event.target.name?.startsWith("try_"); });
    this.addEventListener("change", (event) => this.choose(event.target));
    this.addEventListener("click", (event) => this.follow(event));
    this.leaving = (event) => { if (this.changed) event.preventDefault(); };
    addEventListener("beforeunload", this.leaving);
  }

  disconnectedCallback() {
    removeEventListener("beforeunload", this.leaving);
  }

  choose(field) {
    if (field.matches("[data-apply]")) field.form.requestSubmit(field.form.querySelector('button[value="apply"]'));
  }

  follow(event) {
    const link = event.target.closest("a");
    if (!link) return;
    if (link.dataset.line) {
      event.preventDefault();
      this.querySelector("toml-text")?.goTo(Number(link.dataset.line));
    } else if (link.hash && link.pathname === location.pathname) {
      const place = document.getElementById(decodeURIComponent(link.hash.slice(1)));
      for (let fold = place?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
      place?.focus();
    } else if (link.closest(".save-bar")) {
      this.changed = false;
    }
  }

  async send(event) {
    if (event.submitter?.name === "language") {  // all of the page speaks, so all of it is loaded anew
      this.changed = false;
      return;
    }
    event.preventDefault();
    const form = event.target;
    const deed = event.submitter?.value || "apply";
    const focused = document.activeElement?.id;
    const body = new URLSearchParams(new FormData(form, event.submitter));
    this.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.action, { method: "POST", body });
      if (answer.redirected) {
        this.changed = false;
        location.assign(answer.url);
        return;
      }
      const newer = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("editor-form");
      if (!newer) throw new Error("no editor");
      this.put(newer);
      this.changed ||= !/^(tab|try|send|apply|save|row:)/.test(deed);
      this.focusAfter(deed, focused);
    } catch {
      this.changed = false;
      const field = Object.assign(document.createElement("input"), { type: "hidden", name: "do", value: deed });
      form.append(field);
      form.submit();
    } finally {
      this.removeAttribute("aria-busy");
    }
  }

  put(newer) {
    const folds = new Map([...this.querySelectorAll("details[id]")].map((one) => [one.id, one.open]));
    this.replaceChildren(...newer.childNodes);
    for (const [id, open] of folds) {
      const fold = document.getElementById(id);
      if (fold && open) fold.open = true;
    }
  }

  focusAfter(deed, focused) {
    const button = this.querySelector(`button[value="${CSS.escape(deed)}"]:not(.aside)`);
    const told = this.querySelector('[role="alert"], .conflict');
    if (told && /^(save|overwrite)/.test(deed)) {
      told.tabIndex = -1;
      told.focus();
    } else if (deed.startsWith("row:")) {
      [...button.closest(".pairs").querySelectorAll(".pair input")].filter((one) => one.type !== "hidden").at(-1)?.focus();
    } else {
      (document.getElementById(focused) ?? button)?.focus({ preventScroll: true });
    }
  }
}

class TomlText extends HTMLElement {
  connectedCallback() {
    this.area = this.querySelector("textarea");
    this.list = this.querySelector("ol");
    this.area.addEventListener("input", () => this.number());
  }

  number() {
    const wanted = this.area.value.split("\n").length;
    while (this.list.children.length > wanted) this.list.lastElementChild.remove();
    while (this.list.children.length < wanted) {
      const line = document.createElement("li");
      line.textContent = this.list.children.length + 1;
      this.list.append(line);
    }
    this.area.rows = Math.max(12, wanted + 2);
  }

  goTo(line) {
    const before = this.area.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    const end = this.area.value.indexOf("\n", before);
    this.area.focus();
    this.area.setSelectionRange(before, end < 0 ? this.area.value.length : end);
    this.list.children[line - 1]?.scrollIntoView({ block: "center" });
  }
}

customElements.define("editor-form", EditorForm);
customElements.define("toml-text", TomlText);
