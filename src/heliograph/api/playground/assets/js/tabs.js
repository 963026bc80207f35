// A row of tabs as screen readers and keyboards know it: arrows move, one of them is in the order of focus.

/** `choose(button)` is called when one is chosen. */
export function tabs(buttons, choose) {
  const select = (button) => {
    for (const one of buttons) {
      one.setAttribute("aria-selected", String(one === button));
      one.tabIndex = one === button ? 0 : -1;
    }
    choose(button);
  };
  buttons.forEach((button, at) => {
    button.addEventListener("click", () => select(button));
    button.addEventListener("keydown", (event) => {
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = buttons[(to + buttons.length) % buttons.length];
      next.focus();
      select(next);
    });
  });
}
