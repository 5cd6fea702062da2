// <id-proposal data-letters="{...}"><input></id-proposal>: shows the file name that is made of the title if none is given,
// as the host makes it. `data-letters` says how letters are written in Latin ones.

const LONGEST = 64;

class IdProposal extends HTMLElement {
  connectedCallback() {
    this.letters = JSON.parse(this.dataset.letters);
    this.source = document.getElementById("title");
    this.source.addEventListener("input", () => this.propose());
    this.propose();
  }

  propose() {
    const words = [...this.source.value.toLowerCase()].map((letter) => this.letters[letter] ?? letter).join("");
    const name = (words.match(/[a-z0-9]+/g) ?? []).join("-").slice(0, LONGEST).replace(/-$/, "");
    this.querySelector("input").placeholder = name;
  }
}

customElements.define("id-proposal", IdProposal);
