// Chooses light or dark before the first paint: what was chosen here before, else the system's choice.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the system's choice is good enough.
}
