// Folding is all that needs a script: without it everything is unfolded and to be read.
"use strict";
const buttons = document.querySelector(".buttons");
buttons.hidden = false;
for (const button of buttons.querySelectorAll("button")) {
  button.addEventListener("click", () => {
    for (const details of document.querySelectorAll("main details")) {
      details.open = Boolean(button.dataset.fold);
    }
  });
}
function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target && (target.closest("details") || target.querySelector("details"));
  if (folded) folded.open = true;
}
addEventListener("hashchange", unfold);
unfold();
