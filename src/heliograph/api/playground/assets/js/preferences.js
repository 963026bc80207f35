// Language and colours: kept in cookies, so that the server sends the page as it is wanted from the start.

import { find, findAll } from "./dom.js";
import { announce, t } from "./text.js";

const YEAR_SECONDS = 31_536_000;
const keep = (name, value) => (document.cookie = `heliograph-${name}=${value}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`);

export function startPreferences() {
  const root = document.documentElement;
  find("#language").addEventListener("click", (event) => {
    keep("language", event.currentTarget.dataset.language);
    location.reload();
  });
  const themes = findAll("[name=theme]");
  for (const theme of themes) {
    theme.checked = theme.value === root.dataset.theme;
    theme.addEventListener("change", () => {
      root.dataset.theme = theme.value;
      keep("theme", theme.value);
      announce(t("theme.chosen"));
    });
  }
}
