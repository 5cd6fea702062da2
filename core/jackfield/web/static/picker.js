// <field-picker>: its templates become buttons; each inserts its template where the cursor was last. Arrow keys go
// from one to the next.

let last = "";

document.addEventListener("focusin", (event) => {
  if (event.target.matches("[data-template]")) last = event.target.id;
});

class FieldPicker extends HTMLElement {
  connectedCallback() {
    for (const code of this.querySelectorAll("code.pick")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "pick";
      button.title = code.dataset.label;
      code.replaceWith(button);
      code.classList.remove("pick");
      button.append(code);
      button.addEventListener("click", () => this.insert(code.textContent));
    }
    this.addEventListener("keydown", (event) => this.step(event));
  }

  insert(template) {
    const field = document.getElementById(last);
    this.querySelector("[data-said]").textContent = field ? this.dataset.done : this.dataset.nowhere;
    if (!field) return;
    for (let fold = field.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    field.focus();
    field.setRangeText(template, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  step(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by || !event.target.matches("button.pick")) return;
    const all = [...this.querySelectorAll("button.pick")].filter((one) => one.offsetParent);
    event.preventDefault();
    all[all.indexOf(event.target) + by]?.focus();
  }
}

customElements.define("field-picker", FieldPicker);
