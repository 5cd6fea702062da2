// <copy-button for="id" data-done="Copied"><button type="button">Copy</button></copy-button>: copies that element's text.

class CopyButton extends HTMLElement {
  connectedCallback() {
    this.hidden = !navigator.clipboard;
    this.querySelector("button").addEventListener("click", (event) => this.copy(event.currentTarget));
  }

  async copy(button) {
    const source = document.getElementById(this.getAttribute("for"));
    await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
    const before = button.textContent;
    button.textContent = this.dataset.done;
    setTimeout(() => { button.textContent = before; }, 2000);
  }
}

customElements.define("copy-button", CopyButton);
