// Sets the chosen theme before anything is painted; console.js has the switch.
try {
	const theme = localStorage.getItem("ringway-theme");
	if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
	// Storage may be forbidden: then the system's theme it is.
}
