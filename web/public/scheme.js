// SPDX-License-Identifier: Apache-2.0

// Sets the colour scheme before the first paint, so that a dark page does not
// flash white. A file of its own because the page allows no inline script.
(function () {
  var stored = null;
  try {
    stored = localStorage.getItem("hydra-color-scheme");
  } catch {
    // Storage may be forbidden; the system's preference is good enough.
  }
  var dark = stored === "dark" || (stored !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
